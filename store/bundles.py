"""Visits that are told in one message: found for a plan, kept beside the message, taken out again."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy import true as everything

from gateway.domain import DUE_STATES, Broadcast, State
from store import ids
from store.batch import Rows, among
from store.queue import in_states
from store.schema import appointment, bundled, consent, contact, message
from store.upsert import for_each_engine, insert_into

_a, _b, _k, _m, _s = appointment.c, bundled.c, contact.c, message.c, consent.c
_DAY = timedelta(days=1)

# (recipient, appointment)
About = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Together:
    """A visit that is told in the message about another, in this step of a cascade."""

    leader: About
    about: About
    step: int = 0


@dataclass(frozen=True, slots=True)
class Left:
    """A visit that its bundle leaves behind: with its end, or `scheduled` to be told alone."""

    about: About
    channel: str
    address: str
    state: State
    reason: str | None
    expires_at: datetime | None


# --- planning ---

_mine, _theirs = appointment.alias("mine"), appointment.alias("theirs")
_one, _other = contact.alias("one"), contact.alias("other")
_pairs = Rows("pairs", recipient=BigInteger, relative=BigInteger)
# Each way is found by an index: of one's own appointments, and of those who have the same address.
_RELATIVES = (
    select(_one.c.recipient, _other.c.recipient)
    .distinct()
    .join(_other, and_(_other.c.clinic == _one.c.clinic, _other.c.address == _one.c.address))
    .where(
        _one.c.clinic == bindparam("c"),
        among(_one.c.recipient, "people"),
        _other.c.recipient != _one.c.recipient,
        exists().where(
            _s.clinic == _one.c.clinic,
            _s.recipient == _one.c.recipient,
            _s.purpose == literal_column("'family'"),
        ),
    )
)
_VISITS = (
    select(_a.client, _a.id, _a.starts_at)
    .where(
        _a.clinic == bindparam("c"),
        among(_a.client, "people"),
        _a.status == literal_column("'booked'"),
        _a.starts_at >= bindparam("since"),
        _a.starts_at < bindparam("until"),
    )
    .order_by(_a.starts_at, _a.id)
)


def siblings(conn: Connection, clinic: int, wanted: Broadcast, page: Collection[About]) -> list[About]:
    """Other visits that may belong to a message about one of these: near in time, and not of the page."""
    people = {person for person, _ in page}
    rows = conn.execute(_RELATIVES, {"c": clinic, "people": sorted(people)})
    everybody = people | {relative for _, relative in rows}
    span = select(func.min(_a.starts_at), func.max(_a.starts_at)).where(
        _a.clinic == clinic, among(_a.id, "ids")
    )
    first, last = conn.execute(span, {"ids": sorted(about for _, about in page)}).one()
    since = max(first - _DAY, wanted.starts_from or first - _DAY)
    until = min(last + _DAY, wanted.starts_until or last + _DAY)
    values = {"c": clinic, "people": sorted(everybody), "since": since, "until": until}
    there = set(page)
    found = [(client, about) for client, about, _ in conn.execute(_VISITS, values)]
    return [one for one in found if one not in there]


def taken(
    conn: Connection, clinic: int, broadcast: int, page: Collection[tuple[About, int]]
) -> set[tuple[About, int]]:
    """Those, each with a step, that a message about another tells already."""
    query = select(_b.recipient, _b.appointment, _b.step).where(
        _b.clinic == bindparam("c"), _b.broadcast == bindparam("number"), among(_b.appointment, "visits")
    )
    values = {"c": clinic, "number": broadcast, "visits": sorted({about for (_, about), _ in page})}
    return {((person, about), step) for person, about, step in conn.execute(query, values)} & set(page)


_together = Rows(
    "together",
    leader=BigInteger,
    led=BigInteger,
    recipient=BigInteger,
    appointment=BigInteger,
    step=Integer,
)
_own = message.alias("own")


def _adding(insert: Any) -> Any:
    leads = and_(
        _m.clinic == bindparam("c"),
        _m.broadcast == bindparam("number"),
        _m.recipient == _together["leader"],
        _m.appointment == _together["led"],
        _m.step == _together["step"],
        _m.attempt == literal_column("0"),
        in_states(DUE_STATES),
    )
    has_own = exists().where(
        _own.c.clinic == _m.clinic,
        _own.c.broadcast == _m.broadcast,
        _own.c.recipient == _together["recipient"],
        _own.c.appointment == _together["appointment"],
        _own.c.step == _m.step,
    )
    rows = (
        select(_m.clinic, _m.broadcast, _m.step, _m.id, _together["recipient"], _together["appointment"])
        .select_from(_together.table)
        .join(message, leads)
        .where(everything(), ~has_own)
    )
    columns = ["clinic", "broadcast", "step", "message", "recipient", "appointment"]
    return insert(bundled).from_select(columns, rows).on_conflict_do_nothing()


_ADDING = for_each_engine(_adding)
# Who leads may not be claimed until the visits are there.
_HOLD_LEADERS = (
    select(_m.id)
    .select_from(_together.table)
    .join(
        message,
        and_(
            _m.clinic == bindparam("c"),
            _m.broadcast == bindparam("number"),
            _m.recipient == _together["leader"],
            _m.appointment == _together["led"],
            _m.step == _together["step"],
        ),
    )
    .order_by(_m.id)
    .with_for_update(of=message)
)


def add(conn: Connection, clinic: int, broadcast: int, visits: Iterable[Together]) -> None:
    """Put visits into the messages that lead them; one that is under way, or gone, takes none any more."""
    if rows := [(*one.leader, *one.about, one.step) for one in visits]:
        values = {"c": clinic, "number": broadcast, "together": rows}
        conn.execute(_HOLD_LEADERS, values).all()
        conn.execute(_ADDING[conn.dialect.name], values)


# --- under way ---


def members(conn: Connection, clinic: int, messages: Collection[int]) -> dict[int, list[About]]:
    """What else these messages tell of, by message."""
    query = select(_b.message, _b.recipient, _b.appointment).where(
        _b.clinic == bindparam("c"), among(_b.message, "ids")
    )
    found: dict[int, list[About]] = {}
    rows = conn.execute(query.order_by(_b.message, _b.appointment), {"c": clinic, "ids": list(messages)})
    for number, person, about in rows:
        found.setdefault(number, []).append((person, about))
    return found


def part(
    conn: Connection,
    clinic: int,
    number: int,
    owner: str,
    leads: About,
    left: Sequence[Left],
    now: datetime,
) -> bool:
    """Leave visits behind, each with its own end, and have the message be about `leads`.

    False when the message is not this gateway's any more: then nothing is changed.
    """
    mine = _m.clinic == clinic, _m.id == number, in_states((State.CLAIMED,)), _m.lease_owner == owner
    found = conn.execute(select(_m.broadcast, _m.step).where(*mine).with_for_update()).first()
    if found is None:
        return False
    gone = [leads, *(one.about for one in left)]
    told = tuple_(_b.recipient, _b.appointment).in_(gone)
    conn.execute(delete(bundled).where(_b.clinic == clinic, _b.message == number, told))
    about = {"recipient": leads[0], "appointment": leads[1], "updated_at": now}
    conn.execute(update(message).where(*mine).values(about))
    first = ids.take(conn, clinic, "message", len(left))
    rows = [_row(clinic, id, found.broadcast, found.step, one, now) for id, one in enumerate(left, first)]
    conn.execute(insert_into(conn, message).on_conflict_do_nothing(), rows)
    return True


def _row(clinic: int, id: int, broadcast: int, step: int, one: Left, now: datetime) -> dict[str, Any]:
    return {
        "clinic": clinic,
        "id": id,
        "broadcast": broadcast,
        "recipient": one.about[0],
        "appointment": one.about[1],
        "channel": one.channel,
        "address": one.address,
        "step": step,
        "state": one.state.value,
        "reason": one.reason,
        "due_at": now,
        "expires_at": one.expires_at,
        "attempt": 0,
        "charged": 0,
        "updated_at": now,
    }


def merge(conn: Connection, clinic: int, kept: int, going: int) -> None:
    """Two clients become one: their visits stay in the messages that tell of them."""
    again = bundled.alias("again")
    same = exists().where(
        again.c.clinic == _b.clinic,
        again.c.recipient == kept,
        again.c.appointment == _b.appointment,
        or_(
            again.c.message == _b.message,
            and_(again.c.broadcast == _b.broadcast, again.c.step == _b.step),
        ),
    )
    mine = _b.clinic == clinic, _b.recipient == going
    conn.execute(delete(bundled).where(*mine, same))
    conn.execute(update(bundled).where(*mine).values(recipient=kept))
