"""Leases: renewed while we live, swept when we died. Nothing swept from `sending` is ever due again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Update,
    and_,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from gateway.domain import DUE_STATES, VOICEMAIL, VOICEMAIL_LEFT, Channel, State, attempt_id
from store.batch import among, not_among
from store.queue import RECEIPT_EXPECTED, UNKNOWN, in_states
from store.schema import appointment, attempt, message
from store.settle import DELIVERED

_m = message.c
_LEASED = (State.CLAIMED, State.SENDING)


def renew(conn: Connection, owner: str, until: datetime) -> None:
    """Heartbeat: everything we hold stays ours until then."""
    conn.execute(update(message).where(in_states(_LEASED), _m.lease_owner == owner).values(lease_until=until))


def sweep(conn: Connection, node: str, owner: str, now: datetime) -> None:
    """Take over what died: expired leases, and earlier lives of this very node (same `node`, other owner).

    Claimed messages are due again; sending ones become `unknown`, with the attempt on record. What is our own
    stays: we are alive, however long the database was away.
    """
    prefix = f"{node}/"
    # Compared by hand: LIKE knows no case on SQLite, and "a/b" is another node than "a".
    earlier_life = and_(
        func.substr(_m.lease_owner, 1, len(prefix)) == prefix,
        func.length(_m.lease_owner) == len(owner),
    )
    lost = and_(or_(_m.lease_until < now, earlier_life), _m.lease_owner != owner)
    conn.execute(_requeued(lost))
    _make_unknown(conn, lost, now)


def release_strays(
    conn: Connection,
    clinic: int,
    channel: Channel,
    owner: str,
    held: Collection[int],
    sending: Collection[int],
) -> None:
    """After a transaction whose commit is in doubt: what we own but do not hold goes back to the queue.

    Only the owner itself may call this, and only it knows that a stray `sending` row was never sent.
    """
    # "+ 0" keeps SQLite from looking the clinic up: the partial index on leases is the shorter way.
    mine = and_(_m.clinic + 0 == clinic, _m.channel == channel.value, _m.lease_owner == owner)
    conn.execute(_requeued(and_(mine, not_among(_m.id, "held"))), {"held": list(held)})
    conn.execute(
        update(message)
        .where(_leased(State.SENDING), mine, not_among(_m.id, "sent"))
        .values(
            state=literal_column("'scheduled'"), reason="commit-in-doubt", lease_owner=None, lease_until=None
        ),
        {"sent": list(sending)},
    )


def _leased(state: State) -> ColumnElement[bool]:
    # SQLite uses a partial index only when the query repeats the index's own condition.
    return and_(in_states(_LEASED), in_states((state,)))


def _requeued(condition: ColumnElement[bool]) -> Update:
    return (
        update(message)
        .where(_leased(State.CLAIMED), condition)
        .values(state=literal_column("'queued'"), lease_owner=None, lease_until=None)
    )


def _make_unknown(conn: Connection, lost: ColumnElement[bool], now: datetime) -> None:
    # The update comes first: of two sweepers only the one that changed a message records its attempt.
    found = conn.execute(
        update(message)
        .where(_leased(State.SENDING), lost)
        .values(
            state=literal_column("'unknown'"),
            outcome="unknown",
            cause="interrupted",
            charged=_m.charged + 1,
            lease_owner=None,
            lease_until=None,
            updated_at=now,
        )
        .returning(_m.clinic, _m.id.label("message"), _m.attempt.label("number"), _m.started_at)
    ).mappings()
    same = {"settled_at": now, "outcome": "unknown", "cause": "interrupted", "evidence": {}}
    if rows := [dict(row) | same for row in found]:
        conn.execute(attempt.insert(), rows)


def overdue(conn: Connection, clinic: int, channel: Channel, now: datetime, most: int) -> list[int]:
    """Waiting messages that have lost their point: their line is away, or there is none."""
    a = appointment.c
    still_to_come = select(a.id).where(a.clinic == _m.clinic, a.id == _m.appointment, a.starts_at > now)
    due = (_m.clinic == clinic, _m.channel == channel.value, _m.due_at <= now, in_states(DUE_STATES))
    # An appointment that was moved has not begun, whatever was written down when the message was planned.
    lost = select(_m.id).where(*due, _m.expires_at <= now, ~exists(still_to_come))
    return list(conn.execute(lost.limit(most)).scalars())


def expire(conn: Connection, clinic: int, numbers: Collection[int], now: datetime) -> None:
    """Close overdue messages that are still waiting; one that was left on a machine is delivered."""
    waiting = (_m.clinic == clinic, among(_m.id, "ids"), in_states(DUE_STATES))
    t = attempt.c
    left = exists().where(t.clinic == _m.clinic, t.message == _m.id, t.cause == VOICEMAIL_LEFT)
    delivered = {"state": literal_column("'delivered'"), "outcome": DELIVERED, "cause": VOICEMAIL}
    for which, ends in ((left, delivered), (~left, {"state": literal_column("'expired'")})):
        closed = update(message).where(*waiting, which).values(**ends, reason="expired", updated_at=now)
        conn.execute(closed, {"ids": list(numbers)})


def open_attempts(conn: Connection, clinic: int, channel: Channel, since: datetime) -> list[str]:
    """The attempts whose fate is unknown, to be reconciled from evidence."""
    rows = conn.execute(
        select(_m.id, _m.attempt).where(
            _m.clinic == clinic,
            _m.channel == channel.value,
            UNKNOWN,
            _m.started_at >= since,
        )
    )
    return [attempt_id(clinic, row.id, row.attempt) for row in rows]


def close_unconfirmed(conn: Connection, clinic: int, before: datetime, now: datetime, most: int) -> int:
    """Accepted messages that were valid until `before` at most are settled as "unconfirmed"; how many were.

    A message without an end is taken to have been valid when it was sent.
    """
    endless = and_(_m.expires_at.is_(None), _m.started_at < before)
    # One after the other: together no engine is sure to take each as a range of the index.
    return sum(_close(conn, clinic, over, now, most) for over in (_m.expires_at < before, endless))


def _close(conn: Connection, clinic: int, over: ColumnElement[bool], now: datetime, most: int) -> int:
    due = (_m.clinic == clinic, in_states((State.ACCEPTED,)), RECEIPT_EXPECTED, over)
    late = select(_m.id).where(*due).limit(most).scalar_subquery()
    closed = update(message).where(_m.clinic == clinic, _m.id.in_(late), in_states((State.ACCEPTED,)))
    return conn.execute(closed.values(cause="unconfirmed", reason=None, updated_at=now)).rowcount
