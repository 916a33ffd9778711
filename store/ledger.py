"""The consent ledger: entries are added, never changed. What they mean is decided by the policy."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Text, and_, bindparam, literal_column, or_, select

from gateway.domain import (
    BAD_ADDRESS,
    NO_TEXTS_THERE,
    Channel,
    ConsentEntry,
    Party,
    Purpose,
    Source,
)
from store import agreed, ids
from store.batch import Rows, among
from store.outside import storable
from store.schema import consent, contact, merged, message

_s, _m = consent.c, message.c
_CHANNELS = {channel.value: channel for channel in Channel}
_PARTIES = {party.value: party for party in Party}
_PURPOSES = {purpose.value: purpose for purpose in Purpose}


@dataclass(frozen=True, slots=True)
class Entry:
    """A line for the ledger; no channel, address or party means all of them.

    Recipient 0: about the address itself, whoever has it. `cause`: what the network said. `key` and `at`: of
    an entry that was in a ledger before.
    """

    recipient: int
    given: bool
    source: str
    channel: Channel | None = None
    address: str | None = None
    purpose: Purpose = Purpose.MESSAGING
    party: Party | None = None
    by: str = ""
    cause: str = ""
    document: int | None = None
    key: str = ""
    at: datetime | None = None


def hold(conn: Connection, clinic: int) -> None:
    """Nobody else adds to the ledger until this transaction ends: what is read from now on holds."""
    ids.take(conn, clinic, "consent", 0)


def add(conn: Connection, clinic: int, entries: Sequence[Entry], now: datetime) -> None:
    """Append entries, in this order; what was refused for want of what they give is judged again."""
    if not entries:
        return
    first = ids.take(conn, clinic, "consent", len(entries))
    rows = [
        {
            "clinic": clinic,
            "id": number,
            "recipient": entry.recipient,
            "channel": entry.channel.value if entry.channel else None,
            "address": None if entry.address is None else storable(entry.address),
            "purpose": entry.purpose.value,
            "given": entry.given,
            "source": entry.source,
            "at": entry.at or now,
            "party": entry.party.value if entry.party else None,
            "by": storable(entry.by),
            "cause": storable(entry.cause),
            "document": entry.document,
            "key": entry.key or uuid.uuid4().hex,
        }
        for number, entry in enumerate(entries, first)
    ]
    conn.execute(consent.insert(), rows)
    words = [one for one in entries if one.given and one.purpose is Purpose.MESSAGING]
    given = {(one.recipient, one.channel) for one in words if one.recipient}
    at = {(one.address, one.channel) for one in words if one.address and not one.recipient}
    agreed.follow(conn, clinic, given, now, at)


# --- what facts are made of ---

_COLUMNS = (
    _s.id,
    _s.given,
    _s.channel,
    _s.address,
    _s.purpose,
    _s.source,
    _s.party,
    _s.document,
    _s.at,
)
_OF_PEOPLE = (
    select(_s.recipient, *_COLUMNS)
    .where(_s.clinic == bindparam("c"), among(_s.recipient, "ids"))
    .order_by(_s.id)
)
_asked = Rows("asked", address=Text)
# The words of the partial index.
_OF_AN_ADDRESS = _s.recipient == literal_column("0")
_OF_ADDRESSES = (
    select(*_COLUMNS)
    .select_from(_asked.table)
    .join(consent, _s.address == _asked["address"])
    .where(_s.clinic == bindparam("c"), _OF_AN_ADDRESS)
    .order_by(_s.id)
)


def of_people(conn: Connection, clinic: int, people: Collection[int]) -> dict[int, list[ConsentEntry]]:
    """The entries of each of these people, oldest first."""
    found: dict[int, list[ConsentEntry]] = {}
    rows = conn.execute(_OF_PEOPLE, {"c": clinic, "ids": list(people)}).all() if people else ()
    for person, *row in rows:
        found.setdefault(person, []).append(_entry(row, everyone=False))
    return found


def of_addresses(conn: Connection, clinic: int, addresses: Collection[str]) -> dict[str, list[ConsentEntry]]:
    """The entries about each of these addresses, oldest first; most have none."""
    found: dict[str, list[ConsentEntry]] = {}
    asked = [(address,) for address in addresses]
    for row in conn.execute(_OF_ADDRESSES, {"c": clinic, "asked": asked}) if asked else ():
        entry = _entry(row, everyone=True)
        found.setdefault(str(entry.address), []).append(entry)
    return found


def _entry(row: Sequence[Any], *, everyone: bool) -> ConsentEntry:
    number, given, channel, address, purpose, source, party, document, at = row
    return ConsentEntry(
        number,
        given,
        _CHANNELS[channel] if channel else None,
        address,
        _PURPOSES[purpose],
        source,
        _PARTIES[party] if party else None,
        everyone,
        document,
        at,
    )


# --- addresses that must not be used ---


@dataclass(frozen=True, slots=True)
class Bad:
    """An address that the network says must not be used on a channel, or on any."""

    channel: Channel | None
    address: str
    source: Source
    cause: str = ""


_ADDRESSES = select(_m.id, _m.channel, _m.address).where(_m.clinic == bindparam("c"), among(_m.id, "ids"))


def mark_bad(conn: Connection, clinic: int, messages: dict[int, str], now: datetime) -> None:
    """The addresses that these messages went to are bad, each for this cause."""
    rows = conn.execute(_ADDRESSES, {"c": clinic, "ids": list(messages)}).all() if messages else ()
    bad = []
    for number, name, address in rows:
        channel, cause = _CHANNELS[name], messages[number]
        bad.append(Bad(channel, address, _source(channel, cause), cause))
    suppress(conn, clinic, bad, now)


def _source(channel: Channel, cause: str) -> Source:
    if channel is Channel.EMAIL:
        return Source.BOUNCE
    return Source.NO_TEXTS if cause == NO_TEXTS_THERE else Source.INVALID


def suppress(conn: Connection, clinic: int, found: Sequence[Bad], now: datetime, by: str = "") -> int:
    """Write down addresses that are bad; those that are known to be so are left as they are. How many new."""
    if not found:
        return 0
    hold(conn, clinic)
    known = of_addresses(conn, clinic, {one.address for one in found})
    fresh = {
        (one.channel, one.address): one
        for one in found
        if not is_bad(known.get(one.address, ()), one.channel)
    }
    entries = [
        Entry(0, False, one.source, one.channel, one.address, by=by, cause=one.cause)
        for one in fresh.values()
    ]
    add(conn, clinic, entries, now)
    return len(entries)


def is_bad(entries: Sequence[ConsentEntry], channel: Channel | None) -> bool:
    """Whether the newest of the entries about an address that say so calls it bad on a channel, or on all."""
    about = [one for one in entries if one.source in BAD_ADDRESS and one.channel in (None, channel)]
    return bool(about) and not about[-1].given


# --- words that came from addresses of nobody we know ---

_NO_WORDS = BAD_ADDRESS | {Source.DO_NOT_CALL}
_WORDS = _s.source.not_in(sorted(source.value for source in _NO_WORDS))


def newest_word(
    conn: Connection,
    clinic: int,
    person: int,
    address: str,
    channel: Channel | None = None,
    party: Party | None = None,
) -> Any:
    """The newest entry of somebody about messages, on a channel or any; of 0: of the address itself."""
    query = _words(clinic, person, address, party)
    if channel is not None:
        query = query.where(or_(_s.channel.is_(None), _s.channel == channel.value))
    return conn.execute(query.order_by(_s.id.desc()).limit(1)).first()


def words_of(
    conn: Connection, clinic: int, person: int, address: str, party: Party | None = None
) -> Sequence[Any]:
    """All such entries, the newest first."""
    return conn.execute(_words(clinic, person, address, party).order_by(_s.id.desc())).all()


def _words(clinic: int, person: int, address: str, party: Party | None) -> Any:
    query = select(_s.given, _s.channel, _s.address, _s.source, _s.at, _s.party).where(
        _s.clinic == clinic, _s.recipient == person, _s.purpose == Purpose.MESSAGING.value
    )
    if person == 0:
        query = query.where(_OF_AN_ADDRESS, _s.address == address, _WORDS)
    else:
        query = query.where(or_(_s.address.is_(None), _s.address == address))
    return query if party is None else query.where(or_(_s.party.is_(None), _s.party == party.value))


def words_against(conn: Connection, clinic: int, addresses: Collection[str]) -> dict[str, datetime]:
    """Since when no messages are wanted at each of the addresses, in the words of nobody we know."""
    found = {}
    for address, entries in of_addresses(conn, clinic, addresses).items():
        words = [one for one in entries if one.source not in _NO_WORDS]
        if words and not words[-1].given and words[-1].at is not None:
            found[address] = words[-1].at
    return found


def changed(column: ColumnElement[int], address: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether the ledger grew since `as_of` by an entry about this recipient or this address."""
    since = _s.clinic == bindparam("c"), _s.id >= bindparam("as_of")
    about = select(_s.address).where(*since, _s.recipient == 0, _s.address.is_not(None))
    return or_(column.in_(select(_s.recipient).where(*since, _s.recipient != 0)), address.in_(about))


