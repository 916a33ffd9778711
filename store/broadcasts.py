"""Broadcasts: ordered, planned page by page, listed, cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    Select,
    Text,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
    update,
)

from gateway.domain import Broadcast, MessageType, RecipientKind, State
from store import ids
from store.batch import Rows
from store.facts import as_broadcast
from store.queue import in_states
from store.schema import Instant, appointment, broadcast, message, recipient
from store.upsert import for_each_engine

_b, _m = broadcast.c, message.c
PLANNING, ACTIVE, CANCELLED = "planning", "active", "cancelled"

Position = tuple[datetime | None, int]
Candidate = tuple[int, int, datetime | None]


@dataclass(frozen=True, slots=True)
class Planned:
    """A message about to be written: the verdict of the plan is its state, due time and reason."""

    recipient: int
    channel: str
    appointment: int
    address: str
    state: State
    due_at: datetime
    expires_at: datetime | None
    reason: str | None


def order(conn: Connection, clinic: int, wanted: Broadcast, now: datetime) -> int:
    """Write down a new broadcast; its messages come with the plan. Returns its number."""
    number = ids.take(conn, clinic, "broadcast")
    conn.execute(
        broadcast.insert(),
        {
            "clinic": clinic,
            "id": number,
            "name": wanted.name,
            "type": wanted.type.value,
            "class": wanted.broadcast_class.value,
            "channel": wanted.channel.value,
            "only_preference": wanted.only_preference,
            "send_at": wanted.send_at,
            "starts_from": wanted.starts_from,
            "starts_until": wanted.starts_until,
            "templates": dict(wanted.templates),
            "state": PLANNING,
            "created_at": now,
        },
    )
    return number


def audience(
    conn: Connection, clinic: int, wanted: Broadcast, after: Position | None, most: int
) -> list[Candidate]:
    """The next page of (recipient, appointment or 0, position) that a broadcast is about."""
    if wanted.type in (MessageType.CLIENT_NOTICE, MessageType.STAFF_NOTICE):
        return _everyone(conn, clinic, _kind(wanted.type), after[1] if after else 0, most)
    return _by_appointment(conn, clinic, wanted, after, most)


def _kind(type: MessageType) -> RecipientKind:
    return RecipientKind.STAFF if type is MessageType.STAFF_NOTICE else RecipientKind.CLIENT


def _of_kind(clinic: int, kind: RecipientKind) -> Select[Any]:
    r = recipient.c
    return select(r.id).where(r.clinic == clinic, r.kind == kind.value)


def _with_appointment(clinic: int, wanted: Broadcast) -> Select[Any]:
    a = appointment.c
    person = a.staff if wanted.type is MessageType.STAFF_UPCOMING_APPOINTMENTS else a.client
    query = select(person.label("person"), a.id, a.starts_at).where(
        a.clinic == clinic, person.is_not(None), a.status == "booked"
    )
    if wanted.starts_from:
        query = query.where(a.starts_at >= wanted.starts_from)
    if wanted.starts_until:
        query = query.where(a.starts_at < wanted.starts_until)
    return query


def _everyone(conn: Connection, clinic: int, kind: RecipientKind, after: int, most: int) -> list[Candidate]:
    r = recipient.c
    page = _of_kind(clinic, kind).where(r.id > after).order_by(r.id).limit(most)
    return [(row.id, 0, None) for row in conn.execute(page).all()]


def _by_appointment(
    conn: Connection, clinic: int, wanted: Broadcast, after: Position | None, most: int
) -> list[Candidate]:
    a = appointment.c
    query = _with_appointment(clinic, wanted)
    if after and after[0]:
        query = query.where(
            tuple_(a.starts_at, a.id) > tuple_(literal(after[0], Instant), literal(after[1], BigInteger))
        )
    rows = conn.execute(query.order_by(a.starts_at, a.id).limit(most)).all()
    return [(person, about, moment) for person, about, moment in rows]


def audience_size(conn: Connection, clinic: int, wanted: Broadcast) -> int:
    """How many recipients a broadcast is about."""
    if wanted.type in (MessageType.CLIENT_NOTICE, MessageType.STAFF_NOTICE):
        query = _of_kind(clinic, _kind(wanted.type))
    else:
        query = _with_appointment(clinic, wanted)
    return int(conn.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def add_messages(
    conn: Connection, clinic: int, number: int, planned: Sequence[Planned], now: datetime
) -> bool:
    """Write a page of the plan; a page written before (a plan resumed) changes nothing.

    False when the broadcast was cancelled meanwhile: then nothing is written.
    """
    state = conn.execute(
        select(_b.state).where(_b.clinic == clinic, _b.id == number).with_for_update()
    ).scalar_one()
    if state == CANCELLED:
        return False
    if planned:
        values = {"c": clinic, "number": number, "now": now, "planned": list(_rows(conn, clinic, planned))}
        conn.execute(_ADDING[conn.dialect.name], values)
    return True


def _rows(conn: Connection, clinic: int, planned: Sequence[Planned]) -> Iterator[tuple[Any, ...]]:
    first = ids.take(conn, clinic, "message", len(planned))
    for id, item in enumerate(planned, first):
        yield (
            id,
            item.recipient,
            item.channel,
            item.appointment,
            item.address,
            item.state,
            item.due_at,
            item.expires_at,
            item.reason,
        )


_planned = Rows(
    "planned",
    id=BigInteger,
    recipient=BigInteger,
    channel=Text,
    appointment=BigInteger,
    address=Text,
    state=Text,
    due_at=Instant,
    expires_at=Instant,
    reason=Text,
)


def _adding(insert: Any) -> Any:
    same: dict[str, Any] = {
        "clinic": bindparam("c", type_=Integer),
        "broadcast": bindparam("number", type_=BigInteger),
        "updated_at": bindparam("now", type_=Instant),
        "step": literal_column("0"),
        "attempt": literal_column("0"),
        "charged": literal_column("0"),
    }
    # SQLite reads "SELECT … ON CONFLICT" as a join unless there is a WHERE between them.
    rows = _planned.select(*same.values()).where(true())
    return insert(message).from_select([*same, *_planned.names], rows).on_conflict_do_nothing()


_ADDING = for_each_engine(_adding)


def activate(conn: Connection, clinic: int, number: int) -> None:
    """The plan is complete."""
    conn.execute(
        update(broadcast)
        .where(_b.clinic == clinic, _b.id == number, _b.state == PLANNING)
        .values(state=ACTIVE)
    )


def unfinished(conn: Connection, clinic: int, before: datetime) -> list[Broadcast]:
    """Broadcasts whose plan was interrupted: ordered before that moment and still being planned."""
    rows = conn.execute(
        select(broadcast).where(_b.clinic == clinic, _b.state == PLANNING, _b.created_at < before)
    ).mappings()
    return [as_broadcast(row) for row in rows]


def cancel(conn: Connection, clinic: int, number: int, now: datetime) -> int | None:
    """Stop a broadcast: what is not being sent is cancelled. Returns how many, None if there is none such."""
    found = conn.execute(
        update(broadcast).where(_b.clinic == clinic, _b.id == number).values(state=CANCELLED)
    )
    if not found.rowcount:
        return None
    cancellable = in_states((State.SCHEDULED, State.QUEUED, State.CLAIMED))
    done = conn.execute(
        update(message)
        .where(_m.clinic == clinic, _m.broadcast == number, cancellable)
        .values(
            state=State.CANCELLED.value,
            reason="broadcast-cancelled",
            lease_owner=None,
            lease_until=None,
            updated_at=now,
        )
    )
    return done.rowcount


def listing(conn: Connection, clinic: int) -> list[tuple[Broadcast, dict[State, int]]]:
    """Every broadcast with its messages counted by state, newest first."""
    counts: dict[int, dict[State, int]] = {}
    tally = (
        select(_m.broadcast, _m.state, func.count())
        .where(_m.clinic == clinic)
        .group_by(_m.broadcast, _m.state)
    )
    for number, state, count in conn.execute(tally):
        counts.setdefault(number, {})[State(state)] = count
    rows = conn.execute(select(broadcast).where(_b.clinic == clinic).order_by(_b.id.desc())).mappings()
    return [(as_broadcast(row), counts.get(row["id"], {})) for row in rows]


def find(conn: Connection, clinic: int, number: int) -> Broadcast | None:
    """One broadcast, None when there is none such."""
    row = conn.execute(select(broadcast).where(_b.clinic == clinic, _b.id == number)).mappings().first()
    return as_broadcast(row) if row else None
