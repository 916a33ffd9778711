"""Recipients and appointments as imports and staff write them: many rows at once, in few statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Text, bindparam, func, select, update

from gateway.domain import RecipientKind, ReplyKind
from store import ids, people
from store.batch import Rows, among
from store.people import IMPORT, Entry, Person, Visit
from store.schema import appointment, consent, contact, recipient, reply
from store.upsert import for_each_engine

_CHUNK = 1000

# A person as the outside knows them: kind and external id.
Key = tuple[str, str]
# Hears how many more rows are written; called in the thread that writes.
Told = Callable[[int], None]


def _nobody(count: int) -> None:
    """Hears nothing."""


def save_person(conn: Connection, clinic: int, person: Person, now: datetime) -> int:
    """Add or update one recipient; see `save_people`. Returns its number."""
    return save_people(conn, clinic, [person], now)[0]


def save_people(
    conn: Connection, clinic: int, rows: Collection[Person], now: datetime, told: Told = _nobody
) -> list[int]:
    """Add or update recipients by kind and external id, with contacts, in one transaction: all or none.

    Consent is only ever added to the ledger, and only when it differs from what the ledger says; a
    withdrawal made since the last import is never undone by a row that still says "yes". Returns numbers.
    """
    numbers: list[int] = []
    for chunk in _chunks(list(rows)):
        found = _save_recipients(conn, clinic, chunk)
        numbered = [(found[_key(person)], person) for person in chunk]
        _save_contacts(conn, clinic, dict(numbered))
        people.add_entries(conn, clinic, _new_entries(conn, clinic, numbered), now)
        numbers += (number for number, _ in numbered)
        told(len(chunk))
    return numbers


def save_visit(conn: Connection, clinic: int, visit: Visit) -> bool:
    """Add or update an appointment by its external id; False when the client or staff is not known."""
    return not save_visits(conn, clinic, [visit])


def save_visits(conn: Connection, clinic: int, rows: Collection[Visit], told: Told = _nobody) -> list[Visit]:
    """Add or update appointments by external id; returns those whose client or staff is not known."""
    unknown: list[Visit] = []
    for chunk in _chunks(list(rows)):
        known = _numbers(conn, clinic, {key for visit in chunk for key in _people_of(visit)})
        good = [visit for visit in chunk if _people_of(visit) <= known.keys()]
        unknown += (visit for visit in chunk if not _people_of(visit) <= known.keys())
        if good:
            first = ids.take(conn, clinic, "appointment", len(good))
            values = [_visit_row(clinic, id, visit, known) for id, visit in enumerate(good, first)]
            conn.execute(_SAVE_VISIT[conn.dialect.name], values)
        told(len(chunk))
    return unknown


def _chunks(rows: Sequence[Any]) -> Iterator[list[Any]]:
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        yield chunk


def _key(person: Person) -> Key:
    return person.kind.value, person.external_id


# --- recipients ---

_wanted = Rows("wanted", kind=Text, external_id=Text)
_r = recipient.c
_NUMBERS = (
    _wanted.select()
    .add_columns(_r.id)
    .join(recipient, (_r.kind == _wanted["kind"]) & (_r.external_id == _wanted["external_id"]))
    .where(_r.clinic == bindparam("c"))
)
_UPDATE = (
    update(recipient)
    .where(_r.clinic == bindparam("c"), _r.id == bindparam("i"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("given_name", "family_name", "language", "zone")}
        | {name: bindparam(f"new_{name}") for name in ("preferred", "use_details")}
    )
)


def _numbers(conn: Connection, clinic: int, keys: Collection[Key]) -> dict[Key, int]:
    rows = conn.execute(_NUMBERS, {"c": clinic, "wanted": [list(key) for key in keys]}) if keys else ()
    return {(kind, external_id): number for kind, external_id, number in rows}


def _save_recipients(conn: Connection, clinic: int, chunk: Sequence[Person]) -> dict[Key, int]:
    latest = {_key(person): person for person in chunk}
    known = _numbers(conn, clinic, latest.keys())
    fresh = [key for key in latest if key not in known]
    if changed := [_changes(clinic, known[key], latest[key]) for key in known]:
        conn.execute(_UPDATE, changed)
    if fresh:
        given = dict(zip(fresh, _taken(conn, clinic, "recipient", len(fresh)), strict=True))
        conn.execute(recipient.insert(), [_recipient_row(clinic, given[key], latest[key]) for key in fresh])
        known |= given
    return known


def _taken(conn: Connection, clinic: int, name: str, count: int) -> range:
    first = ids.take(conn, clinic, name, count)
    return range(first, first + count)


def _values(person: Person) -> dict[str, Any]:
    return {
        "given_name": person.given_name,
        "family_name": person.family_name,
        "language": person.language,
        "zone": person.zone,
        "preferred": person.preferred.value if person.preferred else None,
        "use_details": person.use_details,
    }


def _changes(clinic: int, number: int, person: Person) -> dict[str, Any]:
    new = {f"new_{name}": value for name, value in _values(person).items()}
    return {"c": clinic, "i": number, **new}


def _recipient_row(clinic: int, number: int, person: Person) -> dict[str, Any]:
    key = {"clinic": clinic, "id": number, "kind": person.kind.value, "external_id": person.external_id}
    return key | _values(person)


# --- contacts ---

_k = contact.c
_CONTACTS = select(_k.recipient, _k.origin, _k.channel, _k.id, _k.address).where(
    _k.clinic == bindparam("c"), among(_k.recipient, "people")
)
_DROP = contact.delete().where(_k.clinic == bindparam("c"), among(_k.id, "gone"))
# A new address is not the one that failed.
_MOVE = (
    update(contact)
    .where(_k.clinic == bindparam("c"), _k.id == bindparam("i"))
    .values(address=bindparam("new_address"), bad_cause=None)
)


def _save_contacts(conn: Connection, clinic: int, chunk: Mapping[int, Person]) -> None:
    """Make the contacts of these people what they say, and leave those that stay the same alone."""
    wanted = {
        (number, origin, channel.value): address
        for number, person in chunk.items()
        for origin, addresses in (("details", person.details), ("messaging", person.messaging))
        for channel, address in addresses.items()
    }
    rows = conn.execute(_CONTACTS, {"c": clinic, "people": list(chunk)}).all()
    old = {(person, origin, channel): (id, address) for person, origin, channel, id, address in rows}
    if gone := [old[key][0] for key in old.keys() - wanted.keys()]:
        conn.execute(_DROP, {"c": clinic, "gone": gone})
    moved = [(old[key][0], wanted[key]) for key in old.keys() & wanted.keys() if old[key][1] != wanted[key]]
    if moved:
        conn.execute(_MOVE, [{"c": clinic, "i": id, "new_address": address} for id, address in moved])
    _add_contacts(conn, clinic, {key: wanted[key] for key in wanted if key not in old})


def _add_contacts(conn: Connection, clinic: int, wanted: Mapping[tuple[int, str, str], str]) -> None:
    if wanted:
        numbered = zip(_taken(conn, clinic, "contact", len(wanted)), wanted.items(), strict=True)
        rows = [
            {
                "clinic": clinic,
                "id": id,
                "recipient": person,
                "origin": origin,
                "channel": channel,
                "address": address,
            }
            for id, ((person, origin, channel), address) in numbered
        ]
        conn.execute(contact.insert(), rows)


# --- consent ---

_s = consent.c
_LEDGER = (
    select(_s.recipient, _s.given, _s.channel, _s.address, _s.source, _s.at)
    .where(_s.clinic == bindparam("c"), among(_s.recipient, "people"))
    .order_by(_s.id)
)
_addresses = Rows("addresses", address=Text)
_OPTED_OUT = (
    select(reply.c.address, func.max(reply.c.at))
    .join(_addresses.table, reply.c.address == _addresses["address"])
    .where(reply.c.clinic == bindparam("c"), reply.c.kind == ReplyKind.OPT_OUT.value)
    .group_by(reply.c.address)
)


def _new_entries(conn: Connection, clinic: int, chunk: Sequence[tuple[int, Person]]) -> list[Entry]:
    people.hold_ledger(conn, clinic)
    newest, own = _ledger(conn, clinic, [number for number, _ in chunk])
    opted_out = _opted_out(conn, clinic, chunk)
    entries = []
    for number, person in dict(chunk).items():
        word = own.get(number)
        if person.consent is not None and _is_news(person.consent, newest.get(number), word):
            entries.append(Entry(number, person.consent, IMPORT))
        asked = max((opted_out[a] for a in _addresses_of(person) if a in opted_out), default=None)
        # Whoever gets an address from which somebody opted out is not contacted until they say so.
        if asked is not None and (word is None or word.at < asked):
            entries.append(Entry(number, False, "address-opted-out"))
    return entries


def _is_news(given: bool, newest: Any, own: Any) -> bool:
    """Whether a row's consent is to be written down; `own`: the newest word that no import wrote."""
    if newest is not None and people.speaks_of_all(newest) and newest.given == given:
        return False
    return not (given and own is not None and not own.given)


