"""The inbox: replies, faxes and calls that wait for a person, who takes care of them, and their closing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)

from store import conversations, faxes
from store.accounts_tables import account
from store.inbox_tables import inbox_item
from store.outside import storable
from store.schema import conversation, fax_received, message
from store.upsert import insert_into

_a, _c, _f, _i, _m = account.c, conversation.c, fax_received.c, inbox_item.c, message.c
# A call that nobody took up for so long is no news to anybody.
CALLS_WAIT = timedelta(days=30)
# What counts say at most.
MANY = 1000


class Kind(StrEnum):
    """What came in."""

    CONVERSATION = "conversation"
    FAX = "fax"
    CALL = "call"


class Whose(StrEnum):
    """Who takes care of it: the user, nobody yet, or whoever."""

    MINE = "mine"
    UNASSIGNED = "unassigned"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Item:
    """Something that came in. `size`: unread replies, or pages; `inbox`: that of a fax; `user`: its name."""

    kind: Kind
    number: int
    at: datetime
    address: str
    names: tuple[str, ...]
    size: int
    waits: bool
    inbox: str = ""
    assignee: int | None = None
    user: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """How much waits, each at most MANY."""

    mine: int
    unassigned: int
    all: int


# --- what there is ---


@dataclass(frozen=True, slots=True)
class _Source:
    """Where one kind is found. What `waits` compares with is literal: SQLite must see it to use its index."""

    table: Table
    at: ColumnElement[datetime]
    address: ColumnElement[str]
    size: ColumnElement[int]
    inbox: ColumnElement[str]
    waits: ColumnElement[bool]
    only: ColumnElement[bool]


_NONE: ColumnElement[str] = literal_column("''")
_SOURCES: dict[Kind, _Source] = {
    Kind.CONVERSATION: _Source(
        conversation, _c.last_at, _c.address, _c.unread, _NONE, _c.unread > literal_column("0"), true()
    ),
    Kind.FAX: _Source(fax_received, _f.at, _f.caller, _f.pages, _f.inbox, _f.read_at.is_(None), true()),
    Kind.CALL: _Source(
        message,
        _m.started_at,
        _m.address,
        literal_column("1"),
        _NONE,
        _i.closed_at.is_(None),
        _m.cause == literal_column("'desk-missed'"),
    ),
}


def listing(
    conn: Connection,
    clinic: int,
    user: int,
    now: datetime,
    *,
    whose: Whose = Whose.ALL,
    kinds: Sequence[Kind] = tuple(Kind),
    waiting: bool = True,
    before: datetime | None = None,
    most: int = 50,
) -> list[Item]:
    """What came in, the newest first: only what waits, or everything."""
    found: list[Item] = []
    for kind in kinds:
        at = _SOURCES[kind].at
        query = _query(clinic, kind, now, waiting=waiting).where(_of(whose, user))
        if before is not None:
            query = query.where(at < before)
        rows = conn.execute(query.order_by(at.desc(), _SOURCES[kind].table.c.id.desc()).limit(most))
        found += [_item(kind, row) for row in rows]
    return _named(conn, clinic, sorted(found, key=lambda item: item.at, reverse=True)[:most])


def find(conn: Connection, clinic: int, kind: Kind, number: int, now: datetime) -> Item | None:
    """One of them."""
    query = _query(clinic, kind, now, waiting=False).where(_SOURCES[kind].table.c.id == number)
    row = conn.execute(query).first()
    return None if row is None else _named(conn, clinic, [_item(kind, row)])[0]


def counts(conn: Connection, clinic: int, user: int, now: datetime) -> Counts:
    """How much waits: for the user, for nobody yet, and in all."""
    mine = unassigned = every = 0
    for kind in Kind:
        some = _query(clinic, kind, now, waiting=True).limit(MANY).subquery()
        whose = some.c.assignee
        told = func.count(), func.count().filter(whose == user), func.count().filter(whose.is_(None))
        row = conn.execute(select(*told).select_from(some)).one()
        every, mine, unassigned = every + row[0], mine + row[1], unassigned + row[2]
    return Counts(min(mine, MANY), min(unassigned, MANY), min(every, MANY))


def _query(clinic: int, kind: Kind, now: datetime, *, waiting: bool) -> Select[Any]:
    of, number = _SOURCES[kind], _SOURCES[kind].table.c.id
    its_own = and_(
        _i.clinic == of.table.c.clinic, _i.kind == literal_column(f"'{kind}'"), _i.number == number
    )
    query = (
        select(
            *(number.label("id"), of.at.label("at"), of.address.label("address"), of.size.label("size")),
            *(of.inbox.label("inbox"), of.waits.label("waits"), _i.account.label("assignee")),
            _a.name.label("user"),
        )
        .select_from(of.table)
        .outerjoin(inbox_item, its_own)
        .outerjoin(account, and_(_a.clinic == _i.clinic, _a.id == _i.account))
        .where(of.table.c.clinic == clinic, of.only)
    )
    if kind is Kind.CALL:
        query = query.where(of.at > now - CALLS_WAIT)
    return query.where(of.waits) if waiting else query


def _of(whose: Whose, user: int) -> ColumnElement[bool]:
    match whose:
        case Whose.MINE:
            return _i.account == user
        case Whose.UNASSIGNED:
            return _i.account.is_(None)
    return true()


def _item(kind: Kind, row: Any) -> Item:
    told = row.id, row.at, row.address, (), row.size, bool(row.waits), row.inbox, row.assignee
    return Item(kind, *told, row.user or "")


def _named(conn: Connection, clinic: int, items: Sequence[Item]) -> list[Item]:
    names = conversations.names_at(conn, clinic, [item.address for item in items])
    return [replace(item, names=names.get(item.address, ())) for item in items]


# --- who takes care ---


def assign(conn: Connection, clinic: int, kind: Kind, number: int, user: int | None) -> None:
    """A user takes care of it from now on; None: nobody yet."""
    values = {"clinic": clinic, "kind": kind.value, "number": number}
    kept = insert_into(conn, inbox_item).values(values | {"account": user})
    key = [_i.clinic, _i.kind, _i.number]
    conn.execute(kept.on_conflict_do_update(index_elements=key, set_={"account": user}))


def close(conn: Connection, clinic: int, kind: Kind, number: int, by: str, now: datetime) -> None:
    """It needs nothing any more; what comes later is nobody's yet."""
    mine = _i.clinic == clinic, _i.kind == kind.value, _i.number == number
    match kind:
        case Kind.CONVERSATION:
            conversations.mark_read(conn, clinic, number, now)
        case Kind.FAX:
            faxes.read(conn, clinic, number, by, now)
        case Kind.CALL:
            assign(conn, clinic, kind, number, None)
            done = {"closed_at": now, "closed_by": storable(by)}
            conn.execute(update(inbox_item).where(*mine).values(done))
            return
    conn.execute(delete(inbox_item).where(*mine))
