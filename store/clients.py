"""Clients as staff see and change them: rows of a list, one with all details, and what files cannot say."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, func, select, update

from gateway.domain import Channel, ConsentEntry, RecipientKind
from store import ledger, register
from store.batch import among
from store.people import Person
from store.schema import appointment, contact, document, merged, recipient, renewal

_a, _d, _g, _k, _n, _r = appointment.c, document.c, merged.c, contact.c, renewal.c, recipient.c
BOOKED = "booked"


@dataclass(frozen=True, slots=True)
class Row:
    """A client in a list: the entries of the ledger about them, and when they come next."""

    id: int
    external_id: str
    given_name: str
    family_name: str
    preferred: str | None
    entries: Sequence[ConsentEntry]
    next_visit: datetime | None


_ROWS = select(_r.id, _r.external_id, _r.given_name, _r.family_name, _r.preferred).where(
    _r.clinic == bindparam("c"), among(_r.id, "people")
)
_NEXT = (
    select(_a.client, func.min(_a.starts_at))
    .where(_a.clinic == bindparam("c"), among(_a.client, "people"))
    .where(_a.starts_at >= bindparam("now"), _a.status == BOOKED)
    .group_by(_a.client)
)


def rows(conn: Connection, clinic: int, people: Sequence[int], now: datetime) -> list[Row]:
    """These clients, in this order; a page of them."""
    of_these = {"c": clinic, "people": list(people)}
    known = {row.id: row for row in conn.execute(_ROWS, of_these)}
    visits = {row[0]: row[1] for row in conn.execute(_NEXT, {**of_these, "now": now})}
    said = ledger.of_people(conn, clinic, people)
    return [
        Row(*known[number], said.get(number, ()), visits.get(number)) for number in people if number in known
    ]


def find(conn: Connection, clinic: int, number: int) -> Person | None:
    """A client with all details; the consent in it says nothing."""
    mine = _r.clinic == clinic, _r.id == number, _r.kind == RecipientKind.CLIENT.value
    row = conn.execute(select(recipient).where(*mine)).first()
    if row is None:
        return None
    theirs = _k.clinic == clinic, _k.recipient == number
    found: dict[str, dict[Channel, str]] = {"details": {}, "messaging": {}}
    for origin, channel, address in conn.execute(select(_k.origin, _k.channel, _k.address).where(*theirs)):
        found[origin][Channel(channel)] = address
    return Person(
        RecipientKind.CLIENT,
        row.external_id,
        row.given_name,
        row.family_name,
        row.language,
        row.zone,
        Channel(row.preferred) if row.preferred else None,
        row.use_details,
        found["details"],
        found["messaging"],
        birth_date=row.birth_date,
        region=row.region,
        contact_name=row.contact_name,
    )


def became(conn: Connection, clinic: int, number: int) -> int | None:
    """The client that somebody with this number was made one with."""
    found = conn.execute(select(_g.recipient).where(_g.clinic == clinic, _g.gone == number)).scalar()
    return None if found is None else int(found)


def edit(conn: Connection, clinic: int, number: int, person: Person, now: datetime) -> int:
    """Save a client as an import does; what is empty is taken away, which no file can ask for."""
    saved = register.save_person(conn, clinic, person, now)
    empty = {name: None for name in ("birth_date", "region", "contact_name") if getattr(person, name) is None}
    if empty:
        conn.execute(update(recipient).where(_r.clinic == clinic, _r.id == number).values(empty))
    return saved


@dataclass(frozen=True, slots=True)
class Appointment:
    """A visit as it is shown; `confirmed_at` and `cancelled_at`: when the patient said so."""

    id: int
    external_id: str
    starts_at: datetime
    service: str
    clinician: str
    status: str
    confirmed_at: datetime | None
    cancelled_at: datetime | None


def appointments(conn: Connection, clinic: int, number: int, most: int) -> list[Appointment]:
    """The visits of a client, the latest first."""
    columns = (
        _a.id,
        _a.external_id,
        _a.starts_at,
        _a.service,
        _a.clinician,
        _a.status,
        _a.confirmed_at,
        _a.cancelled_at,
    )
    mine = _a.clinic == clinic, _a.client == number
    # Sorted here: with an order and a limit an engine would rather walk through everybody's.
    found = [Appointment(*row) for row in conn.execute(select(*columns).where(*mine))]
    return sorted(found, key=lambda one: (one.starts_at, one.id), reverse=True)[:most]


@dataclass(frozen=True, slots=True)
class Due:
    """An authorisation or licence of a client."""

    external_id: str
    name: str
    due_on: date
    status: str


def renewals(conn: Connection, clinic: int, number: int, most: int) -> list[Due]:
    """What falls due for a client, the latest first."""
    mine = _n.clinic == clinic, _n.recipient == number
    query = select(_n.external_id, _n.name, _n.due_on, _n.status).where(*mine)
    return [Due(*row) for row in conn.execute(query.order_by(_n.due_on.desc(), _n.id.desc()).limit(most))]


@dataclass(frozen=True, slots=True)
class Signed:
    """A document that a client signed."""

    id: int
    sha256: str
    name: str
    media_type: str
    bytes: int
    at: datetime
    by: str


_SIGNED: tuple[Any, ...] = (_d.id, _d.sha256, _d.name, _d.media_type, _d.bytes, _d.at, _d.by)


def documents(conn: Connection, clinic: int, number: int, most: int) -> list[Signed]:
    """What a client signed, the newest first."""
    mine = _d.clinic == clinic, _d.recipient == number
    return [
        Signed(*row) for row in conn.execute(select(*_SIGNED).where(*mine).order_by(_d.id.desc()).limit(most))
    ]
