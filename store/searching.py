"""A page of the history for any filter, in bounded time: it looks as far as the time reaches, and says so."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Select,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
)

from gateway.domain import RecipientKind, State
from store import finding
from store.history import Entry, listed, read_entry
from store.queue import in_states
from store.schema import appointment, broadcast, message, recipient
from store.tables import Instant

_a, _b, _m, _r = appointment.c, broadcast.c, message.c, recipient.c
# So many numbers are looked through at a time: a few milliseconds on either engine.
WINDOW = 20_000
SECONDS = 0.05
CONFIRMED, UNCONFIRMED = "yes", "no"
# The type of messages that belong to no broadcast.
DIRECT = "direct"
_TOLD = (State.DELIVERED, State.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Search:
    """What is looked for; None leaves a question open.

    `causes`: of the last attempt, or reasons; `answer`: CONFIRMED, or UNCONFIRMED of those who were told of a
    visit; `since` and `until`: when a message last changed.
    """

    broadcast: int | None = None
    states: tuple[State, ...] | None = None
    channel: str | None = None
    type: str | None = None
    causes: tuple[str, ...] | None = None
    answer: str | None = None
    recipients: tuple[int, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """Messages, newest number first; `further`: from where to look on, None when all was looked through."""

    entries: tuple[Entry, ...]
    further: int | None = None


def page(
    conn: Connection,
    clinic: int,
    wanted: Search,
    most: int = 50,
    before: int | None = None,
    after: int | None = None,
    seconds: float = SECONDS,
) -> Found:
    """The newest that fit, or those below `before`, or the last ones above `after`."""
    if _is_small(conn, clinic, wanted):
        return _at_once(conn, clinic, wanted, most, before, after)
    query = _looked_through(listed(), clinic, wanted)
    if after is not None:
        return _upwards(conn, clinic, query, most, after, seconds)
    top = before if before is not None else newest(conn, clinic) + 1
    if wanted.until is not None:
        top = _planned_by(conn, clinic, wanted.until, top)
    return _downwards(conn, query, most, top, seconds)


def _is_small(conn: Connection, clinic: int, wanted: Search) -> bool:
    """Whether an index leads to little: a client's messages, or those of a broadcast of usual size."""
    if wanted.recipients is not None:
        return True
    if wanted.broadcast is None:
        return False
    few = select(_m.id).where(_m.clinic == clinic, _m.broadcast == wanted.broadcast).limit(WINDOW + 1)
    return int(conn.execute(select(func.count()).select_from(few.subquery())).scalar_one()) <= WINDOW


def _at_once(
    conn: Connection, clinic: int, wanted: Search, most: int, before: int | None, after: int | None
) -> Found:
    query = _fitting(listed(), clinic, wanted)
    if wanted.broadcast is not None:
        query = query.where(_m.broadcast == wanted.broadcast)
    if after is not None:
        rows = conn.execute(query.where(_m.id > after).order_by(_m.id).limit(most)).all()
        return Found(tuple(read_entry(row) for row in reversed(rows)))
    if before is not None:
        query = query.where(_m.id < before)
    rows = conn.execute(query.order_by(_m.id.desc()).limit(most)).all()
    return Found(tuple(read_entry(row) for row in rows))


def _looked_through(query: Select[Any], clinic: int, wanted: Search) -> Select[Any]:
    """The rows of one window that fit."""
    if wanted.broadcast is not None:
        # "+ 0": by the window, not by everything that the broadcast has.
        query = query.where(_m.broadcast + 0 == wanted.broadcast)
    low, high = bindparam("low", type_=BigInteger), bindparam("high", type_=BigInteger)
    return _fitting(query, clinic, wanted).where(_m.id >= low, _m.id < high)


def _downwards(conn: Connection, query: Select[Any], most: int, top: int, seconds: float) -> Found:
    query = query.order_by(_m.id.desc()).limit(bindparam("most", type_=Integer))
    found: list[Entry] = []
    end = time.monotonic() + seconds
    while top > 1:
        low = max(top - WINDOW, 1)
        rows = conn.execute(query, {"low": low, "high": top, "most": most - len(found)})
        found += [read_entry(row) for row in rows]
        if len(found) == most:
            return Found(tuple(found))
        if time.monotonic() >= end and low > 1:
            return Found(tuple(found), low)
        top = low
    return Found(tuple(found))


def _upwards(
    conn: Connection, clinic: int, query: Select[Any], most: int, after: int, seconds: float
) -> Found:
    query = query.order_by(_m.id).limit(bindparam("most", type_=Integer))
    found: list[Entry] = []
    low, last = after + 1, newest(conn, clinic)
    end = time.monotonic() + seconds
    while low <= last and len(found) < most:
        rows = conn.execute(query, {"low": low, "high": low + WINDOW, "most": most - len(found)})
        found += [read_entry(row) for row in rows]
        low += WINDOW
        if time.monotonic() >= end and low <= last and len(found) < most:
            return Found(tuple(reversed(found)), low - 1)
    return Found(tuple(reversed(found)))


