"""Recipients and appointments as imports and staff write them: many rows at once, in few statements."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import (
    Connection,
    Date,
    Text,
    and_,
    bindparam,
    case,
    func,
    null,
    or_,
    select,
    update,
)

from gateway.domain import Party, Purpose, RecipientKind, ReplyKind, Source
from store import finding, ids, invitations, ledger, merging, people, visits
from store.batch import Rows, among
from store.ledger import Entry
from store.people import IMPORT, Person, Visit
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
    saved: list[int] = []
    for chunk in _chunks(_as_kept(conn, clinic, list(rows))):
        found = _save_recipients(conn, clinic, chunk)
        numbered = [(found[_key(person)], person) for person in chunk]
        _save_contacts(conn, clinic, dict(numbered))
        ledger.add(conn, clinic, _new_entries(conn, clinic, numbered), now)
        finding.refresh(conn, clinic, [number for number, _ in numbered])
        saved += (number for number, _ in numbered)
        told(len(chunk))
    return saved


def _as_kept(conn: Connection, clinic: int, rows: list[Person]) -> list[Person]:
    """The rows with clients who became another under that one's id.

    Where the file has a row of that one, too, it counts alone, but for what the other takes back.
    """
    gone: dict[Key, str] = {}
    for chunk in _chunks(rows):
        found = merging.kept(conn, clinic, {_key(person) for person in chunk})
        gone |= {key: other for key, (_, other) in found.items()}
    if not gone:
        return rows
    people = {_key(person): person for person in rows if _key(person) not in gone}
    for person in rows:
        if (other := gone.get(_key(person))) is not None:
            same = replace(person, external_id=other)
            people[_key(same)] = _with_refusals(people.get(_key(same), same), same)
    return list(people.values())


def _with_refusals(person: Person, same: Person) -> Person:
    return replace(
        person,
        consent=False if same.consent is False else person.consent,
        contact_consent=False if same.contact_consent is False else person.contact_consent,
        shares=False if same.shares is False else person.shares,
    )


def save_visit(conn: Connection, clinic: int, visit: Visit) -> bool:
    """Add or update an appointment by its external id; False when the client or staff is not known."""
    return not save_visits(conn, clinic, [visit])


def save_visits(
    conn: Connection,
    clinic: int,
    rows: Collection[Visit],
    told: Told = _nobody,
    calendars_at: datetime | None = None,
    now: datetime | None = None,
) -> list[Visit]:
    """Add or update appointments by external id; returns those whose client or staff is not known.

    `calendars_at`: calendars that got an appointment by mail are mailed when it moves or is cancelled. `now`:
    messages that wait for one that does are judged again.
    """
    unknown: list[Visit] = []
    for chunk in _chunks(list(rows)):
        known = numbers(conn, clinic, {key for visit in chunk for key in _people_of(visit)})
        good = [visit for visit in chunk if _people_of(visit) <= known.keys()]
        unknown += (visit for visit in chunk if not _people_of(visit) <= known.keys())
        before = invitations.known(conn, clinic, good) if calendars_at or now else {}
        first = ids.take(conn, clinic, "appointment", len(good)) if good else 0
        values = [_visit_row(clinic, id, visit, known) for id, visit in enumerate(good, first)]
        if values:
            conn.execute(_SAVE_VISIT[conn.dialect.name], values)
        if now:
            visits.follow(conn, clinic, visits.changed(before, values), now)
        if calendars_at:
            invitations.tell(conn, clinic, before, good, calendars_at)
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
        # A file without a column takes nothing away.
        | {"birth_date": func.coalesce(bindparam("new_birth_date", type_=Date), _r.birth_date)}
        | {"region": func.coalesce(bindparam("new_region", type_=Text), _r.region)}
        | {"contact_name": func.coalesce(bindparam("new_contact_name", type_=Text), _r.contact_name)}
    )
)


def numbers(conn: Connection, clinic: int, keys: Collection[Key]) -> dict[Key, int]:
    """The numbers of these people, of those who are known."""
    rows = conn.execute(_NUMBERS, {"c": clinic, "wanted": [list(key) for key in keys]}) if keys else ()
    found = {(kind, external_id): number for kind, external_id, number in rows}
    if len(found) < len(keys):
        left = [key for key in keys if key not in found]
        found |= {key: number for key, (number, _) in merging.kept(conn, clinic, left).items()}
    return found


def _save_recipients(conn: Connection, clinic: int, chunk: Sequence[Person]) -> dict[Key, int]:
    latest = {_key(person): person for person in chunk}
    known = numbers(conn, clinic, latest.keys())
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
        "birth_date": person.birth_date,
        "region": person.region,
        "contact_name": person.contact_name,
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
_MOVE = (
    update(contact)
    .where(_k.clinic == bindparam("c"), _k.id == bindparam("i"))
    .values(address=bindparam("new_address"))
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
    select(_s.recipient, _s.given, _s.channel, _s.address, _s.source, _s.at, _s.party)
    .where(
        _s.clinic == bindparam("c"),
        among(_s.recipient, "people"),
        _s.purpose == bindparam("purpose"),
    )
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
    ledger.hold(conn, clinic)
    newest, told, own, general = _ledger(conn, clinic, [number for number, _ in chunk], Purpose.MESSAGING)
    opted_out = _opted_out(conn, clinic, chunk)
    entries = []
    for number, person in dict(chunk).items():
        for party, given in ((Party.CLIENT, person.consent), (Party.CONTACT, person.contact_consent)):
            who = number, party
            words = [said[who] for said in (own, general) if who in said]
            if given is not None and _is_news(given, newest.get(who), told.get(who), words):
                entries.append(Entry(number, given, IMPORT, party=party))
        theirs = [own[number, party] for party in Party if (number, party) in own]
        asked = max((opted_out[a] for a in _addresses_of(person) if a in opted_out), default=None)
        # Whoever gets an address from which somebody opted out is not contacted until they say so.
        if asked is not None and all(word.at < asked for word in theirs):
            entries.append(Entry(number, False, Source.SHARED_ADDRESS))
    return entries + _about_family(conn, clinic, chunk)


def _about_family(conn: Connection, clinic: int, chunk: Sequence[tuple[int, Person]]) -> list[Entry]:
    """What rows say of sharing with others at one address: for whoever is told, client or contact."""
    asked = {number: person.shares for number, person in chunk if person.shares is not None}
    if not asked:
        return []
    newest, told, own, general = _ledger(conn, clinic, list(asked), Purpose.FAMILY)
    entries = []
    for number, given in asked.items():
        last = [(newest.get((number, party)), told.get((number, party))) for party in Party]
        words = [said[number, party] for said in (own, general) for party in Party if (number, party) in said]
        if any(_is_news(given, *one, words) for one in last):
            entries.append(Entry(number, given, IMPORT, purpose=Purpose.FAMILY))
    return entries


def _is_news(given: bool, newest: Any, told: Any, words: Iterable[Any]) -> bool:
    """Whether a row's consent is to be written down.

    `told`: what an import last wrote; a file that says "no" every day says it once. `words`: the newest that
    no import wrote, and the newest of these about everything: who stopped all of it and then allowed texts
    has not allowed the rest again.
    """
    known = newest is not None and people.speaks_of_all(newest) and newest.given == given
    refused_before = told is not None and not told.given
    if not given:
        return not known and not refused_before
    # After a "no" of the file it is written even if known: the next "no" is then a change.
    return all(word.given for word in words) and (refused_before or not known)


# By number and party.
Words = dict[tuple[int, Party], Any]


def _ledger(
    conn: Connection, clinic: int, numbers: list[int], purpose: Purpose
) -> tuple[Words, Words, Words, Words]:
    """Of each the newest entry, the newest of an import, of no import, and of these about everything."""
    newest: Words = {}
    told: Words = {}
    own: Words = {}
    general: Words = {}
    for entry in conn.execute(_LEDGER, {"c": clinic, "people": numbers, "purpose": purpose.value}):
        for party in (Party(entry.party),) if entry.party else Party:
            newest[entry.recipient, party] = entry
            if entry.source == IMPORT:
                told[entry.recipient, party] = entry
            else:
                own[entry.recipient, party] = entry
                if people.speaks_of_all(entry):
                    general[entry.recipient, party] = entry
    return newest, told, own, general


def _opted_out(conn: Connection, clinic: int, chunk: Sequence[tuple[int, Person]]) -> dict[str, datetime]:
    """When somebody last opted out from each of the addresses."""
    addresses = sorted({address for _, person in chunk for address in _addresses_of(person)})
    rows = conn.execute(_OPTED_OUT, {"c": clinic, "addresses": [[one] for one in addresses]})
    found = {row[0]: row[1] for row in rows}
    return found | ledger.words_against(conn, clinic, addresses)


def _addresses_of(person: Person) -> set[str]:
    return {*person.details.values(), *person.messaging.values()}


# --- appointments ---


def _saving_visit(insert: Any) -> Any:
    a = appointment.c
    adding = insert(appointment)
    new = {name: adding.excluded[name] for name in ("client", "staff", "starts_at", "service", "clinician")}
    # What the patient said was said of the old time, by whose it was then. Until the practice's own program
    # knows of it, its file still says "booked".
    moved = or_(a.starts_at != adding.excluded.starts_at, a.client != adding.excluded.client)
    cancelled = and_(a.cancelled_at.is_not(None), ~moved, adding.excluded.status == "booked")
    new["status"] = case((cancelled, a.status), else_=adding.excluded.status)
    new |= {name: case((moved, null()), else_=a[name]) for name in ("confirmed_at", "cancelled_at")}
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
