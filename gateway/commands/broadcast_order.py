"""The options of a broadcast command become a Broadcast."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway import wording
from gateway.commands.broadcast_options import Ordered, OrderedOnce
from gateway.domain import Broadcast, Channel, MessageType, Then
from gateway.ordering import BroadcastError, Days, Named, moment_of, ordered
from gateway.settings import Settings


def describe(settings: Settings, name: str, options: Ordered) -> Broadcast:
    """The broadcast that the options ask for; raises BroadcastError or TemplateError."""
    once = options if isinstance(options, OrderedOnce) else OrderedOnce(channel=options.channel)
    zone = ZoneInfo(settings.clinic.zone)
    now = datetime.now(UTC)
    first = once.start_date.date() if once.start_date else now.astimezone(zone).date() + timedelta(days=1)
    # What stands in them is looked at when list and saved template are known, too.
    texts = merged_templates(options.templates, options.type, settings.clinic.language, options.bundle)
    return ordered(
        settings,
        name,
        options.type,
        options.channel,
        options.only_preference,
        texts,
        Days(first, once.days),
        moment_of(once.at, zone) if once.at else now,
        broadcast_class=options.broadcast_class,
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
