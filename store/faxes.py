"""Faxes that came in, and the notices that one came."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Row, func, select, update

from gateway.domain import Channel, Direct
from store import ids
from store.conversations import queue_direct
from store.outside import storable
from store.schema import fax_received
from store.upsert import insert_into

_f = fax_received.c


@dataclass(frozen=True, slots=True)
class Fax:
    """A fax that came in. `whole`: its call ended well, so that no page is missing."""

    call: str
    inbox: str
    dialled: str
    caller: str
    station: str
    pages: int
    whole: bool
    file: str
    at: datetime
    id: int = 0
    read_at: datetime | None = None
    read_by: str = ""


def keep(
    conn: Connection, clinic: int, fax: Fax, notify: Collection[str], notice: Direct, now: datetime
) -> bool:
    """Keep a fax and queue its notices; False when this call's was kept before."""
    number = ids.take(conn, clinic, "fax")
    values = {"clinic": clinic, "id": number, "call": fax.call, "inbox": fax.inbox, "at": fax.at}
    values |= {"pages": fax.pages, "whole": fax.whole, "file": fax.file}
    # Said by the other side.
    values |= {name: storable(getattr(fax, name)) for name in ("dialled", "caller", "station")}
    written = conn.execute(insert_into(conn, fax_received).values(values).on_conflict_do_nothing())
    if not written.rowcount:
        return False
    for address in notify:
        queue_direct(conn, clinic, Channel.EMAIL, address, 0, notice, "", now)
    return True


def listing(
    conn: Connection,
    clinic: int,
    *,
    inbox: str = "",
    unread: bool = False,
    before: int | None = None,
    most: int = 50,
) -> list[Fax]:
    """Faxes, the newest first."""
    query = select(fax_received).where(_f.clinic == clinic)
    if inbox:
        query = query.where(_f.inbox == inbox)
    if unread:
        query = query.where(_f.read_at.is_(None))
    if before is not None:
        query = query.where(_f.id < before)
    return [_fax(row) for row in conn.execute(query.order_by(_f.id.desc()).limit(most))]


def unread(conn: Connection, clinic: int) -> dict[str, int]:
    """How many faxes wait for a person, by inbox."""
    query = select(_f.inbox, func.count()).where(_f.clinic == clinic, _f.read_at.is_(None))
    return {row[0]: row[1] for row in conn.execute(query.group_by(_f.inbox))}


def find(conn: Connection, clinic: int, number: int) -> Fax | None:
    """One fax."""
    row = conn.execute(select(fax_received).where(_f.clinic == clinic, _f.id == number)).first()
    return None if row is None else _fax(row)


def read(conn: Connection, clinic: int, number: int, by: str, now: datetime) -> bool:
    """Somebody read a fax; the first one is kept. False: it was read before, or is not there."""
    mine = _f.clinic == clinic, _f.id == number, _f.read_at.is_(None)
    done = conn.execute(update(fax_received).where(*mine).values(read_at=now, read_by=storable(by)))
    return bool(done.rowcount)


def _fax(row: Row[tuple[object, ...]]) -> Fax:
    held = row._mapping
    names = ("call", "inbox", "dialled", "caller", "station", "pages", "whole", "file", "at", "id", "read_at")
    return Fax(**{name: held[name] for name in names}, read_by=held["read_by"] or "")
