"""Saved templates: what is saved again under a name is its next version, and none is ever changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from gateway.domain import MessageType, RingwellError
from store import ids
from store.schema import template

_t = template.c


class OtherTypeError(RingwellError):
    """A template would become one for messages of another type; `kept` is the type that it has."""

    def __init__(self, kept: MessageType) -> None:
        super().__init__(f"this template is for messages of type {kept}")
        self.kept = kept


class SavedMeanwhileError(RingwellError):
    """Somebody else saved a version since the one that was opened; `newest` is theirs."""

    def __init__(self, newest: Saved) -> None:
        super().__init__(f"{newest.by} has saved version {newest.version} of this template meanwhile")
        self.newest = newest


@dataclass(frozen=True, slots=True)
class Saved:
    """One version of a template."""

    name: str
    version: int
    type: MessageType
    texts: Mapping[str, Mapping[str, str]]
    by: str
    at: datetime


def save(
    conn: Connection,
    clinic: int,
    name: str,
    type: MessageType,
    texts: Mapping[str, Mapping[str, str]],
    by: str,
    now: datetime,
    change_type: bool = False,
    opened: int | None = None,
) -> int:
    """Write down the next version and return its number; the newest again when nothing differs from it.

    Raises OtherTypeError when it has another type, unless that is wanted. `opened`: the version that was
    changed, 0 for a new template; SavedMeanwhileError when that is not the newest any more.
    """
    # The counter's row puts those who save at the same time one behind the other.
    id = ids.take(conn, clinic, "template")
    newest = find(conn, clinic, name)
    if newest is not None and newest.type is not type and not change_type:
        raise OtherTypeError(newest.type)
    if newest is not None and (newest.type, newest.texts) == (type, texts):
        return newest.version
    if newest is not None and opened is not None and newest.version != opened:
        raise SavedMeanwhileError(newest)
    version = newest.version + 1 if newest else 1
    row = {"clinic": clinic, "id": id, "name": name, "version": version, "type": type.value}
    row |= {"texts": {place: dict(fields) for place, fields in texts.items()}, "by": by, "at": now}
    conn.execute(template.insert(), row)
    return version


def find(conn: Connection, clinic: int, name: str, version: int | None = None) -> Saved | None:
    """A version of a template, the newest where none is named."""
    query = select(template).where(_t.clinic == clinic, _t.name == name)
    if version is not None:
        query = query.where(_t.version == version)
    row = conn.execute(query.order_by(_t.version.desc()).limit(1)).mappings().first()
    return _saved(row) if row else None


def listing(conn: Connection, clinic: int) -> list[Saved]:
    """The newest version of each template, by name."""
    newest = select(_t.name, func.max(_t.version)).where(_t.clinic == clinic).group_by(_t.name).subquery()
    query = select(template).join(newest, (_t.name == newest.c[0]) & (_t.version == newest.c[1]))
    rows = conn.execute(query.where(_t.clinic == clinic).order_by(_t.name)).mappings()
    return [_saved(row) for row in rows]


def _saved(row: Any) -> Saved:
    type = MessageType(row["type"])
    return Saved(row["name"], row["version"], type, row["texts"], row["by"], row["at"])
