"""What comes back: segments and their receipts, replies, keys pressed; matched to messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, null, or_, select, update

from gateway.domain import Channel, Reply, State
from store import ids
from store.outside import storable
from store.queue import UNKNOWN, in_states
from store.schema import appointment, message, reply, segment
from store.upsert import insert_into

_m, _g = message.c, segment.c


@dataclass(frozen=True, slots=True)
class Open:
    """A message that late evidence may still settle; `charged`: attempts that counted before this one."""

    message: int
    attempt: int
    charged: int
    started_at: datetime
    expires_at: datetime | None
    state: State
    recipient: int


def remember_segments(
    conn: Connection, clinic: int, channel: Channel, rows: Sequence[tuple[str, int, int]], now: datetime
) -> list[int]:
    """Write down (remote id, message, attempt); returns the messages whose receipts were here already."""
    early = []
    for remote_id, number, attempt in rows:
        values = {
            "clinic": clinic,
            "channel": channel.value,
            "remote_id": storable(remote_id),
            "message": number,
            "attempt": attempt,
            "at": now,
        }
        insert = insert_into(conn, segment).values(values)
        known = insert.on_conflict_do_update(
            index_elements=[_g.clinic, _g.channel, _g.remote_id],
            set_={
                "message": number,
                "attempt": attempt,
                # The other side may use an id again: then what its receipts said was of an earlier message.
                "outcome": case((_ours_or_early(number, attempt), _g.outcome), else_=null()),
                "cause": case((_ours_or_early(number, attempt), _g.cause), else_=null()),
                "at": now,
            },
        ).returning(_g.outcome)
        if conn.execute(known).scalar():
            early.append(number)
    return early


def _ours_or_early(number: int, attempt: int) -> ColumnElement[bool]:
    return or_(_g.message == 0, and_(_g.message == number, _g.attempt == attempt))


def note_receipt(
    conn: Connection, clinic: int, channel: Channel, remote_id: str, outcome: str, cause: str, now: datetime
) -> int:
    """Keep what a receipt says of a segment; returns its message, 0 while no response has named one.

    A segment that was delivered or failed stays so: receipts come doubled and out of order.
    """
    cause = storable(cause)
    values: dict[str, Any] = {
        "clinic": clinic,
        "channel": channel.value,
        "remote_id": storable(remote_id),
        "message": 0,
        "attempt": 0,
        "outcome": outcome,
        "cause": cause,
        "at": now,
    }
    insert = insert_into(conn, segment).values(values)
    final = and_(_g.message != 0, _g.outcome.in_(("delivered", "failed")))
    kept = insert.on_conflict_do_update(
        index_elements=[_g.clinic, _g.channel, _g.remote_id],
        set_={
            "outcome": case((final, _g.outcome), else_=outcome),
            "cause": case((final, _g.cause), else_=cause),
        },
    ).returning(_g.message)
    return int(conn.execute(kept).scalar_one())


def adopt_segment(
    conn: Connection, clinic: int, channel: Channel, remote_id: str, number: int, attempt: int
) -> None:
    """An early or orphaned receipt turned out to belong to this attempt."""
    conn.execute(
        update(segment)
        .where(_g.clinic == clinic, _g.channel == channel.value, _g.remote_id == storable(remote_id))
        .values(message=number, attempt=attempt)
    )


def open_message(conn: Connection, clinic: int, number: int) -> Open | None:
    """The message if it still waits for evidence."""
    waiting = in_states((State.SENDING, State.ACCEPTED, State.UNKNOWN))
    row = conn.execute(_OPEN.where(_m.clinic == clinic, _m.id == number, waiting)).first()
    return _as_open(row) if row else None


def open_by_address(conn: Connection, clinic: int, channel: Channel, address: str) -> list[Open]:
    """Messages to this address whose fate is unknown: a receipt without a known id may be theirs."""
    rows = conn.execute(
        _OPEN.where(
            _m.clinic == clinic,
            _m.channel == channel.value,
            UNKNOWN,
            _m.address == address,
        )
    ).all()
    return [_as_open(row) for row in rows]


_OPEN = select(_m.id, _m.attempt, _m.charged, _m.started_at, _m.expires_at, _m.state, _m.recipient)


def _as_open(row: Any) -> Open:
    state = State(row.state)
    # The first outcome of an attempt charges it, and only `sending` has none yet.
    before = row.charged if state is State.SENDING else max(row.charged - 1, 0)
    return Open(row.id, row.attempt, before, row.started_at, row.expires_at, state, row.recipient)


def segments_of(conn: Connection, clinic: int, number: int, attempt: int) -> list[tuple[str | None, str]]:
    """(outcome, cause) of each segment of an attempt; outcome None while its receipt is missing."""
    rows = conn.execute(
        select(_g.outcome, _g.cause).where(_g.clinic == clinic, _g.message == number, _g.attempt == attempt)
    )
    return [(row.outcome, row.cause or "") for row in rows]


def latest_to(conn: Connection, clinic: int, channel: Channel, address: str) -> tuple[int, int] | None:
    """(message, appointment) of the newest message sent to an address: what a reply answers."""
    sent = in_states((State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN))
    row = conn.execute(
        select(_m.id, _m.appointment)
        .where(
            _m.clinic == clinic,
            _m.channel == channel.value,
            _m.address == address,
            _m.started_at.is_not(None),
            sent,
        )
        .order_by(_m.started_at.desc())
        .limit(1)
    ).first()
    return (row.id, row.appointment) if row else None


def message_of(conn: Connection, clinic: int, number: int) -> tuple[int, int, str] | None:
    """(recipient, appointment, address) of a message."""
    row = conn.execute(
        select(_m.recipient, _m.appointment, _m.address).where(_m.clinic == clinic, _m.id == number)
    ).first()
    return (row.recipient, row.appointment, row.address) if row else None


def add_reply(
    conn: Connection, clinic: int, got: Reply, address: str, person: int | None, number: int | None
) -> None:
    """Write down a reply, once: the same one delivered twice (same address, kind, moment) is one reply."""
    text, address = storable(got.text), storable(address)
    r = reply.c
    same = (
        r.clinic == clinic,
        r.address == address,
        r.kind == got.kind.value,
        r.at == got.at,
        r.text == text,
    )
    if conn.execute(select(r.id).where(*same).limit(1)).first():
        return
    conn.execute(
        reply.insert(),
        {
            "clinic": clinic,
            "id": ids.take(conn, clinic, "reply"),
            "channel": got.channel.value,
            "address": address,
            "kind": got.kind.value,
            "text": text,
            "recipient": person,
            "message": number,
            "at": got.at,
        },
    )


def mark_appointment(conn: Connection, clinic: int, number: int, status: str | None, now: datetime) -> None:
    """The patient confirmed (status None) or cancelled an appointment."""
    values = {"status": status} if status else {"confirmed_at": now}
    a = appointment.c
    conn.execute(update(appointment).where(a.clinic == clinic, a.id == number).values(values))
