"""What comes back: messages that wait for evidence, replies, keys pressed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from gateway.domain import Channel, Reply, State
from store import ids
from store.batch import among
from store.outside import storable
from store.queue import in_states
from store.schema import appointment, contact, message, reply

_m = message.c


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
    cause: str | None = None


def open_messages(conn: Connection, clinic: int, numbers: Collection[int]) -> dict[int, Open]:
    """Those of the messages that still wait for evidence, by number."""
    rows = conn.execute(_OPEN_AMONG, {"c": clinic, "ids": list(numbers)}) if numbers else ()
    return {row.id: _as_open(row) for row in rows}


def open_by_address(conn: Connection, clinic: int, channel: Channel, address: str) -> list[Open]:
    """Messages to this address, under way or of unknown fate: a receipt without a known id may be theirs."""
    rows = conn.execute(
        _OPEN.where(
            _m.clinic == clinic,
            _m.channel == channel.value,
            _m.address == address,
            _m.started_at.is_not(None),
            in_states((State.SENDING, State.UNKNOWN)),
        )
    ).all()
    return [_as_open(row) for row in rows]


_OPEN = select(_m.id, _m.attempt, _m.charged, _m.started_at, _m.expires_at, _m.state, _m.recipient, _m.cause)
_OPEN_AMONG = _OPEN.where(
    _m.clinic == bindparam("c"),
    among(_m.id, "ids"),
    in_states((State.SENDING, State.ACCEPTED, State.UNKNOWN)),
)


def _as_open(row: Any) -> Open:
    state = State(row.state)
    # The first outcome of an attempt charges it, and only `sending` has none yet.
    before = row.charged if state is State.SENDING else max(row.charged - 1, 0)
    return Open(row.id, row.attempt, before, row.started_at, row.expires_at, state, row.recipient, row.cause)


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


def mark_bad_address(conn: Connection, clinic: int, number: int, cause: str) -> None:
    """The address that a message went to is not to be used again, for whoever has it on that channel."""
    row = conn.execute(select(_m.channel, _m.address).where(_m.clinic == clinic, _m.id == number)).first()
    if row is not None:
        k = contact.c
        conn.execute(
            update(contact)
            .where(
                k.clinic == clinic, k.address == row.address, k.channel == row.channel, k.bad_cause.is_(None)
            )
            .values(bad_cause=storable(cause))
        )


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
