"""Lines that are switched off: no gateway gives them anything until they are switched on again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from gateway.domain import LineKind
from store.outside import storable
from store.running_tables import line_switch
from store.upsert import insert_into

_s = line_switch.c


@dataclass(frozen=True, slots=True)
class Off:
    """A line that is off: why, by whom and since when."""

    kind: LineKind
    name: str
    reason: str
    by: str
    since: datetime


def turn_off(
    conn: Connection, clinic: int, kind: LineKind, name: str, reason: str, by: str, now: datetime
) -> None:
    """Switch a line off; the reason of one that is off already is replaced."""
    key = {"clinic": clinic, "kind": kind.value, "name": name}
    values = {"reason": storable(reason), "by": storable(by), "since": now}
    write = insert_into(conn, line_switch).values(**key, **values)
    conn.execute(write.on_conflict_do_update(index_elements=list(key), set_=values))


def turn_on(conn: Connection, clinic: int, kind: LineKind, name: str) -> bool:
    """Switch it on again; False when it was not off."""
    mine = _s.clinic == clinic, _s.kind == kind.value, _s.name == name
    return conn.execute(delete(line_switch).where(*mine)).rowcount > 0


def switched_off(conn: Connection, clinic: int) -> list[Off]:
    """All lines that are off."""
    columns = (_s.kind, _s.name, _s.reason, _s.by, _s.since)
    rows = conn.execute(select(*columns).where(_s.clinic == clinic).order_by(_s.kind, _s.name))
    return [Off(LineKind(row[0]), *row[1:]) for row in rows]
