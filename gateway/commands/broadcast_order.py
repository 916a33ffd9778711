"""The options of a broadcast command become a Broadcast."""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway import wording
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, RingwellError
from gateway.settings import Settings


class BroadcastError(RingwellError):
    """A broadcast was described in a way that cannot be carried out."""


def describe(
    settings: Settings,
    name: str,
    channel: Channel,
    type: MessageType,
    start_date: datetime | None,
    days: int,
    at: datetime | None,
    only_preference: bool,
    templates: Path | None,
    broadcast_class: BroadcastClass,
) -> Broadcast:
    """The broadcast that the options ask for; raises BroadcastError or TemplateError."""
    if not name.strip() or not name.isprintable():
        raise BroadcastError("the name of a broadcast must have a letter and no control character")
    zone = ZoneInfo(settings.clinic.zone)
    now = datetime.now(UTC)
    first = start_date.date() if start_date else now.astimezone(zone).date() + timedelta(days=1)
    texts = _templates(templates, type)
    wording.check_templates(texts, type)
    try:
        starts_from, starts_until = _midnight(first, zone), _midnight(first + timedelta(days=days), zone)
        send_at = at.replace(tzinfo=zone).astimezone(UTC) if at else now
    except OverflowError as error:
        raise BroadcastError("--start-date or --at lies beyond the calendar") from error
    return Broadcast(
        id=0,
        name=name,
        type=type,
        broadcast_class=broadcast_class,
        channel=channel,
        only_preference=only_preference,
        send_at=send_at,
        starts_from=starts_from,
        starts_until=starts_until,
        templates=texts,
    )


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _templates(file: Path | None, type: MessageType) -> dict[str, dict[str, str]]:
    texts = wording.default_templates(type)
    if file is None:
        return texts
    try:
        given: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BroadcastError(f"cannot read templates {file}: {error}") from error
    for channel, fields in given.items():
        if channel not in texts or not isinstance(fields, dict):
            raise BroadcastError(f"templates {file}: [{channel}] is not voice, sms, email or fax")
        for field, text in fields.items():
            if field not in texts[channel] or not isinstance(text, str):
                raise BroadcastError(f"templates {file}: {channel}.{field} is not a text we know")
            texts[channel][field] = text
    return texts