def _ledger(conn: Connection, clinic: int, numbers: list[int]) -> tuple[dict[int, Any], dict[int, Any]]:
    """The newest entry of each, and the newest that no import wrote."""
    newest: dict[int, Any] = {}
    own: dict[int, Any] = {}
    for entry in conn.execute(_LEDGER, {"c": clinic, "people": numbers}):
        newest[entry.recipient] = entry
        if entry.source != IMPORT:
            own[entry.recipient] = entry
    return newest, own


def _opted_out(conn: Connection, clinic: int, chunk: Sequence[tuple[int, Person]]) -> dict[str, datetime]:
    """When somebody last opted out from each of the addresses."""
    addresses = sorted({address for _, person in chunk for address in _addresses_of(person)})
    rows = conn.execute(_OPTED_OUT, {"c": clinic, "addresses": [[one] for one in addresses]})
    return {row[0]: row[1] for row in rows}


def _addresses_of(person: Person) -> set[str]:
    return {*person.details.values(), *person.messaging.values()}


# --- appointments ---


def _saving_visit(insert: Any) -> Any:
    a = appointment.c
    adding = insert(appointment)
    new = {
        name: adding.excluded[name]
        for name in ("client", "staff", "starts_at", "service", "clinician", "status")
    }
    return adding.on_conflict_do_update(index_elements=[a.clinic, a.external_id], set_=new)


_SAVE_VISIT = for_each_engine(_saving_visit)


def _people_of(visit: Visit) -> set[Key]:
    staff = {(RecipientKind.STAFF.value, visit.staff)} if visit.staff else set()
    return {(RecipientKind.CLIENT.value, visit.client)} | staff


def _visit_row(clinic: int, id: int, visit: Visit, known: Mapping[Key, int]) -> dict[str, Any]:
    return {
        "clinic": clinic,
        "id": id,
        "external_id": visit.external_id,
        "client": known[RecipientKind.CLIENT.value, visit.client],
        "staff": known[RecipientKind.STAFF.value, visit.staff] if visit.staff else None,
        "starts_at": visit.starts_at,
        "service": visit.service,
        "clinician": visit.clinician,
        "status": visit.status,
    }
