"""What staff do with the consent ledger: look, write down what somebody said, keep what they signed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import phonenumbers
from sqlalchemy import Connection

from gateway import policy
from gateway.domain import (
    BroadcastClass,
    Channel,
    ConsentEntry,
    Facts,
    Party,
    Purpose,
    RingwellError,
    Source,
    any_notice,
)
from gateway.policy import Refuse, Rules
from gateway.policy.bundle import shares
from gateway.policy.consent import standing
from store import documents, facts, ledger, merging, people
from store.documents import Document
from store.ledger import Bad, Entry, Line

# Numbers of a carrier's file that are looked up at once.
CHUNK = 1000
# Why somebody is told alone.
NOT_SHARED = "not-shared"
# Where a person says that somebody gave or took back their consent.
BY_HAND = (Source.FORM, Source.STAFF, Source.KEY, Source.TEXT, Source.EMAIL)


class ConsentError(RingwellError):
    """An entry cannot be written; the message says why."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a client, or their messaging contact, gives or withdraws; None: all of them, `party` both."""

    given: bool
    channel: Channel | None = None
    address: str | None = None
    purpose: Purpose = Purpose.MESSAGING
    party: Party | None = None
    source: Source = Source.FORM


@dataclass(frozen=True, slots=True)
class Signed:
    """A document that is kept already, under its hash."""

    sha256: str
    name: str
    media_type: str
    size: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Whether a client may be told something on a channel: the reason code where not."""

    channel: Channel
    address: str
    refused: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """All that the ledger says of a client.

    `marketing`: whether they may be told of that on a channel; `family`: whether one message may tell of them
    and of others at their address, of each channel that has one.
    """

    lines: Sequence[Line]
    documents: dict[int, Document]
    standings: Sequence[Standing]
    marketing: Sequence[Standing] = ()
    family: Sequence[Standing] = ()


def client(conn: Connection, clinic: int, external_id: str) -> int:
    """The number of a client; raises ConsentError."""
    found = merging.find(conn, clinic, external_id)
    if found is None:
        raise ConsentError(f"there is no client {external_id!r}")
    return found


def general(entries: Sequence[ConsentEntry]) -> str:
    """What entries about a client say of messages, over all channels: "given", "part", "withdrawn" or ""."""
    found = [standing(entries, channel, None, Party.CLIENT) for channel in Channel]
    said = [one for one in found if one is not None]
    if not said:
        return ""
    given = [one for one in said if one.given]
    return "withdrawn" if not given else "given" if len(given) == len(found) else "part"


def view(conn: Connection, clinic: int, external_id: str, rules: Rules, now: datetime) -> View:
    """The entries about a client, oldest first, and how things stand on each channel."""
    person = client(conn, clinic, external_id)
    lines = ledger.history(conn, clinic, person)
    named = {line.document for line in lines if line.document is not None}
    known = facts.load(conn, clinic, [(any_notice(Channel.EMAIL, now), person, 0)]).facts[0]
    standings = _standings(known, now, rules)
    offer = replace(known, broadcast=replace(known.broadcast, broadcast_class=BroadcastClass.MARKETING))
    family = [
        Standing(channel, contact.address, "" if shares(known, channel) else NOT_SHARED)
        for channel, contact in sorted(known.contacts.items())
    ]
    return View(lines, documents.find(conn, clinic, named), standings, _standings(offer, now, rules), family)


def _standings(known: Facts, now: datetime, rules: Rules) -> list[Standing]:
    found = []
    for channel in Channel:
        contact = known.contacts.get(channel)
        verdict = policy.decide(known, channel, None, now, rules)
        refused = verdict.reason if isinstance(verdict, Refuse) else ""
        found.append(Standing(channel, contact.address if contact else "", refused))
    return found


def write(
    conn: Connection, clinic: int, external_id: str, wish: Wish, signed: Signed | None, by: str, now: datetime
) -> int:
    """Write down a wish, with the document that says so; the document's number, 0 without one."""
    ledger.hold(conn, clinic)
    person = client(conn, clinic, external_id)
    document = None
    if signed is not None:
        kept = (signed.sha256, signed.name, signed.media_type, signed.size)
        document = documents.add(conn, clinic, person, *kept, by, now)
    scope = wish.channel, wish.address, wish.purpose, wish.party
    entries = [Entry(person, wish.given, wish.source, *scope, by, "", document)]
    if wish.given and wish.purpose is Purpose.MESSAGING:
        entries += _of_addresses(conn, clinic, person, wish, by)
    ledger.add(conn, clinic, entries, now)
    return document or 0


def _of_addresses(conn: Connection, clinic: int, person: int, wish: Wish, by: str) -> Iterator[Entry]:
    """What an address said before anybody had it is over when its owner agrees."""
    theirs = {wish.address} if wish.address else people.addresses(conn, clinic, person)
    for address in sorted(theirs):
        word = ledger.newest_word(conn, clinic, 0, address, wish.channel)
        if word is not None and not word.given:
            yield Entry(0, True, wish.source, wish.channel, address, by=by)


# --- addresses ---


def address_of(written: str, country: str) -> str:
    """A number or mailbox as the store writes it; raises ConsentError."""
    if "@" in written:
        return written.strip().lower()
    try:
        number = phonenumbers.parse(written, country)
    except phonenumbers.NumberParseException as error:
        raise ConsentError(
            f"{_hidden(written)} is neither a telephone number nor an email address"
        ) from error
    if not phonenumbers.is_possible_number(number):
        raise ConsentError(f"{_hidden(written)} is not a telephone number that can exist")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _hidden(written: str) -> str:
    return f"'…{written.strip()[-2:]}'"


_DIGITS = re.compile(r"\+?[\d ().-]{7,24}")


def numbers_in(lines: Iterable[str], country: str) -> Iterator[str]:
    """The numbers of a carrier's deactivation file: the first field of each line, in any usual spelling."""
    for line in lines:
        field = re.split(r"[,;|\t]", line.strip(), maxsplit=1)[0].strip().strip('"')
        if not _DIGITS.fullmatch(field):
            continue
        for spelling in (field, f"+{field}"):
            try:
                number = phonenumbers.parse(spelling, country)
            except phonenumbers.NumberParseException:
                continue
            if phonenumbers.is_valid_number(number):
                yield phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
                break


def deactivated(conn: Connection, clinic: int, numbers: Sequence[str], by: str, now: datetime) -> int:
    """Numbers that a carrier took away from whoever had them: those that clients have are used no longer.

    Only these: a number is given to somebody else later, who may become a client.
    """
    theirs = people.in_use(conn, clinic, numbers)
    bad = [Bad(None, number, Source.DEACTIVATED) for number in sorted(theirs)]
    return ledger.suppress(conn, clinic, bad, now, by)
