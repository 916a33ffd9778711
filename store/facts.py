"""Facts for decisions, read in pages: what `policy.decide` and `wording.compose` look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, select

from gateway.domain import (
    VOICEMAIL_LEFT,
    Appointment,
    Broadcast,
    BroadcastClass,
    Channel,
    ConsentEntry,
    Contact,
    DirectKind,
    Facts,
    MessageType,
    Occasion,
    Party,
    Recipient,
    RecipientKind,
    Then,
    any_notice,
)
from gateway.domain.message_types import TYPES, Audience
from gateway.domain.offsets import Timing, parse_offset
from gateway.domain.withdrawn import covering, still_withdrawn
from store import conversations, ids, ledger, lists, merging, people, renewals
from store.batch import among
from store.queue import Claimed
from store.schema import (
    appointment,
    attempt,
    broadcast,
    contact,
    message,
    recipient,
    rule,
)

_CHANNELS = {channel.value: channel for channel in Channel}
_r, _k, _a, _t = recipient.c, contact.c, appointment.c, attempt.c
_m = message.c
_KINDS = {kind.value: kind for kind in RecipientKind}


@dataclass(frozen=True, slots=True)
class Page:
    """Facts of many messages, with the number that the next consent entry had when they were read."""

    consent_as_of: int
    facts: list[Facts]


def load(conn: Connection, clinic: int, wanted: Sequence[tuple[Broadcast, int, int]]) -> Page:
    """The facts for each (broadcast, recipient id, appointment id or 0), in the same order.

    The ledger's position is read first: entries that come in between are then seen as newer, never missed.
    """
    as_of = ids.upcoming(conn, clinic, "consent")
    people = {r for _, r, _ in wanted}
    recipients, origins = _recipients(conn, clinic, people)
    if gone := people - recipients.keys():
        # Clients who became others while their message was on its way here.
        became = merging.who_they_became(conn, clinic, gone)
        wanted = [(order, became.get(person, person), about) for order, person, about in wanted]
        people = {r for _, r, _ in wanted}
        recipients, origins = _recipients(conn, clinic, people)
    contacts = _contacts(conn, clinic, origins)
    consents = _consents(conn, clinic, contacts)
    appointments = _appointments(conn, clinic, {a for _, _, a in wanted if a > 0})
    occasions = _occasions(conn, clinic, wanted)
    columns = lists.values(
        conn, clinic, {(order.custom_list, person) for order, person, _ in wanted if order.custom_list}
    )
    facts = [
        Facts(
            order,
            recipients[person],
            contacts[person],
            consents[person],
            appointments.get(about),
            occasion=occasions.get((order.id, person, about)),
            columns=columns.get((order.custom_list or 0, person), _NO_COLUMNS),
        )
        for order, person, about in wanted
    ]
    strangers = {known.recipient.id for known in facts if _is_anothers(known)}
    if strangers and merging.who_they_became(conn, clinic, strangers):
        # Merged since their names were read: whose it is now is the same person.
        return load(conn, clinic, wanted)
    return Page(as_of, facts)


def _is_anothers(known: Facts) -> bool:
    subject = known.appointment or known.occasion
    return subject is not None and not subject.is_of(known.recipient.id)


_NO_COLUMNS: Mapping[str, str] = {}


def _occasions(
    conn: Connection, clinic: int, wanted: Sequence[tuple[Broadcast, int, int]]
) -> dict[tuple[int, int, int], Occasion]:
    """The renewals and birthdays that messages are about, by (broadcast, recipient, its number)."""
    due = [one for one in wanted if TYPES[one[0].type].audience is Audience.RENEWALS]
    days = [one for one in wanted if TYPES[one[0].type].audience is Audience.BIRTHDAYS and one[2]]
    found = renewals.occasions(conn, clinic, {(about, order.zone) for order, _, about in due})
    born = renewals.birth_dates(conn, clinic, {person for _, person, _ in days})
    return {
        (order.id, person, about): found[about, order.zone]
        for order, person, about in due
        if (about, order.zone) in found
    } | {
        (order.id, person, about): renewals.birthday(born[person], -about, order.zone)
        for order, person, about in days
        if person in born
    }


# Nothing in it says anything about a text of none.
_NO_BROADCAST = any_notice(Channel.SMS, datetime.min.replace(tzinfo=UTC))


def load_directs(conn: Connection, clinic: int, claimed: Sequence[Claimed]) -> Page:
    """The facts of texts that belong to no broadcast, in the same order.

    An address that nobody has is a recipient without a name, whose own words are its consent.
    """
    as_of = ids.upcoming(conn, clinic, "consent")
    texts = conversations.directs(conn, clinic, [item.id for item in claimed])
    written = {item.address for item in claimed if texts[item.id].kind is DirectKind.STAFF}
    holders = {address: people.holders(conn, clinic, address) for address in written}
    known = {item.recipient for item in claimed if item.recipient}.union(*holders.values())
    recipients, origins = _recipients(conn, clinic, known)
    contacts = _contacts(conn, clinic, origins)
    visits = _appointments(conn, clinic, {item.appointment for item in claimed if item.appointment})
    consents = _consents(conn, clinic, contacts)
    about = ledger.of_addresses(conn, clinic, {item.address for item in claimed})
    found = []
    for item in claimed:
        # Who reads a text of staff to an address is any of those who have it.
        theirs = [recipients[one] for one in holders.get(item.address, ())]
        unwilling = (one for one in theirs if _withdrew(one, item.address, consents[one.id]))
        person = next(unwilling, recipients.get(item.recipient, _NOBODY))
        entries = consents.get(person.id, ())
        if person is _NOBODY:
            wish = conversations.last_wish(conn, clinic, item.address)
            entries = () if wish is None else (ConsentEntry(0, wish),)
        text = texts[item.id]
        if text.kind is DirectKind.VISIT:
            places, visit = contacts.get(item.recipient, {}), visits.get(item.appointment)
            found.append(Facts(_NO_BROADCAST, person, places, entries, visit, direct=text))
            continue
        channel = conversations.channel_to(item.address)
        if text.kind is DirectKind.ASK:
            # The doubt itself forbids no question about it, but a stop that came since then does, by any way.
            stopped = people.has_stopped(conn, clinic, item.address, channel, item.recipient or None)
            entries = (ConsentEntry(0, False),) if stopped else ()
        else:
            entries = _together(entries, [*about.get(item.address, ())])
        place = Contact(0, channel, item.address)
        found.append(Facts(_NO_BROADCAST, person, {channel: place}, entries, direct=text))
    return Page(as_of, found)


def _withdrew(person: Recipient, address: str, entries: Sequence[ConsentEntry]) -> bool:
    """Whether somebody, or who is told in their place, has withdrawn what would be written to an address."""
    channel = conversations.channel_to(address)
    return any(
        still_withdrawn(covering(entries, channel, address, party))
        for party in {Party.CLIENT, person.through}
    )


_NOBODY = Recipient(0, RecipientKind.CLIENT, "", "", "", None, None)


def voicemails(conn: Connection, clinic: int, messages: Collection[int]) -> dict[int, int]:
    """How many voicemails earlier attempts of these messages left."""
    left = among(_t.message, "ids"), _t.cause == VOICEMAIL_LEFT
    query = select(_t.message, func.count()).where(_t.clinic == bindparam("c"), *left).group_by(_t.message)
    return {row[0]: row[1] for row in conn.execute(query, {"c": clinic, "ids": list(messages)})}


def _by_ids(columns: Iterable[Any], id_column: Any) -> Any:
    clinic = id_column.table.c.clinic
    return select(*columns).where(clinic == bindparam("c"), among(id_column, "ids"))


_RECIPIENTS = _by_ids(
    [
        _r.id,
        _r.kind,
        _r.given_name,
        _r.family_name,
        _r.language,
        _r.zone,
        _r.preferred,
        _r.use_details,
        _r.region,
        _r.contact_name,
    ],
    _r.id,
)
_CONTACTS = _by_ids([_k.recipient, _k.origin, _k.id, _k.channel, _k.address], _k.recipient)
_APPOINTMENTS = _by_ids(
    [_a.id, _a.starts_at, _a.service, _a.clinician, _a.status, _a.confirmed_at, _a.client, _a.staff], _a.id
)


def _rows(conn: Connection, statement: Any, clinic: int, wanted: Collection[int]) -> Any:
    return conn.execute(statement, {"c": clinic, "ids": list(wanted)}).all() if wanted else ()


def _recipients(
    conn: Connection, clinic: int, people: Collection[int]
) -> tuple[dict[int, Recipient], dict[int, str]]:
    """Each recipient, and the origin of the contacts that count for them."""
    found, origins = {}, {}
    rows = _rows(conn, _RECIPIENTS, clinic, people)
    for id, kind, given, family, language, zone, preferred, details, region, contact_name in rows:
        wish = _CHANNELS[preferred] if preferred else None
        through = (Party.CLIENT, "") if details else (Party.CONTACT, contact_name or "")
        found[id] = Recipient(id, _KINDS[kind], given, family, language, zone, wish, region, *through)
        origins[id] = "details" if details else "messaging"
    return found, origins


def _contacts(conn: Connection, clinic: int, origins: Mapping[int, str]) -> dict[int, dict[Channel, Contact]]:
    found: dict[int, dict[Channel, Contact]] = {person: {} for person in origins}
    for person, origin, id, name, address in _rows(conn, _CONTACTS, clinic, origins):
        if origin == origins[person]:
            channel = _CHANNELS[name]
            found[person][channel] = Contact(id, channel, address)
    return found


def _consents(
    conn: Connection, clinic: int, contacts: Mapping[int, Mapping[Channel, Contact]]
) -> dict[int, tuple[ConsentEntry, ...]]:
    """The entries of each person and those about their addresses, oldest first."""
    theirs = ledger.of_people(conn, clinic, contacts)
    addresses = {place.address for places in contacts.values() for place in places.values()}
    about = ledger.of_addresses(conn, clinic, addresses)
    return {
        person: _together(
            theirs.get(person, ()),
            [one for place in places.values() for one in about.get(place.address, ())] if about else (),
        )
        for person, places in contacts.items()
    }


def _together(theirs: Sequence[ConsentEntry], about: Sequence[ConsentEntry]) -> tuple[ConsentEntry, ...]:
    return tuple(sorted({*theirs, *about}, key=_number)) if about else tuple(theirs)


def _number(entry: ConsentEntry) -> int:
    return entry.id


def _appointments(conn: Connection, clinic: int, wanted: Collection[int]) -> dict[int, Appointment]:
    rows = _rows(conn, _APPOINTMENTS, clinic, wanted)
    return {row[0]: Appointment(*row) for row in rows}


def broadcasts(conn: Connection, clinic: int, wanted: Collection[int]) -> dict[int, Broadcast]:
    """The broadcasts with these ids."""
    rows = conn.execute(orders(clinic).where(broadcast.c.id.in_(wanted))).mappings()
    return {row["id"]: as_broadcast(row) for row in rows}


def orders(clinic: int) -> Select[Any]:
    """The rows of a clinic's broadcasts, each with since when its rule is there."""
    b, u = broadcast.c, rule.c
    since = select(u.created_at).where(u.clinic == b.clinic, u.id == b.rule).scalar_subquery()
    return select(broadcast, since.label("rule_since")).where(b.clinic == clinic)


