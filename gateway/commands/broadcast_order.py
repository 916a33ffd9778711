"""The options of a broadcast command become a Broadcast."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway import wording
from gateway.broadcast import check
from gateway.commands.broadcast_options import Ordered, OrderedOnce
from gateway.domain import Broadcast, Channel, MessageType, RingwellError, Then
from gateway.domain.message_types import TYPES
from gateway.domain.offsets import Offset, Timing, parse_offset
from gateway.settings import Settings
from store import lists, templates
from store.engine import Store


class BroadcastError(RingwellError):
    """A broadcast was described in a way that cannot be carried out."""


def describe(settings: Settings, name: str, options: Ordered) -> Broadcast:
    """The broadcast that the options ask for; raises BroadcastError or TemplateError."""
    if not name.strip() or not name.isprintable():
        raise BroadcastError("the name of a broadcast must have a letter and no control character")
    once = options if isinstance(options, OrderedOnce) else OrderedOnce(channel=options.channel)
    zone = ZoneInfo(settings.clinic.zone)
    now = datetime.now(UTC)
    first = once.start_date.date() if once.start_date else now.astimezone(zone).date() + timedelta(days=1)
    # What stands in them is looked at when list and saved template are known, too.
    texts = merged_templates(options.templates, options.type, settings.clinic.language, options.bundle)
    try:
        starts_from, starts_until = _midnight(first, zone), _midnight(first + timedelta(days=once.days), zone)
        send_at = once.at.replace(tzinfo=zone).astimezone(UTC) if once.at else now
    except OverflowError as error:
        raise BroadcastError("--start-date or --at lies beyond the calendar") from error
    return Broadcast(
        id=0,
        name=name,
        type=options.type,
        broadcast_class=options.broadcast_class or TYPES[options.type].classes[0],
        channel=options.channel,
        only_preference=options.only_preference,
        send_at=send_at,
        starts_from=starts_from,
        starts_until=starts_until,
        templates=texts,
        zone=settings.clinic.zone,
        cascade=steps_of(options.then or (), options.at_once),
        bundle=options.bundle,
    )


def named(options: OrderedOnce) -> Named:
    """What the options name, and when the messages go."""
    return Named(options.template, options.list_name, options.before, options.business_days)


def steps_of(then: Sequence[str], at_once: bool) -> tuple[Then, ...]:
    """The steps after the first, each written like voice=4h; `at_once`: without a wait, beside the first."""
    if at_once and not then:
        raise BroadcastError("--at-once needs a step: --then voice --at-once")
    return tuple(_step(words, at_once) for words in then)


def _step(words: str, at_once: bool) -> Then:
    name, equals, wait = words.partition("=")
    if name not in list(Channel):
        raise BroadcastError(f"--then {words}: {name} is not voice, sms, email or fax")
    if at_once and equals:
        raise BroadcastError(
            f"--then {words}: with --at-once there is nothing to wait for, say --then {name}"
        )
    found = _WAIT.fullmatch(wait)
    if not at_once and not found:
        raise BroadcastError(f"--then {words}: say how long after the step before, such as {name}=4h or 1d")
    return Then(Channel(name), timedelta(**{_UNITS[found[2]]: int(found[1])}) if found else None)


_WAIT = re.compile(r"([1-9][0-9]{0,3})([mhd])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


def told_steps(order: Broadcast) -> str:
    """The cascade in words: `sms, then voice after 4h`."""
    then = (f", then {step.channel} {_told_wait(step.after)}" for step in order.cascade)
    return f"{order.channel}{''.join(then)}"


def _told_wait(wait: timedelta | None) -> str:
    if wait is None:
        return "at once"
    minutes = int(wait.total_seconds()) // 60
    size, unit = next(one for one in ((1440, "d"), (60, "h"), (1, "m")) if minutes % one[0] == 0)
    return f"after {minutes // size}{unit}"


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def read_templates(file: Path | None, type: MessageType, language: str) -> dict[str, dict[str, str]]:
    """The texts of a TOML file over those that ship; raises BroadcastError or TemplateError."""
    texts = merged_templates(file, type, language)
    wording.check_templates(texts, type)
    return texts


def merged_templates(
    file: Path | None, type: MessageType, language: str, bundle: bool = False
) -> dict[str, dict[str, str]]:
    """The texts of a TOML file over those that ship, not looked at yet; raises BroadcastError."""
    texts = wording.default_templates(type, language)
    if bundle:
        texts = wording.for_several(texts, language)
    if file is not None:
        for name, field, text in _given(file):
            texts.setdefault(name, {})[field] = text
    return texts


@dataclass(frozen=True, slots=True)
class Named:
    """What a broadcast takes from the store by name, and when its messages go."""

    template: str | None = None
    list: str | None = None
    before: Sequence[str] | None = None
    business_days: bool = False


async def completed(store: Store, settings: Settings, wanted: Broadcast, named: Named) -> Broadcast:
    """The broadcast with its saved template and its list; raises RingwellError if they do not fit."""
    clinic = settings.clinic.id
    if named.template is not None:
        saved = await store.read(templates.find, clinic, named.template)
        if saved is None:
            raise BroadcastError(f"there is no template {named.template!r}: see 'ringwell template list'")
        if saved.type is not wanted.type:
            raise BroadcastError(f"template {named.template!r} is for messages of type {saved.type}")
        wanted = replace(wanted, templates=saved.texts)
    if named.list is not None:
        found = await store.read(lists.find, clinic, named.list)
        if found is None:
            raise BroadcastError(f"there is no list {named.list!r}: see 'ringwell lists'")
        if found.kind is not TYPES[wanted.type].kind:
            raise BroadcastError(f"list {named.list!r} has {found.kind.value}s, not those of {wanted.type}")
        wanted = replace(wanted, custom_list=found.id)
    if named.before:
        timing = Timing(_one_offset(named.before), business_days=named.business_days)
        wanted = replace(wanted, timing=timing)
    await check(store, clinic, wanted)
    wording.check_front_desk(wanted.templates, settings.voice.front_desk)
    return wanted


def _one_offset(before: Sequence[str]) -> Offset:
    parts = ",".join(before).split(",")
    if len(parts) > 1:
        several = ",".join(part.strip() for part in parts)
        raise BroadcastError(
            f"--before {several}: a broadcast goes once before each; for a sequence use"
            f" 'ringwell rule add NAME --before {several}'"
        )
    return parse_offset(parts[0])


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
