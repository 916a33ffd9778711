"""Leases: renewed while we live, swept when we died. Nothing swept from `sending` is ever due again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, insert, literal, literal_column, or_, select, update

from gateway.domain import Channel, State, attempt_id
from store.queue import in_states
from store.schema import attempt, message

_m = message.c
_LEASED = (State.CLAIMED, State.SENDING)


def renew(conn: Connection, owner: str, until: datetime) -> None:
    """Heartbeat: everything we hold stays ours until then."""
    conn.execute(update(message).where(in_states(_LEASED), _m.lease_owner == owner).values(lease_until=until))


def sweep(conn: Connection, node: str, owner: str, now: datetime) -> None:
    """Take over what died: expired leases, and earlier lives of this very node (same `node`, other owner).

    Claimed messages are due again; sending ones become `unknown`, with the attempt on record.
    """
    earlier_life = and_(_m.lease_owner.startswith(f"{node}/", autoescape=True), _m.lease_owner != owner)
    lost = or_(_m.lease_until < now, earlier_life)
    _requeue(conn, lost)
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
    mine = and_(_m.clinic == clinic, _m.channel == channel.value, _m.lease_owner == owner)
    _requeue(conn, and_(mine, _m.id.not_in(held)))
    conn.execute(
        update(message)
        .where(mine, in_states((State.SENDING,)), _m.id.not_in(sending))
        .values(state=literal_column("'queued'"), lease_owner=None, lease_until=None)
    )


def _requeue(conn: Connection, condition: ColumnElement[bool]) -> None:
    conn.execute(
        update(message)
        .where(in_states((State.CLAIMED,)), condition)
        .values(state=literal_column("'queued'"), lease_owner=None, lease_until=None)
    )


def _make_unknown(conn: Connection, lost: ColumnElement[bool], now: datetime) -> None:
    sending = and_(in_states((State.SENDING,)), lost)
    columns = ["clinic", "message", "number", "started_at", "settled_at", "outcome", "cause", "evidence"]
    moment = literal(now, attempt.c.settled_at.type)
    conn.execute(
        insert(attempt).from_select(
            columns,
            select(
                _m.clinic,
                _m.id,
                _m.attempt,
                _m.started_at,
                moment,
                literal("unknown"),
                literal("interrupted"),
                literal({}, attempt.c.evidence.type),
            ).where(sending),
        )
    )
    conn.execute(
        update(message)
        .where(sending)
        .values(
            state=literal_column("'unknown'"),
            outcome="unknown",
            cause="interrupted",
            charged=_m.charged + 1,
            lease_owner=None,
            lease_until=None,
            updated_at=now,
        )
    )


def open_attempts(conn: Connection, clinic: int, channel: Channel, since: datetime) -> list[str]:
    """The attempts whose fate is unknown, to be reconciled from evidence."""
    rows = conn.execute(
        select(_m.id, _m.attempt).where(
            _m.clinic == clinic,
            _m.channel == channel.value,
            in_states((State.UNKNOWN,)),
            _m.started_at >= since,
        )
    )
    return [attempt_id(clinic, row.id, row.attempt) for row in rows]


def close_unconfirmed(conn: Connection, clinic: int, before: datetime, now: datetime) -> None:
    """Accepted messages whose time for receipts is over are settled as "unconfirmed"."""
    conn.execute(
        update(message)
        .where(
            _m.clinic == clinic,
            in_states((State.ACCEPTED,)),
            _m.started_at < before,
            _m.reason == "receipt-expected",
        )
        .values(cause="unconfirmed", reason=None, updated_at=now)
    )
