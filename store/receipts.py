"""What comes back: messages that wait for evidence, replies, keys pressed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, bindparam, exists, or_, select

from gateway.domain import Channel, DirectKind, Reply, ReplyKind, State
from store import ids
from store.batch import among
from store.outside import storable
from store.queue import RECEIPT_EXPECTED, in_states
from store.schema import appointment, bundled, direct, message, recipient, reply

_a, _b, _d, _m = appointment.c, bundled.c, direct.c, message.c
# In this time the same text is the same reply, delivered again.
TOLD_AGAIN = timedelta(minutes=10)
_STAMPED_BY_US = (Channel.SMS, Channel.EMAIL)
_DECISIONS = {
    kind.value
    for kind in (
        *(ReplyKind.CONFIRM, ReplyKind.CANCEL, ReplyKind.NOT_COMING),
        *(ReplyKind.OPT_OUT, ReplyKind.OPT_IN),
    )
}


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
    zone: str | None = None


def open_messages(conn: Connection, clinic: int, numbers: Collection[int]) -> dict[int, Open]:
    """Those of the messages that still wait for evidence, by number."""
    rows = conn.execute(_OPEN_AMONG, {"c": clinic, "ids": list(numbers)}) if numbers else ()
    return {row.id: _as_open(row) for row in rows}


def open_by_address(conn: Connection, clinic: int, channel: Channel, address: str) -> list[Open]:
    """Messages to this address, under way, of unknown fate or waiting for a receipt.

    A receipt without a known id may be any of theirs.
    """
    rows = conn.execute(
        _OPEN.where(
            _m.clinic == clinic,
            _m.channel == channel.value,
            _m.address == address,
            _m.started_at.is_not(None),
            or_(
                in_states((State.SENDING, State.UNKNOWN)),
                and_(in_states((State.ACCEPTED,)), RECEIPT_EXPECTED),
            ),
        )
    ).all()
    return [_as_open(row) for row in rows]


_OPEN = select(
    _m.id,
    _m.attempt,
    _m.charged,
    _m.started_at,
    _m.expires_at,
    _m.state,
    _m.recipient,
    _m.cause,
    select(recipient.c.zone)
    .where(recipient.c.clinic == _m.clinic, recipient.c.id == _m.recipient)
    .scalar_subquery()
    .label("zone"),
)
_OPEN_AMONG = _OPEN.where(
    _m.clinic == bindparam("c"),
    among(_m.id, "ids"),
    in_states((State.SENDING, State.ACCEPTED, State.UNKNOWN)),
)


def _as_open(row: Any) -> Open:
    state = State(row.state)
    # The first outcome of an attempt charges it, and only `sending` has none yet.
    before = row.charged if state is State.SENDING else max(row.charged - 1, 0)
    values = (row.started_at, row.expires_at, state, row.recipient, row.cause, row.zone)
    return Open(row.id, row.attempt, before, *values)


def latest_to(
    conn: Connection, clinic: int, channel: Channel, address: str, since: datetime, now: datetime
) -> tuple[int, int] | None:
    """(message, appointment) of the newest message sent to an address: what a reply answers.

    One from before `since` only while its appointment is still to come. Our own answers are nothing to reply
    to: they are about the message before them.
    """
    to_come = exists().where(_a.clinic == _m.clinic, _a.id == _m.appointment, _a.starts_at > now)
    row = conn.execute(
        select(_m.id, _m.appointment)
        .where(*_sent_to(clinic, channel, address), or_(_m.started_at >= since, to_come))
        .order_by(_m.started_at.desc(), _m.id.desc())
        .limit(1)
    ).first()
    return (row.id, row.appointment) if row else None


@dataclass(frozen=True, slots=True)
class Told:
    """A visit to come of which a message told an address; not open: its client called it off just now."""

    message: int
    started_at: datetime
    visit: int
    client: int
    open: bool
    confirmed: bool


def visits_told(conn: Connection, clinic: int, channel: Channel, address: str, now: datetime) -> list[Told]:
    """The visits that an address was told of and that can be answered, those of the newest message first.

    One that was called off a moment ago is still there: the same word may come again, and means no other.
    """
    columns = (_m.id, _m.started_at, _a.id.label("visit"), _a.client, _a.status, _a.confirmed_at)
    stands = or_(_a.status == "booked", _a.cancelled_at >= now - TOLD_AGAIN)
    alone = select(*columns).join(appointment, and_(_a.clinic == _m.clinic, _a.id == _m.appointment))
    beside = (
        select(*columns)
        .join(bundled, and_(_b.clinic == _m.clinic, _b.message == _m.id))
        .join(appointment, and_(_a.clinic == _b.clinic, _a.id == _b.appointment))
    )
    mine = (*_sent_to(clinic, channel, address), _a.starts_at > now, stands)
    rows = [row for query in (alone, beside) for row in conn.execute(query.where(*mine))]
    rows.sort(key=lambda row: (row.started_at, row.id), reverse=True)
    return [
        Told(
            message=row.id,
            started_at=row.started_at,
            visit=row.visit,
            client=row.client,
            open=row.status == "booked",
            confirmed=row.confirmed_at is not None,
        )
        for row in rows
    ]


def _sent_to(clinic: int, channel: Channel, address: str) -> tuple[ColumnElement[bool], ...]:
    """What left, or may have, but for our own answers."""
    answer = exists().where(_d.clinic == _m.clinic, _d.message == _m.id, _d.kind != DirectKind.STAFF.value)
    return (
        _m.clinic == clinic,
        _m.channel == channel.value,
        _m.address == address,
        _m.started_at.is_not(None),
        in_states((State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN)),
        ~answer,
    )


def mailed_about(conn: Connection, clinic: int, visit: int, address: str) -> int | None:
    """The newest mail that told an address of its client's appointment; those of broadcasts come first."""
    a = appointment.c
    sent = in_states((State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN))
    query = (
        select(_m.id)
        .join(appointment, (a.clinic == _m.clinic) & (a.id == _m.appointment) & (a.client == _m.recipient))
        .where(
            _m.clinic == clinic,
            _m.channel == Channel.EMAIL.value,
            _m.address == address,
            _m.appointment == visit,
            _m.started_at.is_not(None),
            sent,
        )
        .order_by((_m.broadcast > 0).desc(), _m.started_at.desc())
        .limit(1)
    )
    found = conn.execute(query).scalar()
    return None if found is None else int(found)


