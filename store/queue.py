"""The queue: claim and start. Two phases, so that only what is about to be sent is ever `sending`.

All functions run inside one transaction of `Store.run`. States are literals in the statements: a bound
state can make PostgreSQL plan a sequential scan.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Text,
    bindparam,
    case,
    exists,
    literal_column,
    null,
    or_,
    select,
    update,
)

from gateway.domain import DUE_STATES, Channel, Limited, State
from store import ledger, room
from store.batch import Rows, among, not_among
from store.schema import bundled, counter, message, stop

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
    step: int = 0


def in_states(states: Sequence[State]) -> ColumnElement[bool]:
    """The condition that a message is in one of `states`, as literals."""
    return _m.state.in_([literal_column(f"'{state}'") for state in states])


# The conditions of the partial indexes on waiting messages, in their own words: SQLite compares the text.
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
    _m.step,
)
_due = (
    select(_m.id)
    .where(
        _m.clinic == bindparam("c"),
        _m.channel == bindparam("on"),
        _m.due_at <= bindparam("now"),
        in_states(DUE_STATES),
        not_among(_m.id, "held"),
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
    conn: Connection,
    clinic: int,
    channel: Channel,
    owner: str,
    now: datetime,
    until: datetime,
    most: int,
    held: Collection[int] = (),
) -> list[Claimed]:
    """Take up to `most` due messages, oldest first; no other claimer gets them while the lease holds.

    `held`: what the claimer has ready already. One of these that was put back meanwhile, as its appointment
    moved, is not taken yet: it could be started with what was prepared before.
    """
    values = {
        "held": list(held),
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


_to = Rows("places", message=BigInteger, channel=Text, address=Text)
_stays = _to["channel"] == _m.channel
_MOVE = (
    update(message)
    .where(
        _m.clinic == bindparam("c"),
        _m.id == _to["message"],
        _m.state == literal_column("'claimed'"),
        _m.lease_owner == bindparam("owner"),
    )
    .values(
        channel=_to["channel"],
        address=_to["address"],
        state=case((_stays, _m.state), else_=literal_column("'queued'")),
        lease_owner=case((_stays, _m.lease_owner), else_=null()),
        lease_until=case((_stays, _m.lease_until), else_=null()),
    )
)


def move(conn: Connection, clinic: int, owner: str, places: Mapping[int, tuple[Channel, str]]) -> None:
    """Send claimed messages elsewhere; those that change their channel are queued for it."""
    rows = [(number, channel.value, address) for number, (channel, address) in places.items()]
    conn.execute(_MOVE, {"c": clinic, "owner": owner, "places": rows})


_OURS = (_m.clinic == bindparam("c"), among(_m.id, "ids"))
# Waits for a withdrawal that is being written, and holds up the next one until the start is committed.
_HOLD_LEDGER = (
    select(counter.c.next)
    .where(counter.c.clinic == bindparam("c"), counter.c.name == "consent")
    .with_for_update(read=True)
)
_of_channel = or_(stop.c.channel.is_(None), stop.c.channel == _m.channel)
_START = (
    update(message)
    .where(
        *_OURS,
        _m.state == literal_column("'claimed'"),
        _m.lease_owner == bindparam("owner"),
        ~ledger.changed(_m.recipient, _m.address),
        ~exists().where(
            bundled.c.clinic == _m.clinic,
            bundled.c.message == _m.id,
            ledger.changed(bundled.c.recipient, _m.address),
        ),
        ~exists().where(stop.c.clinic == _m.clinic, stop.c.lifted_at.is_(None), _of_channel),
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


_UNLIMITED: Mapping[int, Limited] = {}


def start(
    conn: Connection,
    clinic: int,
    owner: str,
    ids: Collection[int],
    consent_as_of: int,
    now: datetime,
    until: datetime,
    limited: Mapping[int, Limited] = _UNLIMITED,
) -> dict[int, int]:
    """Mark claimed messages `sending`; only the returned {id: attempt number} may be sent, after the commit.

    A recipient or an address whose consent ledger grew since `consent_as_of` is not started but judged again:
    this is the last look at withdrawals, in the same transaction. Cancelled or re-claimed messages are left
    out, too, and everything that is stopped (store.stops). Of the `limited` ones those are started that have
    room, in their order; the others are judged again as well.
    """
    # First of all: who holds the ledger waits for nobody.
    room.hold(conn, clinic, limited.values())
    full = room.without_room(conn, clinic, limited, now)
    values = {
        "c": clinic,
        "ids": [i for i in ids if i not in full],
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
