"""Calendars that got an appointment by mail, and the mails that tell them what became of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Text, bindparam, exists, literal_column, or_, select

from gateway.domain import DUE_STATES, Channel, Direct, DirectKind, State
from store import conversations
from store.batch import Rows, among
from store.people import Visit
from store.queue import in_states
from store.schema import appointment, contact, direct, message

_a, _d, _k, _m = appointment.c, direct.c, contact.c, message.c
_BOOKED = "booked"
_OVER = "completed"
_wanted = Rows("wanted", external_id=Text)
_BEFORE = (
    select(_a.external_id, _a.id, _a.starts_at, _a.status, _a.client, _a.staff)
    .select_from(_wanted.table)
    .join(appointment, _a.external_id == _wanted["external_id"])
    .where(_a.clinic == bindparam("c"))
)
# Through the addresses: what went to one is found by an index.
_MAILED = (
    select(_m.appointment, _m.recipient, _m.address)
    .distinct()
    .select_from(appointment)
    .join(contact, (_k.clinic == _a.clinic) & or_(_k.recipient == _a.client, _k.recipient == _a.staff))
    .join(message, (_m.clinic == _a.clinic) & (_m.address == _k.address))
    .where(
        _a.clinic == bindparam("c"),
        among(_a.id, "ids"),
        _k.channel == literal_column("'email'"),
        _m.channel == literal_column("'email'"),
        _m.started_at.is_not(None),
        _m.appointment == _a.id,
        _m.recipient == _k.recipient,
        in_states((State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN)),
    )
)
# One that waits will tell the newest truth.
_WAITING = select(
    exists().where(
        _m.clinic == bindparam("c"),
        _m.channel == literal_column("'email'"),
        in_states(DUE_STATES),
        _m.broadcast == 0,
        _m.appointment == bindparam("about"),
        _m.recipient == bindparam("person"),
        _d.clinic == _m.clinic,
        _d.message == _m.id,
        _d.kind == literal_column(f"'{DirectKind.VISIT}'"),
    )
)


class Before(NamedTuple):
    """An appointment as it is before an import: its number here, when it is, how it stands, whose it is."""

    id: int
    starts_at: datetime
    status: str
    client: int
    staff: int | None


Known = Mapping[str, Before]


def known(conn: Connection, clinic: int, visits: Sequence[Visit]) -> Known:
    """The appointments as they are before an import writes these rows, by external id."""
    wanted = [[visit.external_id] for visit in visits]
    rows = conn.execute(_BEFORE, {"c": clinic, "wanted": wanted})
    return {name: Before(*row) for name, *row in rows}


def tell(conn: Connection, clinic: int, before: Known, after: Sequence[Visit], now: datetime) -> int:
    """Queue a mail to each calendar whose appointment these rows moved or cancelled; how many."""
    useful = {number: until for number, until in _changed(before, after) if until > now}
    rows: Sequence[Any] = conn.execute(_MAILED, {"c": clinic, "ids": list(useful)}).all() if useful else ()
    count = 0
    for about, person, address in rows:
        if not conn.execute(_WAITING, {"c": clinic, "about": about, "person": person}).scalar():
            # Its words are made when it leaves, of what is true by then.
            text = Direct(DirectKind.VISIT, "", None, useful[about])
            args = (conn, clinic, Channel.EMAIL, address, person, text, "ringwell", now, about)
            conversations.queue_direct(*args)
            count += 1
    return count


def _changed(before: Known, after: Sequence[Visit]) -> list[tuple[int, datetime]]:
    """The number of each that is told of, and until when a calendar may show it in the wrong place."""
    found = []
    for visit in after:
        if visit.external_id not in before or visit.status == _OVER:
            continue
        number, starts_at, status, _, _ = before[visit.external_id]
        booked = visit.status == _BOOKED
        # A client who cancelled by reply is not told that a file still says "booked".
        if starts_at != visit.starts_at if booked else status == _BOOKED:
            found.append((number, max(starts_at, visit.starts_at)))
    return found