# --- the do-not-call list ---

_DO_NOT_CALL = _s.source == literal_column(f"'{Source.DO_NOT_CALL}'")


def do_not_call(
    conn: Connection,
    clinic: int,
    addresses: Collection[str],
    on: bool,
    by: str,
    since: datetime,
    now: datetime,
) -> int:
    """Put addresses on the list or take them off; how many that changed. Older than `since` is over."""
    hold(conn, clinic)
    known = of_addresses(conn, clinic, addresses)
    changing = [
        address for address in dict.fromkeys(addresses) if _is_listed(known.get(address, ()), since) is not on
    ]
    entries = [Entry(0, not on, Source.DO_NOT_CALL, None, address, by=by) for address in changing]
    add(conn, clinic, entries, now)
    return len(entries)


def _is_listed(entries: Sequence[ConsentEntry], since: datetime) -> bool:
    about = [one for one in entries if one.source == Source.DO_NOT_CALL]
    return bool(about) and not about[-1].given and (about[-1].at is None or about[-1].at > since)


@dataclass(frozen=True, slots=True)
class Listed:
    """An address on the do-not-call list: since when, and by whom."""

    address: str
    at: datetime
    by: str


def listed(conn: Connection, clinic: int, since: datetime) -> list[Listed]:
    """The do-not-call list, oldest first; entries from before `since` no longer bind."""
    query = select(_s.address, _s.given, _s.at, _s.by).where(
        _s.clinic == clinic, _OF_AN_ADDRESS, _DO_NOT_CALL
    )
    newest: dict[str, Any] = {}
    for row in conn.execute(query.order_by(_s.id)):
        newest.pop(row.address, None)
        newest[row.address] = row
    return [
        Listed(address, row.at, row.by) for address, row in newest.items() if not row.given and row.at > since
    ]


