"""Facts for decisions, read in pages: what `policy.decide` and `wording.compose` look at."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, func, select

from gateway.domain import (
    VOICEMAIL_LEFT,
    Appointment,
    Broadcast,
    BroadcastClass,
    Channel,
    ConsentEntry,
    Contact,
    Facts,
    MessageType,
    Recipient,
    RecipientKind,
)
from store import ids
from store.batch import among
from store.schema import appointment, attempt, broadcast, consent, contact, recipient

_CHANNELS = {channel.value: channel for channel in Channel}
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
    contacts = _contacts(conn, clinic, origins)
    consents = _consents(conn, clinic, people)
    appointments = _appointments(conn, clinic, {a for _, _, a in wanted if a})
    facts = [
        Facts(
            order,
            recipients[person],
            contacts[person],
            tuple(consents.get(person, ())),
            appointments.get(about),
        )
        for order, person, about in wanted
    ]
    return Page(as_of, facts)


def voicemails(conn: Connection, clinic: int, messages: Collection[int]) -> dict[int, int]:
    """How many voicemails earlier attempts of these messages left."""
    left = among(_t.message, "ids"), _t.cause == VOICEMAIL_LEFT
    query = select(_t.message, func.count()).where(_t.clinic == bindparam("c"), *left).group_by(_t.message)
    return {row[0]: row[1] for row in conn.execute(query, {"c": clinic, "ids": list(messages)})}


def _by_ids(columns: Iterable[Any], id_column: Any) -> Any:
    clinic = id_column.table.c.clinic
    return select(*columns).where(clinic == bindparam("c"), among(id_column, "ids"))


_r, _k, _s, _a, _t = recipient.c, contact.c, consent.c, appointment.c, attempt.c
_RECIPIENTS = _by_ids(
    [_r.id, _r.kind, _r.given_name, _r.family_name, _r.language, _r.zone, _r.preferred, _r.use_details], _r.id
)
_CONTACTS = _by_ids([_k.recipient, _k.origin, _k.id, _k.channel, _k.address, _k.bad_cause], _k.recipient)
_CONSENTS = _by_ids([_s.recipient, _s.id, _s.given, _s.channel, _s.address], _s.recipient).order_by(_s.id)
_APPOINTMENTS = _by_ids([_a.id, _a.starts_at, _a.service, _a.clinician, _a.status], _a.id)


def _rows(conn: Connection, statement: Any, clinic: int, wanted: Collection[int]) -> Any:
    return conn.execute(statement, {"c": clinic, "ids": list(wanted)}).all() if wanted else ()


def _recipients(
    conn: Connection, clinic: int, people: Collection[int]
) -> tuple[dict[int, Recipient], dict[int, str]]:
    """Each recipient, and the origin of the contacts that count for them."""
    found, origins = {}, {}
    rows = _rows(conn, _RECIPIENTS, clinic, people)
    for id, kind, given, family, language, zone, preferred, details in rows:
        wish = _CHANNELS[preferred] if preferred else None
        found[id] = Recipient(id, _KINDS[kind], given, family, language, zone, wish)
        origins[id] = "details" if details else "messaging"
    return found, origins


def _contacts(conn: Connection, clinic: int, origins: Mapping[int, str]) -> dict[int, dict[Channel, Contact]]:
    found: dict[int, dict[Channel, Contact]] = {person: {} for person in origins}
    for person, origin, id, name, address, bad_cause in _rows(conn, _CONTACTS, clinic, origins):
        if origin == origins[person]:
            channel = _CHANNELS[name]
            found[person][channel] = Contact(id, channel, address, bad_cause)
    return found


def _consents(conn: Connection, clinic: int, people: Collection[int]) -> dict[int, list[ConsentEntry]]:
    found: dict[int, list[ConsentEntry]] = {}
    for person, id, given, channel, address in _rows(conn, _CONSENTS, clinic, people):
        entry = ConsentEntry(id, given, _CHANNELS[channel] if channel else None, address)
        found.setdefault(person, []).append(entry)
    return found


def _appointments(conn: Connection, clinic: int, wanted: Collection[int]) -> dict[int, Appointment]:
    rows = _rows(conn, _APPOINTMENTS, clinic, wanted)
    return {row[0]: Appointment(*row) for row in rows}


def broadcasts(conn: Connection, clinic: int, wanted: Collection[int]) -> dict[int, Broadcast]:
    """The broadcasts with these ids."""
    rows = conn.execute(
        select(broadcast).where(broadcast.c.clinic == clinic, broadcast.c.id.in_(wanted))
    ).mappings()
    return {row["id"]: as_broadcast(row) for row in rows}


def as_broadcast(row: Any) -> Broadcast:
    """A broadcast from its row."""
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
    )