def message_of(conn: Connection, clinic: int, number: int) -> tuple[int, int, str] | None:
    """(recipient, appointment, address) of a message."""
    row = conn.execute(
        select(_m.recipient, _m.appointment, _m.address).where(_m.clinic == clinic, _m.id == number)
    ).first()
    return (row.recipient, row.appointment, row.address) if row else None


def add_reply(
    conn: Connection,
    clinic: int,
    got: Reply,
    address: str,
    person: int | None,
    number: int | None,
    read_at: datetime | None = None,
) -> int | None:
    """Write down a reply; its number. The same told twice is one: then None.

    `read_at`: it needs no person.
    """
    text, address = storable(got.text), storable(address)
    if _is_told_again(conn, clinic, replace(got, text=text, address=address), number):
        return None
    given = ids.take(conn, clinic, "reply")
    conn.execute(
        reply.insert(),
        {
            "clinic": clinic,
            "id": given,
            "channel": got.channel.value,
            "address": address,
            "kind": got.kind.value,
            "text": text,
            "recipient": person,
            "message": number,
            "at": got.at,
            "read_at": read_at,
        },
    )
    return given


def _is_told_again(conn: Connection, clinic: int, got: Reply, number: int | None) -> bool:
    """Whether this very reply is written down already.

    A call's key comes again with its own moment. A text or a mail whose acknowledgement was lost comes again
    as if it were new: the same words about the same message within a short time are one reply, unless the
    sender decided otherwise in between.
    """
    r = reply.c
    since = got.at - TOLD_AGAIN
    query = select(r.kind, r.text, r.message, r.at).where(
        r.clinic == clinic, r.address == got.address, r.channel == got.channel.value, r.at >= since
    )
    for row in conn.execute(query.order_by(r.at.desc(), r.id.desc())):
        same = (row.kind, row.text) == (got.kind.value, got.text)
        if same and (row.at == got.at or (got.channel in _STAMPED_BY_US and row.message == number)):
            return True
        if row.kind != got.kind and {row.kind, got.kind.value} <= _DECISIONS and row.at < got.at:
            return False
    return False


def visit_of(conn: Connection, clinic: int, number: int) -> tuple[str, datetime] | None:
    """(status, start) of an appointment."""
    a = appointment.c
    row = conn.execute(select(a.status, a.starts_at).where(a.clinic == clinic, a.id == number)).first()
    return (row.status, row.starts_at) if row else None