def as_broadcast(row: Any) -> Broadcast:
    """A broadcast from its row among `orders`."""
    return Broadcast(
        id=row["id"],
        name=row["name"],
        type=MessageType(row["type"]),
        broadcast_class=BroadcastClass(row["class"]),
        channel=_CHANNELS[row["channel"]],
        only_preference=row["only_preference"],
        send_at=row["send_at"],
        starts_from=row["starts_from"],
        starts_until=row["starts_until"],
        templates=row["templates"],
        state=row["state"],
        zone=row["zone"],
        custom_list=row["custom_list"],
        cascade=as_cascade(row["cascade"]),
        timing=as_timing(row["timing"]),
        rule=row["rule"],
        bundle=row["bundle"],
        rule_since=row["rule_since"],
        created_at=row["created_at"],
    )


def as_cascade(steps: Iterable[tuple[str, float | None]] | None) -> tuple[Then, ...]:
    """The steps of a cascade as a row keeps them: channel and seconds."""
    waits = [(channel, None if wait is None else timedelta(seconds=wait)) for channel, wait in steps or ()]
    return tuple(Then(_CHANNELS[channel], wait) for channel, wait in waits)


def cascade_row(steps: Iterable[Then]) -> list[tuple[str, float | None]] | None:
    """The same as a row keeps them; None where there is none."""
    return [(s.channel.value, None if s.after is None else s.after.total_seconds()) for s in steps] or None


def as_timing(kept: Mapping[str, Any] | None) -> Timing | None:
    """When messages go, from what is kept of it."""
    if not kept:
        return None
    following = kept.get("following")
    return Timing(
        parse_offset(kept["before"]),
        parse_offset(following) if following else None,
        bool(kept.get("business_days")),
    )


def timing_row(timing: Timing | None) -> dict[str, Any] | None:
    """What is kept of when messages go."""
    if timing is None:
        return None
    following = str(timing.following) if timing.following else None
    return {"before": str(timing.offset), "following": following, "business_days": timing.business_days}
