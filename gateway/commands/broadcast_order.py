"""The options of a broadcast command become a Broadcast."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
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
    texts = read_templates(templates, type, settings.clinic.language)
    wording.check_front_desk(texts, settings.voice.front_desk)
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


def read_templates(file: Path | None, type: MessageType, language: str) -> dict[str, dict[str, str]]:
    """The texts of a TOML file over those that ship; raises BroadcastError or TemplateError."""
    texts = wording.default_templates(type, language)
    if file is not None:
        for name, field, text in _given(file):
            texts.setdefault(name, {})[field] = text
    wording.check_templates(texts, type)
    return texts


def _given(file: Path) -> Iterator[tuple[str, str, str]]:
    """(table, field, text) of a templates file; `voice.es` and `voice.menu` are tables of their own."""
    try:
        given: dict[str, Any] = tomllib.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BroadcastError(f"cannot read templates {file}: {error}") from error
    for channel, fields in given.items():
        if channel not in list(Channel) or not isinstance(fields, dict):
            raise BroadcastError(f"templates {file}: [{channel}] is not voice, sms, email or fax")
        for field, value in fields.items():
            inner = value if isinstance(value, dict) else {field: value}
            name = f"{channel}.{field}" if isinstance(value, dict) else channel
            for key, text in inner.items():
                asked = wording.NOT_TEXTS.get(name, wording.FIELDS[Channel(channel)])
                if not (name == wording.MENU or key in asked) or not isinstance(text, str):
                    raise BroadcastError(f"templates {file}: {name}.{key} is not a text we know")
                yield name, key, text
