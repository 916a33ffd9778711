"""What may be changed while the gateway runs, and how a change is laid over the settings file; pure.

Lines, ports, secrets and folders stay in the file: they take a restart.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from gateway.settings import Settings
from gateway.settings.values import SettingsError
from gateway.settings.wrong import place, told

# Sections as a whole, and single settings that are looked at each time they matter.
SECTIONS = ("policy", "retry")
SINGLE = ("texts.answers", "texts.reply_days", "voice.machine_details", "voice.warn_seconds")


def may_change(name: str) -> bool:
    """Whether this setting can be changed while the gateway runs."""
    return name in SINGLE or name.partition(".")[0] in SECTIONS


def laid_over(settings: Settings, changes: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """The settings with these changes (JSON by name), and what is wrong with those that were left out.

    One that only goes with another one (a later opening with a later closing) is tried again after it.
    """
    left = dict(changes)
    while left:
        wrong: dict[str, str] = {}
        for name, text in left.items():
            try:
                settings = _with(settings, name, json.loads(text))
            except SettingsError as error:
                wrong[name] = str(error)
        if len(wrong) == len(left):
            return settings, list(wrong.values())
        left = {name: left[name] for name in wrong}
    return settings, []


def change(settings: Settings, name: str, typed: str) -> tuple[Settings, str]:
    """The settings with one more change, and its value as JSON; SettingsError says what is wrong with it.

    What was typed is read as JSON where it is that (3, true, ["NY"]), else as the words that it is (08:00);
    where a list is wanted as words between commas (mon,tue).
    """
    check(settings, name)
    try:
        value = json.loads(typed)
    except json.JSONDecodeError:
        value = typed
    if isinstance(value_of(settings, name), (tuple, list)) and not isinstance(value, (list, dict)):
        value = [part.strip() for part in typed.split(",") if part.strip()]
    try:
        found = _with(settings, name, value)
    except SettingsError:
        if isinstance(value, (str, list)):
            raise
        # A word that looks like a number.
        found = _with(settings, name, typed)
    return found, json.dumps(plain_value(found, name))


def check(settings: Settings, name: str) -> None:
    """SettingsError unless there is such a setting, and it may be changed while the gateway runs."""
    section, _, inner = name.partition(".")
    if section not in type(settings).model_fields or (inner and not _is_there(settings, name)):
        raise SettingsError(f"setting {name}: is not a known setting; 'ringwell settings list' shows all")
    if not may_change(name):
        raise SettingsError(f"setting {name}: is set in the settings file, and holds from the next start")
    if not inner or isinstance(value_of(settings, name), BaseModel):
        raise SettingsError(f"setting {name}: is a whole section; name one of its settings")


def value_of(settings: BaseModel, name: str) -> Any:
    """The value of a setting by its dotted name."""
    found: Any = settings
    for part in name.split("."):
        found = found[part] if isinstance(found, Mapping) else getattr(found, part)
    return found


def plain_value(settings: BaseModel, name: str) -> Any:
    """The value as JSON has it."""
    found: Any = settings.model_dump(mode="json", include={name.partition(".")[0]})
    for part in name.split("."):
        found = found[part]
    return found


def _is_there(settings: BaseModel, name: str) -> bool:
    try:
        value_of(settings, name)
    except (KeyError, AttributeError):
        return False
    return True


def _with(settings: Settings, name: str, value: object) -> Settings:
    section, _, inner = name.partition(".")
    if not (inner and _is_there(settings, name)):
        raise SettingsError(f"setting {name}: is not a known setting")
    before: BaseModel = getattr(settings, section)
    data = before.model_dump()
    *way, last = inner.split(".")
    table = data
    for part in way:
        table = table[part]
    table[last] = value
    try:
        after = type(before).model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = place((section, *first["loc"]))
        raise SettingsError(f"setting {where}: {told(first, type(before))}") from error
    return settings.model_copy(update={section: after})
