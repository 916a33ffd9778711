"""Appointments that change: what patients answered, and messages that wait for an appointment's time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from gateway.domain import DUE_STATES, VOICEMAIL_LEFT, State
from store import ends
from store.batch import among
from store.invitations import Before
from store.queue import in_states
from store.schema import appointment, attempt, bundled, message, recipient, renewal
from store.tables import Instant

_a, _b, _m, _r, _t = appointment.c, bundled.c, message.c, recipient.c, attempt.c
BOOKED, CANCELLED = "booked", "cancelled"

# --- what patients answered ---


def mark(conn: Connection, clinic: int, number: int, now: datetime, *, cancelled: bool = False) -> None:
    """The patient confirmed or cancelled an appointment, if it stands; what waits for it is judged."""
    off: dict[str, Any] = {"status": CANCELLED, "cancelled_at": now}
    values = off if cancelled else {"confirmed_at": now}
    standing = _a.clinic == clinic, _a.id == number, _a.status == BOOKED
    if conn.execute(update(appointment).where(*standing).values(values)).rowcount and cancelled:
        follow(conn, clinic, [number], now)


def is_confirmed(conn: Connection, clinic: int, number: int) -> bool:
    """Whether the patient has confirmed an appointment already."""
    mine = _a.clinic == clinic, _a.id == number, _a.confirmed_at.is_not(None)
    return conn.execute(select(_a.id).where(*mine)).first() is not None


def restore(conn: Connection, clinic: int, external_id: str, now: datetime) -> bool:
    """An appointment that its patient cancelled stands again; False when there is none such."""
    mine = _a.clinic == clinic, _a.external_id == external_id, _a.cancelled_at.is_not(None)
    stands = update(appointment).where(*mine).values(status=BOOKED, cancelled_at=None)
    numbers = list(conn.execute(stands.returning(_a.id)).scalars())
    follow(conn, clinic, numbers, now)
    return bool(numbers)


@dataclass(frozen=True, slots=True)
class Answered:
    """An appointment with what its patient said of it; both None: nothing yet."""

    id: int
    external_id: str
    client: str
    name: str
    starts_at: datetime
    status: str
    confirmed_at: datetime | None
    cancelled_at: datetime | None


def listing(
    conn: Connection, clinic: int, since: datetime, until: datetime | None, most: int
) -> list[Answered]:
    """Appointments that begin in this time, in their order."""
    name = func.trim(_r.given_name + literal_column("' '") + _r.family_name)
    columns = (_r.external_id, name, _a.starts_at, _a.status, _a.confirmed_at, _a.cancelled_at)
    query = (
        select(_a.id, _a.external_id, *columns)
        .join(recipient, and_(_r.clinic == _a.clinic, _r.id == _a.client))
        .where(_a.clinic == clinic, _a.starts_at >= since)
    )
    if until is not None:
        query = query.where(_a.starts_at < until)
    return [Answered(*row) for row in conn.execute(query.order_by(_a.starts_at, _a.id).limit(most))]


# --- what waits, and what ended because of its appointment alone ---

_UNDONE = (State.CANCELLED, State.EXPIRED)
# The verdicts that another time, or an appointment that stands again, may change.
_UNDONE_FOR = (
    "appointment-cancelled",
    "appointment-moved",
    "appointment-of-another",
    "renewal-settled",
    "renewal-of-another",
    "day-moved",
    "expired",
    "stale",
    "window-after-expiry",
    "cap-after-expiry",
)
# No pause between two attempts is longer.
_PAUSE = timedelta(days=1)

# Said as the partial indexes say it.
_about = (
    _m.clinic == bindparam("c"),
    among(_m.appointment, "ids"),
    _m.appointment > literal_column("0"),
    _m.broadcast > literal_column("0"),
)
_now: ColumnElement[datetime] = bindparam("now", type_=Instant)
_told = select(_b.message).where(_b.clinic == bindparam("c"), among(_b.appointment, "ids"))
_JUDGED_NOW = (
    update(message)
    # The pause before another attempt is kept, unless there will be none.
    .where(*_about, in_states(DUE_STATES), or_(_m.attempt == literal_column("0"), ~ends.stands))
    .values(
        due_at=case((_m.due_at > _now, _now), else_=_m.due_at),
        expires_at=ends.expires_at,
    )
)
_TOLD_BESIDE = (
    update(message)
    .where(
        _m.clinic == bindparam("c"),
        _m.id.in_(_told),
        in_states(DUE_STATES),
        _m.attempt == literal_column("0"),
    )
    .values(
        due_at=case((_m.due_at > _now, _now), else_=_m.due_at),
        expires_at=ends.expires_at,
    )
)
# "+ 0" keeps SQLite from looking the clinic up: the partial index on leases is the shorter way.
_CLAIMED = (
    update(message)
    .where(
        in_states((State.CLAIMED, State.SENDING)),
        in_states((State.CLAIMED,)),
        _m.clinic + 0 == bindparam("c"),
        or_(among(_m.appointment, "ids"), _m.id.in_(_told)),
    )
    .values(
        state=literal_column("'queued'"),
        lease_owner=None,
        lease_until=None,
        expires_at=ends.expires_at,
    )
)
# Whose it is now, and not whose it was.
_awaits_them = exists().where(
    _a.clinic == _m.clinic,
    _a.id == _m.appointment,
    _a.status == literal_column("'booked'"),
    _a.starts_at > _now,
    or_(_a.client == _m.recipient, _a.staff == _m.recipient),
)
_is_due_to_them = exists().where(
    renewal.c.clinic == _m.clinic,
    renewal.c.id == _m.appointment,
    renewal.c.status == literal_column("'open'"),
    renewal.c.recipient == _m.recipient,
)
_left_on_machine = exists().where(
    _t.clinic == _m.clinic, _t.message == _m.id, _t.cause == literal_column(f"'{VOICEMAIL_LEFT}'")
)
_next_day: ColumnElement[datetime] = bindparam("next_day", type_=Instant)
_keeps_pause = and_(
    _m.attempt > literal_column("0"),
    _m.started_at > bindparam("day_ago", type_=Instant),
    # Behind the pause it would never go.
    or_(ends.starts_at.is_(None), ends.starts_at > _next_day),
)
_COMES_BACK = (
    update(message)
    .where(
        *_about,
        in_states(_UNDONE),
        _m.reason.in_([literal_column(f"'{reason}'") for reason in _UNDONE_FOR]),
        or_(_awaits_them, _is_due_to_them),
        ~_left_on_machine,
    )
    .values(
        state=literal_column("'scheduled'"),
        due_at=case((_keeps_pause, _next_day), else_=_now),
        expires_at=ends.expires_at,
        reason=None,
        updated_at=_now,
    )
)


def follow(conn: Connection, clinic: int, numbers: Collection[int], now: datetime) -> None:
    """These appointments moved, will not be, stand again, or are another's: what waits is judged again.

    So is what is claimed, and what ended because of the appointment before anything was sent.
    """
    if numbers:
        values = {"c": clinic, "ids": list(numbers)}
        conn.execute(_JUDGED_NOW, values | {"now": now})
        conn.execute(_TOLD_BESIDE, values | {"now": now})
        conn.execute(_CLAIMED, values)
        conn.execute(_COMES_BACK, values | {"now": now, "day_ago": now - _PAUSE, "next_day": now + _PAUSE})


def changed(before: Mapping[str, Before], after: Iterable[Mapping[str, Any]]) -> list[int]:
    """The numbers of appointments that these rows move, call off, restore, or give to somebody else."""
    known = ((before[row["external_id"]], row) for row in after if row["external_id"] in before)
    return [old.id for old, row in known if any(getattr(old, name) != row[name] for name in _TOLD)]


# What messages about an appointment are judged by.
_TOLD = ("starts_at", "status", "client", "staff")
