"""The queue: claim and start. Two phases, so that only what is about to be sent is ever `sending`.

All functions run inside one transaction of `Store.run`. States are literals in the statements: a bound
state can make PostgreSQL plan a sequential scan.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, literal_column, select, update

from gateway.domain import DUE_STATES, Channel, State
from store.batch import among
from store.schema import consent, counter, message

_m = message.c


@dataclass(frozen=True, slots=True)
class Claimed:
    """A due message under our lease; nothing of it has been sent."""

    id: int
    broadcast: int
    recipient: int
    appointment: int
    address: str
    attempt: int
    charged: int
    due_at: datetime
    expires_at: datetime | None


def in_states(states: Sequence[State]) -> ColumnElement[bool]:
    """The condition that a message is in one of `states`, as literals."""
    return _m.state.in_([literal_column(f"'{state}'") for state in states])


# The two conditions of the partial index on waiting messages, in its own words: SQLite compares the text.
UNKNOWN = _m.state == literal_column("'unknown'")
RECEIPT_EXPECTED = _m.reason == literal_column("'receipt-expected'")

_CLAIM_COLUMNS = (
    _m.id,
    _m.broadcast,
    _m.recipient,
    _m.appointment,
    _m.address,
    _m.attempt,
    _m.charged,
    _m.due_at,
    _m.expires_at,
)
_due = (
    select(_m.id)
    .where(
        _m.clinic == bindparam("c"),
        _m.channel == bindparam("on"),
        _m.due_at <= bindparam("now"),
        in_states(DUE_STATES),
    )
    .order_by(_m.due_at, _m.id)
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
    .cte("due")
)
_CLAIM = (
    update(message)
    .where(_m.clinic == bindparam("c"), _m.id.in_(select(_due.c.id)))
    .values(state=literal_column("'claimed'"), lease_owner=bindparam("owner"), lease_until=bindparam("until"))
    .returning(*_CLAIM_COLUMNS)
)


def claim(
    conn: Connection, clinic: int, channel: Channel, owner: str, now: datetime, until: datetime, most: int
) -> list[Claimed]:
    """Take up to `most` due messages, oldest first; no other claimer gets them while the lease holds."""
    values = {
        "c": clinic,
        "on": channel.value,
        "now": now,
        "most": most,
        "owner": owner,
        "until": until,
    }
    rows = [Claimed(*row) for row in conn.execute(_CLAIM, values).all()]
    rows.sort(key=lambda claimed: (claimed.due_at, claimed.id))
    return rows


_OURS = (_m.clinic == bindparam("c"), among(_m.id, "ids"))
_CHANGED_CONSENT = select(consent.c.recipient).where(
    consent.c.clinic == bindparam("c"), consent.c.id >= bindparam("as_of")
)
# Waits for a withdrawal that is being written, and holds up the next one until the start is committed.
_HOLD_LEDGER = (
    select(counter.c.next)
    .where(counter.c.clinic == bindparam("c"), counter.c.name == "consent")
    .with_for_update(read=True)
)
_START = (
    update(message)
    .where(
        *_OURS,
        _m.state == literal_column("'claimed'"),
        _m.lease_owner == bindparam("owner"),
        _m.recipient.not_in(_CHANGED_CONSENT),
    )
    .values(
        state=literal_column("'sending'"),
        attempt=_m.attempt + 1,
        started_at=bindparam("now"),
        lease_until=bindparam("until"),
    )
    .returning(_m.id, _m.attempt)
)
_HAND_BACK = (
    update(message)
    .where(*_OURS, _m.state == literal_column("'claimed'"), _m.lease_owner == bindparam("owner"))
    .values(state=literal_column("'queued'"), lease_owner=None, lease_until=None)
)


def start(
    conn: Connection,
    clinic: int,
    owner: str,
    ids: Collection[int],
    consent_as_of: int,
    now: datetime,
    until: datetime,
) -> dict[int, int]:
    """Mark claimed messages `sending`; only the returned {id: attempt number} may be sent, after the commit.

    A recipient whose consent ledger grew since `consent_as_of` is not started but judged again: this is the
    last look at withdrawals, in the same transaction. Cancelled or re-claimed messages are left out, too.
    """
    values = {
        "c": clinic,
        "ids": list(ids),
        "as_of": consent_as_of,
        "owner": owner,
        "now": now,
        "until": until,
    }
    if conn.dialect.name == "postgresql":
        # On SQLite there is but one writer at a time.
        conn.execute(_HOLD_LEDGER, {"c": clinic})
    started = {row[0]: row[1] for row in conn.execute(_START, values).all()}
    if len(started) < len(ids):
        hand_back(conn, clinic, owner, [i for i in ids if i not in started])
    return started


def hand_back(conn: Connection, clinic: int, owner: str, ids: Collection[int]) -> None:
    """Return claimed, never started messages to the queue."""
    if ids:
        conn.execute(_HAND_BACK, {"c": clinic, "ids": list(ids), "owner": owner})
