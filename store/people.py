"""Recipients, their contacts, consents and appointments, as imports and staff write them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, select, update

from gateway.domain import Channel, RecipientKind, ReplyKind
from store import ids
from store.schema import appointment, consent, contact, recipient, reply
from store.upsert import insert_into


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient as an import row gives it. `consent` None: the row says nothing about it."""

    kind: RecipientKind
    external_id: str
    given_name: str
    family_name: str
    language: str
    zone: str | None = None
    preferred: Channel | None = None
    use_details: bool = True
    details: Mapping[Channel, str] = field(default_factory=dict)
    messaging: Mapping[Channel, str] = field(default_factory=dict)
    consent: bool | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """An appointment as an import row gives it, with the external ids of client and staff."""

    external_id: str
    client: str
    staff: str | None
    starts_at: datetime
    service: str
    clinician: str
    status: str = "booked"


def save_person(conn: Connection, clinic: int, person: Person, now: datetime) -> int:
    """Add or update a recipient by kind and external id, with contacts; returns its number.

    Consent is only ever added to the ledger, and only when it differs from what the ledger says; a
    withdrawal made since the last import is never undone by a row that still says "yes", nor by the same
    address in another row.
    """
    values = {
        "given_name": person.given_name,
        "family_name": person.family_name,
        "language": person.language,
        "zone": person.zone,
        "preferred": person.preferred.value if person.preferred else None,
        "use_details": person.use_details,
    }
    known = _id_of(conn, clinic, person.kind, person.external_id)
    if known is None:
        number = ids.take(conn, clinic, "recipient")
        key = {
            "clinic": clinic,
            "id": number,
            "kind": person.kind.value,
            "external_id": person.external_id,
        }
        conn.execute(recipient.insert(), key | values)
    else:
        number = known
        where = (recipient.c.clinic == clinic, recipient.c.id == number)
        conn.execute(update(recipient).where(*where).values(values))
    for origin, addresses in (("details", person.details), ("messaging", person.messaging)):
        _save_contacts(conn, clinic, number, origin, addresses)
    if person.consent is not None:
        _import_consent(conn, clinic, number, person.consent, now)
    _heed_opt_outs(conn, clinic, number, {*person.details.values(), *person.messaging.values()}, now)
    return number


def _id_of(conn: Connection, clinic: int, kind: RecipientKind, external_id: str) -> int | None:
    r = recipient.c
    return conn.execute(
        select(r.id).where(r.clinic == clinic, r.kind == kind.value, r.external_id == external_id)
    ).scalar()


def _save_contacts(
    conn: Connection, clinic: int, person: int, origin: str, addresses: Mapping[Channel, str]
) -> None:
    k = contact.c
    where = (k.clinic == clinic, k.recipient == person, k.origin == origin)
    old = {row.channel: row for row in conn.execute(select(k.id, k.channel, k.address).where(*where))}
    for name in old.keys() - {channel.value for channel in addresses}:
        conn.execute(contact.delete().where(k.clinic == clinic, k.id == old[name].id))
    for channel, address in addresses.items():
        before = old.get(channel.value)
        if before is None:
            _add_contact(conn, clinic, person, origin, channel, address)
        elif before.address != address:
            changed = update(contact).where(k.clinic == clinic, k.id == before.id)
            conn.execute(changed.values(address=address, bad_cause=None))


def _add_contact(
    conn: Connection, clinic: int, person: int, origin: str, channel: Channel, address: str
) -> None:
    conn.execute(
        contact.insert(),
        {
            "clinic": clinic,
            "id": ids.take(conn, clinic, "contact"),
            "recipient": person,
            "channel": channel.value,
            "origin": origin,
            "address": address,
        },
    )


def _import_consent(conn: Connection, clinic: int, person: int, given: bool, now: datetime) -> None:
    newest = _newest_consent(conn, clinic, person)
    if newest is not None and _speaks_of_all(newest) and newest.given == given:
        return
    own = _own_word(conn, clinic, person)
    if not (given and own is not None and not own.given):
        add_consent(conn, clinic, [person], given, _IMPORT, now)


