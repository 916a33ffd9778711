"""Recipients and appointments as an import gives them, and the consent ledger."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, select

from gateway.domain import Channel, RecipientKind
from store import ids
from store.schema import consent, contact


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


@dataclass(frozen=True, slots=True)
class Entry:
    """A line for the consent ledger; no channel means all of them."""

    recipient: int
    given: bool
    source: str
    channel: Channel | None = None


# The source of entries that a file brought: they never outweigh what somebody said themselves.
IMPORT = "import"


def _newest_consent(conn: Connection, clinic: int, person: int, *more: ColumnElement[bool]) -> Any:
    s = consent.c
    query = select(s.given, s.channel, s.address, s.source, s.at)
    newest = query.where(s.clinic == clinic, s.recipient == person, *more).order_by(s.id.desc()).limit(1)
    return conn.execute(newest).first()


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
    add_entries(conn, clinic, [Entry(person, given, source, channel) for person in people], now)


def add_entries(conn: Connection, clinic: int, entries: Sequence[Entry], now: datetime) -> None:
    """Append to the consent ledger, in this order."""
    if not entries:
        return
    first = ids.take(conn, clinic, "consent", len(entries))
    rows = [
        {
            "clinic": clinic,
            "id": number,
            "recipient": entry.recipient,
            "channel": entry.channel.value if entry.channel else None,
            "address": None,
            "purpose": "messaging",
            "given": entry.given,
            "source": entry.source,
            "at": now,
        }
        for number, entry in enumerate(entries, first)
    ]
    conn.execute(consent.insert(), rows)


def hold_ledger(conn: Connection, clinic: int) -> None:
    """Nobody else adds to the consent ledger until this transaction ends: what is read from now on holds."""
    ids.take(conn, clinic, "consent", 0)


def holders(conn: Connection, clinic: int, address: str) -> list[int]:
    """Everybody who has this address on any channel."""
    k = contact.c
    rows = conn.execute(select(k.recipient).distinct().where(k.clinic == clinic, k.address == address))
    return sorted(rows.scalars())


def withdraw(
    conn: Connection, clinic: int, address: str, source: str, now: datetime, person: int | None = None
) -> int:
    """Withdraw consent, on every channel, of everybody who has this address; returns how many it was new for.

    `person`: who asked for it, where that is known; they may have another address by now. Whoever has
    withdrawn by themselves already is left as they are, so that the same key or word told twice is one entry.
    """
    # Whoever is being imported with this address is there when the ledger is ours.
    hold_ledger(conn, clinic)
    asking = {*holders(conn, clinic, address)} | ({person} if person is not None else set())
    willing = [who for who in sorted(asking) if not _has_withdrawn(conn, clinic, who)]
    add_consent(conn, clinic, willing, False, source, now)
    return len(willing)


def _has_withdrawn(conn: Connection, clinic: int, person: int) -> bool:
    """By themselves: what an import withdrew, the next one may give again."""
    newest = _newest_consent(conn, clinic, person)
    return newest is not None and not newest.given and speaks_of_all(newest) and newest.source != IMPORT
