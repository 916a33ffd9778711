"""What the console's Today shows: the day's broadcasts, their counts, outcomes over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Select,
    and_,
    extract,
    func,
    or_,
    select,
    type_coerce,
    union_all,
)

from gateway.domain import DUE_STATES, Channel, State
from store.queue import UNKNOWN, in_states
from store.schema import attempt, broadcast, message

_b, _m, _a = broadcast.c, message.c, attempt.c
_LEASED = (State.CLAIMED, State.SENDING)
# Every zone's offset is a multiple of it, so quarters add up to local hours anywhere.
_QUARTER = timedelta(minutes=15)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Heading:
    """A broadcast without its texts."""

    id: int
    name: str
    channel: str
    only_preference: bool
    state: str
    send_at: datetime


_HEADING = select(_b.id, _b.name, _b.channel, _b.only_preference, _b.state, _b.send_at)


def headings(conn: Connection, clinic: int, most: int = 200, before: int | None = None) -> list[Heading]:
    """The newest broadcasts, or those before a number."""
    query = _HEADING.where(_b.clinic == clinic).order_by(_b.id.desc()).limit(most)
    if before is not None:
        query = query.where(_b.id < before)
    return [Heading(*row) for row in conn.execute(query)]


def of_day(conn: Connection, clinic: int, since: datetime, until: datetime) -> list[Heading]:
    """Broadcasts sent in [since, until), and earlier ones that are still under way; newest first."""
    # One statement for each partial index on open rows, so that settled messages cost nothing.
    under_way = union_all(*(_due(clinic, channel) for channel in Channel), _leased(clinic))
    wanted = or_(
        and_(_b.send_at >= since, _b.send_at < until), and_(_b.send_at < since, _b.id.in_(under_way))
    )
    rows = conn.execute(_HEADING.where(_b.clinic == clinic, wanted).order_by(_b.send_at.desc(), _b.id.desc()))
    return [Heading(*row) for row in rows]


@dataclass(frozen=True, slots=True)
class Coming:
    """A broadcast whose time is to come or just came; `waiting`: how many wait, as far as counted."""

    heading: Heading
    rule: int | None
    waiting: int
    counted_all: bool


# So many messages of a broadcast are counted for a list.
_MOST_COUNTED = 1000


def coming(conn: Connection, clinic: int, now: datetime, most: int = 50) -> list[Coming]:
    """Broadcasts that may still have messages to send: the next one to go first."""
    to_come = or_(_b.send_at > now - timedelta(days=1), and_(_b.timing.is_not(None), _b.starts_until > now))
    query = _HEADING.add_columns(_b.rule).where(_b.clinic == clinic, _b.state != "cancelled", to_come)
    rows = conn.execute(query.order_by(_b.send_at, _b.id).limit(most)).all()
    return [_coming(conn, clinic, Heading(*row[:-1]), row[-1]) for row in rows]


def _coming(conn: Connection, clinic: int, heading: Heading, rule: int | None) -> Coming:
    states, whole = first_states(conn, clinic, heading.id, _MOST_COUNTED)
    waiting = sum(count for (state, _), count in states.items() if state in DUE_STATES)
    return Coming(heading, rule, waiting, whole)


def first_states(
    conn: Connection, clinic: int, number: int, most: int
) -> tuple[dict[tuple[State, str | None], int], bool]:
    """The first messages of a broadcast by (state, reason), and whether these are all of them."""
    first = select(_m.state, _m.reason).where(_m.clinic == clinic, _m.broadcast == number).limit(most + 1)
    rows = first.subquery()
    query = select(rows.c.state, rows.c.reason, func.count()).group_by(rows.c.state, rows.c.reason)
    found = {(State(state), reason): count for state, reason, count in conn.execute(query)}
    return found, sum(found.values()) <= most


def _due(clinic: int, channel: Channel) -> Select[tuple[int]]:
    # One channel at a time: SQLite then takes the index on due rows instead of reading the whole table.
    return select(_m.broadcast).where(
        _m.clinic == clinic, _m.channel == channel.value, in_states(DUE_STATES), _m.due_at > _EPOCH
    )


def _leased(clinic: int) -> Select[tuple[int]]:
    # "+ 0" keeps SQLite from reading all rows of the clinic: the index on leased rows is by lease alone.
    return select(_m.broadcast).where(_m.clinic + 0 == clinic, _m.lease_until > _EPOCH, in_states(_LEASED))


class Tallied(NamedTuple):
    """So many messages of a broadcast that stand alike."""

    broadcast: int
    channel: Channel
    state: State
    cause: str | None
    messages: int


def tally(conn: Connection, clinic: int, broadcasts: Sequence[int]) -> list[Tallied]:
    """Messages of these broadcasts by broadcast, channel, state and cause."""
    group = (_m.broadcast, _m.channel, _m.state, _m.cause)
    rows = conn.execute(
        select(*group, func.count()).where(_m.clinic == clinic, _m.broadcast.in_(broadcasts)).group_by(*group)
    )
    return [Tallied(row[0], Channel(row[1]), State(row[2]), row[3], row[4]) for row in rows]


def unknown(conn: Connection, clinic: int) -> int:
    """How many messages may or may not have arrived, however old."""
    # By the partial index, which names the channel.
    mine = _m.clinic == clinic, _m.channel.in_([one.value for one in Channel]), UNKNOWN
    return conn.execute(select(func.count()).select_from(message).where(*mine)).scalar_one()


def outcomes(
    conn: Connection, clinic: int, broadcasts: Sequence[int], since: datetime
) -> list[tuple[datetime, str, str, int]]:
    """Attempts of these broadcasts settled since then, by (quarter of an hour, outcome, cause)."""
    quarter = _quarter(conn).label("quarter")
    rows = conn.execute(
        select(quarter, _a.outcome, _a.cause, func.count())
        .select_from(message.join(attempt, and_(_a.clinic == _m.clinic, _a.message == _m.id)))
        .where(_m.clinic == clinic, _m.broadcast.in_(broadcasts), _a.settled_at >= since)
        .group_by(quarter, _a.outcome, _a.cause)
    )
    return [(_EPOCH + int(row[0]) * _QUARTER, row[1], row[2], row[3]) for row in rows]


def _quarter(conn: Connection) -> Any:
    if conn.dialect.name == "postgresql":
        return func.floor(extract("epoch", _a.settled_at) / int(_QUARTER.total_seconds()))
    return type_coerce(_a.settled_at, BigInteger) // (int(_QUARTER.total_seconds()) * 1_000_000)
