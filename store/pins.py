"""User numbers and PINs of staff, and every try at one: counted before the PIN is looked at."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, select, update

from gateway.domain import RecipientKind, RingwellError
from store import ids
from store.schema import pin_try, recipient, staff_pin
from store.upsert import insert_into

_s, _y, _r = staff_pin.c, pin_try.c, recipient.c
# Longer than any limit looks back.
_KEPT_FOR = timedelta(days=2)
# From the times of the wrong tries so far, oldest first: the moment until which no other is taken.
Judge = Callable[[Sequence[datetime]], datetime | None]


class NumberTakenError(RingwellError):
    """Another member of staff has this user number."""


@dataclass(frozen=True, slots=True)
class StaffUser:
    """Somebody who may use the studio."""

    staff: int
    number: str
    language: str
    pin_hash: str


@dataclass(frozen=True, slots=True)
class Try:
    """A try written down: `id` None when the number is locked, `user` None for a number of nobody."""

    id: int | None
    user: StaffUser | None = None


def staff_of(conn: Connection, clinic: int, external_id: str) -> int | None:
    """The member of staff with this id of the practice system."""
    kind = RecipientKind.STAFF.value
    where = (_r.clinic == clinic, _r.kind == kind, _r.external_id == external_id)
    return conn.execute(select(_r.id).where(*where)).scalar()


def set_pin(conn: Connection, clinic: int, staff: int, number: str, pin_hash: str, now: datetime) -> None:
    """Give a member of staff a user number and a PIN, and forget wrong tries; NumberTakenError."""
    holder = conn.execute(select(_s.staff).where(_s.clinic == clinic, _s.number == number)).scalar()
    if holder not in (None, staff):
        raise NumberTakenError(f"user number {number} belongs to somebody else: choose another")
    values = {"number": number, "pin_hash": pin_hash, "changed_at": now}
    made = insert_into(conn, staff_pin).values(clinic=clinic, staff=staff, **values)
    conn.execute(made.on_conflict_do_update(index_elements=[_s.clinic, _s.staff], set_=values))
    conn.execute(pin_try.delete().where(_y.clinic == clinic, _y.number == number))


def take_pin(conn: Connection, clinic: int, staff: int) -> bool:
    """A member of staff may use the studio no longer; False when they could not."""
    return conn.execute(staff_pin.delete().where(_s.clinic == clinic, _s.staff == staff)).rowcount > 0


def user_of(conn: Connection, clinic: int, staff: int) -> StaffUser | None:
    """The user number of a member of staff."""
    return _user(conn, clinic, _s.staff == staff)


def begin_try(conn: Connection, clinic: int, number: str, judge: Judge, now: datetime) -> Try:
    """Count a try as wrong and hand out what its PIN must match, unless the number is locked."""
    # The counter's row puts all tries of the clinic in a queue, so that no two count the same past.
    made = ids.take(conn, clinic, "pin_try")
    conn.execute(pin_try.delete().where(_y.clinic == clinic, _y.at < now - _KEPT_FOR))
    past = select(_y.at).where(_y.clinic == clinic, _y.number == number).order_by(_y.at)
    until = judge(conn.execute(past).scalars().all())
    if until is not None and until > now:
        return Try(None)
    row = {"clinic": clinic, "id": made, "number": number, "at": now, "open": True}
    conn.execute(pin_try.insert(), row)
    return Try(made, _user(conn, clinic, _s.number == number))


def end_try(conn: Connection, clinic: int, number: str, tried: int, right: bool) -> None:
    """A right PIN forgives the wrong ones before it, but none that is still being looked at."""
    where = (_y.clinic == clinic, _y.number == number)
    conn.execute(update(pin_try).where(*where, _y.id == tried).values(open=False))
    if right:
        conn.execute(pin_try.delete().where(*where, _y.open.is_(False)))


def _user(conn: Connection, clinic: int, which: object) -> StaffUser | None:
    joined = staff_pin.join(recipient, (_r.clinic == _s.clinic) & (_r.id == _s.staff))
    query = select(_s.staff, _s.number, _r.language, _s.pin_hash).select_from(joined)
    row = conn.execute(query.where(_s.clinic == clinic, which)).first()  # type: ignore[arg-type]
    return StaffUser(*row) if row else None


@dataclass(frozen=True, slots=True)
class StaffRow:
    """A member of staff; `number` is None for somebody who may not use the studio."""

    staff: int
    external_id: str
    name: str
    language: str
    number: str | None


def staff_list(conn: Connection, clinic: int) -> list[StaffRow]:
    """Everybody of the staff, by name."""
    joined = recipient.outerjoin(staff_pin, (_s.clinic == _r.clinic) & (_s.staff == _r.id))
    names = (_r.given_name, _r.family_name)
    query = select(_r.id, _r.external_id, *names, _r.language, _s.number).select_from(joined)
    wanted = query.where(_r.clinic == clinic, _r.kind == RecipientKind.STAFF.value)
    rows = conn.execute(wanted.order_by(_r.family_name, _r.given_name, _r.id))
    return [
        StaffRow(row.id, row.external_id, f"{row.given_name} {row.family_name}".strip(), *row[4:])
        for row in rows
    ]
