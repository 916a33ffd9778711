"""Settings shown and changed while the gateway runs, for the command line and the console."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.in_force import in_force
from gateway.settings import Settings, SettingsError
from gateway.settings import changing as rules
from gateway.settings.table import Row, rows
from store import settings as kept
from store.engine import Store
from store.settings import Change

MOST_WORDS = 500
# What is done in the transaction of a change.
Also = Callable[[Connection], object]


async def table(store: Store, settings: Settings, word: str = "") -> list[Row]:
    """The settings in force, with this word in their name or explanation."""
    _, changes = await store.read(kept.current, settings.clinic.id)
    return rows(await in_force(store, settings), changes, word)


async def set_one(
    store: Store, settings: Settings, name: str, typed: str, by: str, note: str = "", also: Also | None = None
) -> int:
    """Change a setting; the number of the change. SettingsError says what is wrong with it."""
    by, note = _who(by), _why(note)
    _, value = rules.change(await in_force(store, settings), name, typed)
    return await store.run(_written, settings.clinic.id, name, value, by, note, store.clock(), also)


async def reset(
    store: Store, settings: Settings, name: str, by: str, note: str = "", also: Also | None = None
) -> bool:
    """Take the change of a setting back; False when there is none."""
    by, note = _who(by), _why(note)
    _, changes = await store.read(kept.current, settings.clinic.id)
    if name not in changes:
        rules.check(settings, name)
        return False
    if wrong := _wrong_without(settings, changes, name):
        raise SettingsError(f"{wrong}; it was changed here, too: take that back first")
    await store.run(_written, settings.clinic.id, name, None, by, note, store.clock(), also)
    return True


def _written(
    conn: Connection,
    clinic: int,
    name: str,
    value: str | None,
    by: str,
    note: str,
    now: datetime,
    also: Also | None,
) -> int:
    number = kept.change(conn, clinic, name, value, by, note, now)
    if also is not None:
        also(conn)
    return number


def _wrong_without(settings: Settings, changes: Mapping[str, Change], name: str) -> str | None:
    """What is wrong with another change when this one is taken back."""
    values = {one: change.value for one, change in changes.items() if change.value is not None}
    _, before = rules.laid_over(settings, values)
    _, after = rules.laid_over(settings, {one: value for one, value in values.items() if one != name})
    return next((line for line in after if line not in before), None)


def as_data(change: Change) -> dict[str, Any]:
    """A change as data; a value of None: that of the settings file."""
    return {
        "id": change.id,
        "name": change.name,
        "before": None if change.before is None else json.loads(change.before),
        "value": None if change.value is None else json.loads(change.value),
        "by": change.by,
        "note": change.note,
        "at": change.at,
    }


def _who(by: str) -> str:
    if not by.strip():
        raise SettingsError("say who decides it: every change is written down with a name")
    return _short(by.strip(), "the name")


def _why(note: str) -> str:
    return _short(note.strip(), "the note")


def _short(text: str, what: str) -> str:
    if len(text) > MOST_WORDS:
        raise SettingsError(f"{what} is too long: {MOST_WORDS} characters at most")
    return text