# --- what people see ---


@dataclass(frozen=True, slots=True)
class Line:
    """An entry as it is shown; `everyone`: about an address, whoever has it."""

    id: int
    at: datetime
    given: bool
    channel: str | None
    address: str | None
    purpose: str
    party: str | None
    source: str
    by: str
    cause: str
    document: int | None
    everyone: bool


_SHOWN = (
    _s.id,
    _s.at,
    _s.given,
    _s.channel,
    _s.address,
    _s.purpose,
    _s.party,
    _s.source,
    _s.by,
    _s.cause,
    _s.document,
)


def history(conn: Connection, clinic: int, who: int) -> list[Line]:
    """Every entry about somebody, those who became them, and their addresses now; oldest first."""
    g, k = merged.c, contact.c
    others = select(g.gone).where(g.clinic == clinic, g.recipient == who)
    addresses = select(k.address).where(k.clinic == clinic, k.recipient == who)
    mine = or_(_s.recipient == who, _s.recipient.in_(others))
    about = and_(_OF_AN_ADDRESS, _s.address.in_(addresses))
    query = select(*_SHOWN, _s.recipient).where(_s.clinic == clinic, or_(mine, about)).order_by(_s.id)
    return [_line(row) for row in conn.execute(query)]


def _line(row: Any) -> Line:
    return Line(*(*row[:-1], row.recipient == 0))
