"""Recipients and appointments as an import gives them, and the consent ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import takewhile
from typing import Any

from sqlalchemy import Connection, Text, bindparam, case, select

from gateway.domain import Channel, Party, RecipientKind, Source
from gateway.domain.withdrawn import covering, still_withdrawn
from store import ledger
from store.batch import Rows, among
from store.ledger import Entry
from store.schema import contact, recipient


@dataclass(frozen=True, slots=True)
class Person:
    """A recipient as an import row gives it. `consent` None: the row says nothing about it.

    `messaging`, `contact_name` and `contact_consent` are those of the separate messaging contact. `shares`:
    whether others at the same address may be told of the visits, in one message about both.
    """

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
    birth_date: date | None = None
    region: str | None = None
    contact_name: str | None = None
    contact_consent: bool | None = None
    shares: bool | None = None


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


# The source of entries that a file brought: they never outweigh what somebody said themselves.
IMPORT = Source.IMPORT.value
# A withdrawal that may be meant for a visit alone (rules 1.7): one that is certain takes its place.
AMBIGUOUS = Source.AMBIGUOUS.value


def speaks_of_all(entry: Any) -> bool:
    """Whether an entry is about every channel and address."""
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
    """Append the same to the consent ledger for each of these people."""
    ledger.add(conn, clinic, [Entry(person, given, source, channel) for person in people], now)


def holders(conn: Connection, clinic: int, address: str) -> list[int]:
    """Everybody who has this address on any channel."""
    k = contact.c
    rows = conn.execute(select(k.recipient).distinct().where(k.clinic == clinic, k.address == address))
    return sorted(rows.scalars())


def addresses(conn: Connection, clinic: int, person: int) -> set[str]:
    """The addresses that somebody has."""
    k = contact.c
    return set(conn.execute(select(k.address).where(k.clinic == clinic, k.recipient == person)).scalars())


_asked = Rows("asked", address=Text)
_IN_USE = (
    select(contact.c.address)
    .distinct()
    .select_from(_asked.table)
    .join(contact, contact.c.address == _asked["address"])
    .where(contact.c.clinic == bindparam("c"))
)


def in_use(conn: Connection, clinic: int, wanted: Collection[str]) -> set[str]:
    """Those of the addresses that anybody has."""
    asked = [(address,) for address in wanted]
    return set(conn.execute(_IN_USE, {"c": clinic, "asked": asked}).scalars()) if asked else set()


def external_ids(conn: Connection, clinic: int, people: Collection[int]) -> dict[int, str]:
    """What the practice system calls these people."""
    r = recipient.c
    query = select(r.id, r.external_id).where(r.clinic == bindparam("c"), among(r.id, "people"))
    return {row[0]: row[1] for row in conn.execute(query, {"c": clinic, "people": list(people)})}


def language(conn: Connection, clinic: int, person: int) -> str | None:
    """The language that somebody is spoken to in."""
    r = recipient.c
    found = conn.execute(select(r.language).where(r.clinic == clinic, r.id == person)).scalar()
    return str(found) if found else None


def text_address(conn: Connection, clinic: int, external_id: str) -> str | None:
    """The number for texts of a client, by the id of the practice system."""
    r, k = recipient.c, contact.c
    origin = case((r.use_details, "details"), else_="messaging")
    query = (
        select(k.address)
        .join(recipient, (r.clinic == k.clinic) & (r.id == k.recipient))
        .where(r.clinic == clinic, r.kind == RecipientKind.CLIENT.value, r.external_id == external_id)
        .where(k.channel == Channel.SMS.value, k.origin == origin)
    )
    found = conn.execute(query).scalar()
    return str(found) if found else None


def withdraw(
    conn: Connection, clinic: int, address: str, source: str, now: datetime, person: int | None = None
) -> int:
    """Withdraw consent, on every channel, of everybody who has this address; returns how many it was new for.

    `person`: who asked for it, where that is known; they may have another address by now. Whoever has
    withdrawn by themselves already is left as they are, so that the same key or word told twice is one entry.
    Where nobody has the address, the entry is about the address itself.
    """
    # Whoever is being imported with this address is there when the ledger is ours.
    ledger.hold(conn, clinic)
    asking = _concerned(conn, clinic, address, person)
    willing = [word for word in asking if not _has_withdrawn(conn, clinic, word, source)]
    ledger.add(conn, clinic, [word.entry(False, source) for word in willing], now)
    return sum(word.person != 0 for word in willing)


def give_again(
    conn: Connection, clinic: int, address: str, channel: Channel, source: str, now: datetime
) -> int:
    """Consent on one channel of everybody who has this address and had withdrawn it; how many they were.

    Where several have it, what one of them withdrew elsewhere stays: it may be another who speaks.
    """
    ledger.hold(conn, clinic)
    theirs = _holders(conn, clinic, address)
    if len(theirs) > 1:
        heard = {*_FROM_ADDRESSES, source}
        theirs = [word for word in theirs if _withdrawn_by(conn, clinic, word.own(), channel) <= heard]
    # What was said before anybody had the address binds them, too.
    words = [_Word(0, address), *theirs]
    entries = [
        # As fine as what it takes back: a wider word would leave that as it is.
        replace(word.own().entry(True, source, channel), address=address if newest.address else None)
        for word in words
        if (newest := word.own().newest(conn, clinic, channel)) and not newest.given
    ]
    ledger.add(conn, clinic, entries, now)
    return sum(entry.recipient != 0 for entry in entries)


# How a withdrawal is written down that came from an address, whoever spoke there.
_FROM_ADDRESSES = (Source.TEXT, Source.KEY, Source.AMBIGUOUS, Source.SHARED_ADDRESS)


def _withdrawn_by(conn: Connection, clinic: int, word: _Word, channel: Channel) -> set[str]:
    """The sources of the withdrawals of somebody that hold on a channel."""
    entries = ledger.of_people(conn, clinic, [word.person]).get(word.person, [])
    said = covering(entries, channel, word.address, word.party or Party.CLIENT)
    return {entry.source for entry in still_withdrawn(said)}


def lift(conn: Connection, clinic: int, address: str, source: str, again: str, now: datetime) -> None:
    """Undo withdrawals of this source that nothing followed: they turned out to mean something else.

    What was given since the last withdrawal before is given again, each as it was and no wider.
    """
    ledger.hold(conn, clinic)
    doubted: dict[Entry, None] = {}
    for word in _holders(conn, clinic, address):
        for party in word.parties():
            doubt, *before = ledger.words_of(conn, clinic, word.person, address, party) or [None]
            if doubt is not None and not doubt.given and doubt.source == source:
                stood = takewhile(lambda one: one.given, before)
                doubted |= dict.fromkeys(_same(word.person, one, again) for one in reversed([*stood]))
    ledger.add(conn, clinic, list(doubted), now)


def _same(person: int, given: Any, source: str) -> Entry:
    """The same once more."""
    channel = Channel(given.channel) if given.channel else None
    party = Party(given.party) if given.party else None
    return Entry(person, True, source, channel, given.address, party=party)


def has_stopped(
    conn: Connection, clinic: int, address: str, channel: Channel, person: int | None = None
) -> bool:
    """Whether this person, or one with the address, has said for certain to want nothing on the channel."""
    for word in {_Word(0, address), *_concerned(conn, clinic, address, person)}:
        newest = word.own().newest(conn, clinic, channel)
        if newest is not None and not newest.given and newest.source not in (IMPORT, AMBIGUOUS):
            return True
    return False


@dataclass(frozen=True, slots=True)
class _Word:
    """Whose word something is that came from an address; person 0: nobody's we know, so the address's own."""

    person: int
    address: str
    party: Party | None = None

    def newest(self, conn: Connection, clinic: int, channel: Channel | None = None) -> Any:
        """The newest word of theirs."""
        return ledger.newest_word(conn, clinic, self.person, self.address, channel, self.party)

    def parties(self) -> Collection[Party | None]:
        """Whose word it is, each by itself."""
        return tuple(Party) if self.person and self.party is None else (self.party,)

    def own(self) -> _Word:
        """The same as the word of the client alone, where nobody is told instead of them."""
        return replace(self, party=self.party or Party.CLIENT) if self.person else self

    def entry(self, given: bool, source: str, channel: Channel | None = None) -> Entry:
        """Their word as an entry."""
        return Entry(
            self.person, given, source, channel, None if self.person else self.address, party=self.party
        )


def _concerned(conn: Connection, clinic: int, address: str, person: int | None) -> list[_Word]:
    """The words of everybody with the address, and the person's; the address's where there is nobody."""
    found = _holders(conn, clinic, address)
    if person and all(word.person != person for word in found):
        found.append(_Word(person, address))
    return found or [_Word(0, address)]


def _holders(conn: Connection, clinic: int, address: str) -> list[_Word]:
    """Everybody who has the address; where a messaging contact is told, it is one's word or the other's."""
    k, r = contact.c, recipient.c
    rows = conn.execute(
        select(k.recipient, k.origin, r.use_details)
        .join(recipient, (r.clinic == k.clinic) & (r.id == k.recipient))
        .where(k.clinic == clinic, k.address == address)
    )
    origins: dict[int, set[str]] = {}
    apart: set[int] = set()
    for who, origin, details in rows:
        origins.setdefault(who, set()).add(origin)
        if not details:
            apart.add(who)
    return [
        _Word(who, address, _PARTIES.get(tuple(origins[who])) if who in apart else None)
        for who in sorted(origins)
    ]


_PARTIES: dict[tuple[str, ...], Party] = {("details",): Party.CLIENT, ("messaging",): Party.CONTACT}


def _has_withdrawn(conn: Connection, clinic: int, word: _Word, source: str) -> bool:
    """By themselves, and as certainly: what an import withdrew, the next one may give again."""
    # A word of client and contact is new where it is for either.
    return all(
        _binds(replace(word, party=party).newest(conn, clinic), word, source) for party in word.parties()
    )


def _binds(newest: Any, word: _Word, source: str) -> bool:
    if newest is None or newest.given or newest.source == IMPORT:
        return False
    if word.person and not speaks_of_all(newest):
        return False
    return newest.source != AMBIGUOUS or source == AMBIGUOUS
