"""Broadcasts: ordered, planned page by page, listed, cancelled."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Date,
    Integer,
    Select,
    Text,
    bindparam,
    exists,
    extract,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
    update,
)

from gateway.domain import Appointment, Broadcast, RecipientKind, State
from gateway.domain.message_types import TYPES, Audience
from store import bundles, ids, merging, renewals, verdicts, visits
from store.batch import Rows, among
from store.bundles import About, Together
from store.facts import as_broadcast, cascade_row, orders, timing_row
from store.queue import in_states
from store.schema import appointment, broadcast, bundled, custom_list_entry, message, recipient, renewal
from store.tables import Instant
from store.upsert import for_each_engine
from store.verdicts import Judged

_a, _b, _m, _t = appointment.c, broadcast.c, message.c, bundled.c
PLANNING, ACTIVE, CANCELLED = "planning", "active", "cancelled"

Position = tuple[datetime | None, int]
Candidate = tuple[int, int, datetime | None]


class Planned(NamedTuple):
    """A message about to be written: the verdict of the plan is its state, due time and reason."""

    recipient: int
    channel: str
    appointment: int
    address: str
    state: State
    due_at: datetime
    expires_at: datetime | None
    reason: str | None
    judged: Judged | None = None
    step: int = 0
    # What else this one tells of; or that another one tells of it.
    members: tuple[About, ...] = ()
    is_led: bool = False
    # The appointment as it was when this was decided.
    visit: Appointment | None = None


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
            "zone": wanted.zone,
            "custom_list": wanted.custom_list,
            "cascade": cascade_row(wanted.cascade),
            "timing": timing_row(wanted.timing),
            "rule": wanted.rule,
            "bundle": wanted.bundle,
        },
    )
    return number


def audience(
    conn: Connection,
    clinic: int,
    wanted: Broadcast,
    after: Position | None,
    most: int,
    only_new: bool = False,
) -> list[Candidate]:
    """The next page of (recipient, what it is about or 0, its moment) that a broadcast is for.

    What it is about: the number of an appointment or a renewal, of a birthday minus the year. `only_new`:
    those who have no message of it yet.
    """
    match TYPES[wanted.type].audience:
        case Audience.APPOINTMENTS:
            return _by_appointment(conn, clinic, wanted, after, most, only_new)
        case Audience.RENEWALS:
            return _by_renewal(conn, clinic, wanted, after, most, only_new)
        case Audience.BIRTHDAYS:
            return _by_birthday(conn, clinic, wanted, after[1] if after else 0, most, only_new)
        case _:
            return _everyone(conn, clinic, wanted, after[1] if after else 0, most, only_new)


def _without_message(clinic: int, wanted: Broadcast, person: Any, about: Any = None) -> ColumnElement[bool]:
    """Whether nothing of this broadcast was planned for them; `about`: of this appointment or renewal."""
    theirs = exists().where(_m.clinic == clinic, _m.broadcast == wanted.id, _m.recipient == person)
    if about is None:
        return ~theirs
    alone = ~theirs.where(_m.appointment == about)
    if not wanted.bundle:
        return alone
    beside = exists().where(
        _t.clinic == clinic, _t.broadcast == wanted.id, _t.recipient == person, _t.appointment == about
    )
    return alone & ~beside


def _people(clinic: int, wanted: Broadcast) -> Select[Any]:
    """Everybody, or everybody on the list."""
    r, e = recipient.c, custom_list_entry.c
    if TYPES[wanted.type].audience is Audience.LIST:
        return select(e.recipient.label("id")).where(e.clinic == clinic, e.list == wanted.custom_list)
    return select(r.id).where(r.clinic == clinic, r.kind == TYPES[wanted.type].kind.value)


def _with_renewal(clinic: int, wanted: Broadcast) -> Select[Any]:
    n, r = renewal.c, recipient.c
    query = (
        select(n.recipient, n.id, n.due_on)
        .join(recipient, (r.clinic == n.clinic) & (r.id == n.recipient))
        .where(n.clinic == clinic, n.status == renewals.OPEN, r.kind == TYPES[wanted.type].kind.value)
    )
    if wanted.starts_from:
        query = query.where(n.due_on >= renewals.day_of(wanted.starts_from, wanted.zone))
    if wanted.starts_until:
        query = query.where(n.due_on < renewals.day_of(wanted.starts_until, wanted.zone))
    return query


def _with_birthday(clinic: int, wanted: Broadcast) -> tuple[Select[Any], dict[int, int]]:
    """Whose birthday it is, and the years of the days: a broadcast without days is about none."""
    r = recipient.c
    days: dict[int, int] = {}
    if wanted.starts_from and wanted.starts_until:
        first = renewals.day_of(wanted.starts_from, wanted.zone)
        days = renewals.birthdays_between(first, renewals.day_of(wanted.starts_until, wanted.zone))
    day = extract("month", r.birth_date) * 100 + extract("day", r.birth_date)
    query = select(r.id, day.label("day")).where(
        r.clinic == clinic,
        r.kind == TYPES[wanted.type].kind.value,
        r.birth_date.is_not(None),
        day.in_(list(days)),
    )
    return query, days


def _with_appointment(clinic: int, wanted: Broadcast) -> Select[Any]:
    a = appointment.c
    person = a.staff if TYPES[wanted.type].kind is RecipientKind.STAFF else a.client
    query = select(person.label("person"), a.id, a.starts_at).where(
        a.clinic == clinic, person.is_not(None), a.status == "booked"
    )
    if wanted.starts_from:
        query = query.where(a.starts_at >= wanted.starts_from)
    if wanted.starts_until:
        query = query.where(a.starts_at < wanted.starts_until)
    return query


def _everyone(
    conn: Connection, clinic: int, wanted: Broadcast, after: int, most: int, only_new: bool
) -> list[Candidate]:
    query = _people(clinic, wanted)
    id = query.selected_columns[0]
    if only_new:
        query = query.where(_without_message(clinic, wanted, id))
    page = query.where(id > after).order_by(id).limit(most)
    return [(row.id, 0, None) for row in conn.execute(page).all()]


def _by_birthday(
    conn: Connection, clinic: int, wanted: Broadcast, after: int, most: int, only_new: bool
) -> list[Candidate]:
    query, years = _with_birthday(clinic, wanted)
    id = recipient.c.id
    if only_new:
        query = query.where(_without_message(clinic, wanted, id))
    rows = conn.execute(query.where(id > after).order_by(id).limit(most)).all()
    return [(row.id, -years[row.day], None) for row in rows]


def _by_renewal(
    conn: Connection, clinic: int, wanted: Broadcast, after: Position | None, most: int, only_new: bool
) -> list[Candidate]:
    n = renewal.c
    query = _with_renewal(clinic, wanted)
    if only_new:
        query = query.where(_without_message(clinic, wanted, n.recipient, n.id))
    if after and after[0]:
        query = query.where(
            tuple_(n.due_on, n.id) > tuple_(literal(after[0].date(), Date), literal(after[1], BigInteger))
        )
    rows = conn.execute(query.order_by(n.due_on, n.id).limit(most)).all()
    return [(person, about, datetime.combine(day, time(), UTC)) for person, about, day in rows]


def _by_appointment(
    conn: Connection, clinic: int, wanted: Broadcast, after: Position | None, most: int, only_new: bool
) -> list[Candidate]:
    a = appointment.c
    query = _with_appointment(clinic, wanted)
    if only_new:
        query = query.where(_without_message(clinic, wanted, query.selected_columns[0], a.id))
    if after and after[0]:
        query = query.where(
            tuple_(a.starts_at, a.id) > tuple_(literal(after[0], Instant), literal(after[1], BigInteger))
        )
    rows = conn.execute(query.order_by(a.starts_at, a.id).limit(most)).all()
    return [(person, about, moment) for person, about, moment in rows]


def audience_size(conn: Connection, clinic: int, wanted: Broadcast) -> int:
    """How many recipients a broadcast is about."""
    match TYPES[wanted.type].audience:
        case Audience.APPOINTMENTS:
            query = _with_appointment(clinic, wanted)
        case Audience.RENEWALS:
            query = _with_renewal(clinic, wanted)
        case Audience.BIRTHDAYS:
            query = _with_birthday(clinic, wanted)[0]
        case _:
            query = _people(clinic, wanted)
    return int(conn.execute(select(func.count()).select_from(query.subquery())).scalar_one())


def add_messages(
    conn: Connection, clinic: int, number: int, planned: Sequence[Planned], now: datetime
) -> bool:
    """Write a page of the plan; a page written before (a plan resumed) changes nothing.

    False when the broadcast was cancelled meanwhile: then nothing is written.
    """
    order = select(_b.state, _b.bundle).where(_b.clinic == clinic, _b.id == number)
    state, bundle = conn.execute(order.with_for_update()).one()
    if state == CANCELLED:
        return False
    planned = _as_they_are(conn, clinic, planned)
    changed = _changed(conn, clinic, planned)
    if planned and bundle:
        _write_bundles(conn, clinic, number, planned, now)
    elif planned:
        _write(conn, clinic, number, planned, now)
    visits.follow(conn, clinic, changed, now)
    return True


# Whoever moves one of them from now on waits, and finds the messages that are being written.
_AS_THEY_ARE_NOW = (
    select(_a.id, _a.starts_at, _a.status)
    .where(_a.clinic == bindparam("c"), among(_a.id, "ids"))
    .order_by(_a.id)
    .with_for_update(read=True)
)


def _changed(conn: Connection, clinic: int, planned: Sequence[Planned]) -> list[int]:
    """The appointments that moved, will not be, or stand again since the page was read."""
    seen = {item.visit.id: (item.visit.starts_at, item.visit.status) for item in planned if item.visit}
    if not seen:
        return []
    rows = conn.execute(_AS_THEY_ARE_NOW, {"c": clinic, "ids": list(seen)})
    return [id for id, starts_at, status in rows if (starts_at, status) != seen[id]]


def _as_they_are(conn: Connection, clinic: int, planned: Sequence[Planned]) -> Sequence[Planned]:
    """The same for clients who became others since the page was read."""
    people = {item.recipient for item in planned} | {who for item in planned for who, _ in item.members}
    became = merging.who_they_became(conn, clinic, people)
    if not became:
        return planned
    return [
        item._replace(
            recipient=became.get(item.recipient, item.recipient),
            members=tuple((became.get(who, who), visit) for who, visit in item.members),
        )
        for item in planned
    ]


def _write_bundles(
    conn: Connection, clinic: int, number: int, planned: Sequence[Planned], now: datetime
) -> None:
    """Those that lead first: the others get a message of their own only if none tells of them."""
    _write(conn, clinic, number, _not_taken(conn, clinic, number, [p for p in planned if not p.is_led]), now)
    pairs = [Together((p.recipient, p.appointment), one, p.step) for p in planned for one in p.members]
    bundles.add(conn, clinic, number, pairs)
    _write(conn, clinic, number, _not_taken(conn, clinic, number, [p for p in planned if p.is_led]), now)


def _not_taken(conn: Connection, clinic: int, number: int, planned: Sequence[Planned]) -> list[Planned]:
    page = {((item.recipient, item.appointment), item.step) for item in planned}
    taken = bundles.taken(conn, clinic, number, page)
    return [item for item in planned if ((item.recipient, item.appointment), item.step) not in taken]


def _write(conn: Connection, clinic: int, number: int, planned: Sequence[Planned], now: datetime) -> None:
    if not planned:
        return
    first = ids.take(conn, clinic, "message", len(planned))
    values = {"c": clinic, "number": number, "now": now, "planned": list(_rows(planned, first))}
    added = conn.execute(_ADDING[conn.dialect.name], values).rowcount
    judged = [(id, item.judged) for id, item in enumerate(planned, first) if item.judged]
    if added < len(planned):
        # A recipient who has their message keeps it, with the verdict that planned it.
        new = verdicts.those_there(conn, clinic, [id for id, _ in judged])
        judged = [(id, one) for id, one in judged if id in new]
    verdicts.add(conn, clinic, verdicts.PLAN, judged)


def _rows(planned: Sequence[Planned], first: int) -> Iterator[tuple[Any, ...]]:
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
            item.step,
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
    step=Integer,
)


def _adding(insert: Any) -> Any:
    same: dict[str, Any] = {
        "clinic": bindparam("c", type_=Integer),
        "broadcast": bindparam("number", type_=BigInteger),
        "updated_at": bindparam("now", type_=Instant),
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
    rows = conn.execute(orders(clinic).where(_b.state == PLANNING, _b.created_at < before)).mappings()
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
    rows = conn.execute(orders(clinic).order_by(_b.id.desc())).mappings()
    return [(as_broadcast(row), counts.get(row["id"], {})) for row in rows]


def find(conn: Connection, clinic: int, number: int) -> Broadcast | None:
    """One broadcast, None when there is none such."""
    row = conn.execute(orders(clinic).where(_b.id == number)).mappings().first()
    return as_broadcast(row) if row else None