def _heed_opt_outs(
    conn: Connection, clinic: int, person: int, addresses: Collection[str], now: datetime
) -> None:
    """Whoever gets an address from which somebody opted out is not contacted until they say so."""
    r = reply.c
    opted_out = (r.clinic == clinic, r.address.in_(sorted(addresses)), r.kind == ReplyKind.OPT_OUT.value)
    asked = conn.execute(select(func.max(r.at)).where(*opted_out)).scalar() if addresses else None
    if asked is not None:
        own = _own_word(conn, clinic, person)
        if own is None or own.at < asked:
            add_consent(conn, clinic, [person], False, "address-opted-out", now)


_IMPORT = "import"


def _own_word(conn: Connection, clinic: int, person: int) -> Any:
    """The newest entry that no import wrote."""
    return _newest_consent(conn, clinic, person, consent.c.source != _IMPORT)


def _newest_consent(conn: Connection, clinic: int, person: int, *more: ColumnElement[bool]) -> Any:
    s = consent.c
    query = select(s.given, s.channel, s.address, s.source, s.at)
    newest = query.where(s.clinic == clinic, s.recipient == person, *more).order_by(s.id.desc()).limit(1)
    return conn.execute(newest).first()


def _speaks_of_all(entry: Any) -> bool:
    return entry.channel is None and entry.address is None


def add_consent(
    conn: Connection,
    clinic: int,
    people: Collection[int],
    given: bool,
    source: str,
    now: datetime,
    channel: Channel | None = None,
) -> None:
    """Append to the consent ledger, for all channels unless one is named."""
    first = ids.take(conn, clinic, "consent", len(people)) if people else 0
    rows: list[dict[str, Any]] = [
        {
            "clinic": clinic,
            "id": number,
            "recipient": person,
            "channel": channel.value if channel else None,
            "address": None,
            "purpose": "messaging",
            "given": given,
            "source": source,
            "at": now,
        }
        for number, person in enumerate(people, first)
    ]
    if rows:
        conn.execute(consent.insert(), rows)


def holders(conn: Connection, clinic: int, address: str) -> list[int]:
    """Everybody who has this address on any channel."""
    k = contact.c
    rows = conn.execute(select(k.recipient).distinct().where(k.clinic == clinic, k.address == address))
    return sorted(rows.scalars())


def save_visit(conn: Connection, clinic: int, visit: Visit) -> bool:
    """Add or update an appointment by its external id; False when the client or staff is not known."""
    client = _id_of(conn, clinic, RecipientKind.CLIENT, visit.client)
    staff = _id_of(conn, clinic, RecipientKind.STAFF, visit.staff) if visit.staff else None
    if client is None or (visit.staff and staff is None):
        return False
    values = {
        "client": client,
        "staff": staff,
        "starts_at": visit.starts_at,
        "service": visit.service,
        "clinician": visit.clinician,
        "status": visit.status,
    }
    insert = insert_into(conn, appointment).values(
        clinic=clinic, id=ids.take(conn, clinic, "appointment"), external_id=visit.external_id, **values
    )
    key = [appointment.c.clinic, appointment.c.external_id]
    conn.execute(insert.on_conflict_do_update(index_elements=key, set_=values))
    return True


def withdraw(
    conn: Connection, clinic: int, address: str, source: str, now: datetime, person: int | None = None
) -> int:
    """Withdraw consent, on every channel, of everybody who has this address; returns how many it was new for.

    `person`: who asked for it, where that is known; they may have another address by now. Whoever has
    withdrawn by themselves already is left as they are, so that the same key or word told twice is one entry.
    """
    asking = {*holders(conn, clinic, address)} | ({person} if person is not None else set())
    willing = [who for who in sorted(asking) if not _has_withdrawn(conn, clinic, who)]
    add_consent(conn, clinic, willing, False, source, now)
    return len(willing)


def _has_withdrawn(conn: Connection, clinic: int, person: int) -> bool:
    """By themselves: what an import withdrew, the next one may give again."""
    newest = _newest_consent(conn, clinic, person)
    return newest is not None and not newest.given and _speaks_of_all(newest) and newest.source != _IMPORT


def save_people(conn: Connection, clinic: int, rows: Collection[Person], now: datetime) -> None:
    """Add or update many recipients in one transaction: all of them or, after a crash, none."""
    for person in rows:
        save_person(conn, clinic, person, now)


def save_visits(conn: Connection, clinic: int, rows: Collection[Visit]) -> list[Visit]:
    """Add or update many appointments; returns those whose client or staff member is not known."""
    return [visit for visit in rows if not save_visit(conn, clinic, visit)]
