"""Settings that were changed while running: a history that is only added to, its newest lines hold."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from store import ids
from store.outside import storable
from store.schema import setting

_s = setting.c
_COLUMNS = (_s.id, _s.name, _s.value, _s.by, _s.note, _s.at)


@dataclass(frozen=True, slots=True)
class Change:
    """Who set what, when and why; `value` as JSON, None: back to the file; `before`: that until then."""

    id: int
    name: str
    value: str | None
    by: str
    note: str
    at: datetime
    before: str | None = None


def change(
    conn: Connection, clinic: int, name: str, value: str | None, by: str, note: str, now: datetime
) -> int:
    """Set a setting, or give it back to the file; the number of the change."""
    number = ids.take(conn, clinic, "setting")
    told = {"name": name, "value": value, "by": storable(by), "note": storable(note), "at": now}
    conn.execute(setting.insert().values(clinic=clinic, id=number, **told))
    return number


def version(conn: Connection, clinic: int) -> int:
    """The number of the last change; 0 before the first."""
    return ids.upcoming(conn, clinic, "setting") - 1


def current(conn: Connection, clinic: int) -> tuple[int, dict[str, Change]]:
    """The number of the last change, and what holds now, by name."""
    newest = select(func.max(_s.id)).where(_s.clinic == clinic).group_by(_s.name)
    held = select(*_COLUMNS).where(_s.clinic == clinic, _s.id.in_(newest)).order_by(_s.id)
    changes = [Change(*row) for row in conn.execute(held)]
    last = max((one.id for one in changes), default=0)
    return last, {one.name: one for one in changes if one.value is not None}


def history(conn: Connection, clinic: int, name: str | None = None, most: int | None = None) -> list[Change]:
    """Changes of one setting or of all, the newest first."""
    before = func.lag(_s.value).over(partition_by=_s.name, order_by=_s.id)
    query = select(*_COLUMNS, before).where(_s.clinic == clinic).order_by(_s.id.desc()).limit(most)
    if name is not None:
        query = query.where(_s.name == name)
    return [Change(*row) for row in conn.execute(query)]