def _planned_by(conn: Connection, clinic: int, until: datetime, top: int) -> int:
    """A number not above `top` from which on all messages were planned after a moment: a few looks.

    What was planned later changed later, too. Numbers rise with the plans; a message of a broadcast was
    planned when that was ordered, or later.
    """
    low = 0
    while top - low > WINDOW:
        middle = (low + top) // 2
        if conn.execute(_ORDERED_AT, {"c": clinic, "i": middle, "until": until}).first():
            top = middle
        else:
            low = middle
    return top


_ORDERED_AT = (
    select(_m.id)
    .join(broadcast, (_b.clinic == _m.clinic) & (_b.id == _m.broadcast))
    .where(
        _m.clinic == bindparam("c"),
        _m.id == bindparam("i"),
        _b.created_at >= bindparam("until", type_=Instant),
    )
)


def newest(conn: Connection, clinic: int) -> int:
    """The highest number of a message; 0: there is none."""
    highest = select(_m.id).where(_m.clinic == clinic).order_by(_m.id.desc()).limit(1)
    return int(conn.execute(highest).scalar() or 0)


def _fitting(query: Select[Any], clinic: int, wanted: Search) -> Select[Any]:
    query = query.where(_m.clinic == clinic)
    if wanted.recipients is not None:
        query = query.where(_m.recipient.in_(wanted.recipients))
    if wanted.states is not None:
        query = query.where(in_states(wanted.states))
    if wanted.channel is not None:
        query = query.where(_m.channel == wanted.channel)
    if wanted.type is not None:
        query = query.where(_of_type(clinic, wanted.type))
    if wanted.causes is not None:
        query = query.where(or_(_m.cause.in_(wanted.causes), _m.reason.in_(wanted.causes)))
    if wanted.answer is not None:
        query = query.where(_answered(wanted.answer))
    if wanted.since is not None:
        query = query.where(_m.updated_at >= wanted.since)
    if wanted.until is not None:
        query = query.where(_m.updated_at < wanted.until)
    return query


def _of_type(clinic: int, type: str) -> ColumnElement[bool]:
    if type == DIRECT:
        return _m.broadcast + 0 == 0
    return (_m.broadcast + 0).in_(select(_b.id).where(_b.clinic == clinic, _b.type == type))


def _answered(answer: str) -> ColumnElement[bool]:
    visit = exists().where(_a.clinic == _m.clinic, _a.id == _m.appointment)
    said = or_(_m.cause == "confirmed", visit.where(_a.confirmed_at.is_not(None)))
    if answer == CONFIRMED:
        return said
    return ~func.coalesce(said, literal(False)) & in_states(_TOLD) & visit


@dataclass(frozen=True, slots=True)
class Client:
    """Somebody who gets messages, as a list tells them apart."""

    id: int
    external_id: str
    name: str


_WHO = (_r.id, _r.external_id, _r.given_name, _r.family_name)


def client(conn: Connection, clinic: int, number: int) -> Client | None:
    """Somebody by our own number."""
    rows = conn.execute(select(*_WHO).where(_r.clinic == clinic, _r.id == number))
    return next((_client(row) for row in rows), None)


def clients(conn: Connection, clinic: int, typed: str, most: int) -> list[Client]:
    """Whoever has this id in the practice system; else clients and staff with such a name or number."""
    query = select(*_WHO).where(_r.clinic == clinic)
    rows = conn.execute(query.where(_r.external_id == typed.strip()).order_by(_r.kind).limit(most)).all()
    if rows:
        return [_client(row) for row in rows]
    numbers, _ = finding.look(conn, clinic, typed, most)
    found = {row.id: row for row in conn.execute(query.where(_r.id.in_(numbers)))}
    staff = query.where(_r.kind == RecipientKind.STAFF.value, _named(typed)).order_by(_r.family_name, _r.id)
    named = [found[number] for number in numbers if number in found] + [*conn.execute(staff.limit(most))]
    return [_client(row) for row in named[:most]]


def _named(typed: str) -> ColumnElement[bool]:
    """Of staff, who are few and have no words of their own."""
    name = func.lower(_r.given_name + " " + _r.family_name + " " + _r.given_name)
    return name.contains(" ".join(typed.replace(",", " ").split()).lower(), autoescape=True)


def _client(row: Any) -> Client:
    return Client(row.id, row.external_id, f"{row.given_name} {row.family_name}".strip())
