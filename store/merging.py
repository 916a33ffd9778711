"""Two clients who turn out to be one: everything of the one that goes becomes the other's."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any

from sqlalchemy import Connection, Text, bindparam, delete, exists, literal_column, or_, select, update

from gateway.domain import (
    Channel,
    ConsentEntry,
    MessageType,
    Party,
    RecipientKind,
    RingwellError,
    State,
)
from store import agreed, bundles, finding, ids, ledger
from store.batch import Rows, among
from store.ledger import Entry
from store.outside import storable
from store.queue import in_states
from store.schema import (
    appointment,
    broadcast,
    contact,
    custom_list_entry,
    document,
    merged,
    message,
    recipient,
    renewal,
    reply,
)
from store.staff_tables import staff_thread

_b, _g, _k, _l, _m, _r = broadcast.c, merged.c, contact.c, custom_list_entry.c, message.c, recipient.c
# What the ledger says of an entry that follows a client into another.
MERGED = "merged"
_NOT_SENT = (State.SCHEDULED, State.QUEUED, State.CLAIMED)


class MergeError(RingwellError):
    """Two clients cannot become one; the message says why."""


@dataclass(frozen=True, slots=True)
class Merge:
    """What followed: the numbers of both, and how many messages, appointments, replies and entries."""

    keep: int
    gone: int
    messages: int
    visits: int
    replies: int
    entries: int


def merge(
    conn: Connection, clinic: int, keep: str, gone: str, by: str, now: datetime, key: str = ""
) -> Merge:
    """Make the client whom files call `gone` the client `keep`, whose own details stay.

    `key`: of a merge that was made before, and lost.
    What either withdrew stays withdrawn. Messages of `gone` that wait are judged again as the other's.
    """
    ledger.hold(conn, clinic)
    kept, going = find(conn, clinic, keep), find(conn, clinic, gone)
    if kept is None or going is None:
        raise MergeError(f"there is no client {keep if kept is None else gone!r}")
    if kept == going:
        raise MergeError("both are one client already")
    said = ledger.of_people(conn, clinic, [kept, going])
    entries = joined(said.get(kept, ()), said.get(going, ()))
    # A number of the ledger's series: the journal tells merges and entries in one order.
    number = ids.take(conn, clinic, "consent")
    ledger.add(conn, clinic, [_follows(kept, entry, by) for entry in entries], now)
    _contacts(conn, clinic, kept, going)
    messages = _messages(conn, clinic, kept, going, now)
    bundles.merge(conn, clinic, kept, going)
    visits = _move(conn, appointment, appointment.c.client, clinic, kept, going)
    replies = _move(conn, reply, reply.c.recipient, clinic, kept, going)
    _move(conn, document, document.c.recipient, clinic, kept, going)
    _move(conn, renewal, renewal.c.recipient, clinic, kept, going)
    _move(conn, staff_thread, staff_thread.c.client, clinic, kept, going)
    _move(conn, staff_thread, staff_thread.c.client, clinic, kept, going)
    _lists(conn, clinic, kept, going)
    _remember(conn, clinic, kept, going, number, key or uuid.uuid4().hex, by, now)
    finding.refresh(conn, clinic, [kept, going])
    # What either gave may be what the other's messages were refused for.
    agreed.follow(conn, clinic, [(kept, None)], now)
    return Merge(kept, going, messages, visits, replies, len(entries))


def find(conn: Connection, clinic: int, external_id: str) -> int | None:
    """The number of a client, also by the id of one who became that client."""
    kind = RecipientKind.CLIENT.value
    own = select(_r.id).where(_r.clinic == clinic, _r.kind == kind, _r.external_id == external_id)
    other = select(_g.recipient).where(_g.clinic == clinic, _g.kind == kind, _g.external_id == external_id)
    found = conn.execute(own).scalar()
    return found if found is not None else conn.execute(other).scalar()


# --- consent ---


def joined(keep: Sequence[ConsentEntry], gone: Sequence[ConsentEntry]) -> list[ConsentEntry]:
    """What is to be said anew of the one client that both become; nothing where the other never said a word.

    General words come before fine ones, and withdrawals last, so that what either withdrew is withdrawn. What
    the order of a history alone tells is said at the end, as finely as can be.
    """
    if not gone:
        return []
    ours, theirs = _standing(keep), _standing(gone)
    kept = [one for one in ours if not (one.given and _is_denied(one, theirs))]
    kept += [one for one in theirs if not (one.given and _is_denied(one, ours))]
    anew = sorted(kept, key=lambda one: (_fineness(one), not one.given))
    for point in _points(keep, gone):
        wanted = _wish(point, keep, gone)
        if wanted is not None and wanted.given is _is_denied(wanted, [*keep, *anew]):
            anew.append(wanted)
    return anew


def _points(*histories: Sequence[ConsentEntry]) -> Iterator[ConsentEntry]:
    """All that can be told apart: purpose, address (first those that nobody named), channel and party."""
    everything = [entry for entries in histories for entry in entries]
    addresses = sorted({entry.address for entry in everything if entry.address is not None})
    for purpose in sorted({entry.purpose for entry in everything}):
        for address, channel, party in product((None, *addresses), Channel, Party):
            yield ConsentEntry(0, True, channel, address, purpose, party=party)


def _wish(point: ConsentEntry, *histories: Sequence[ConsentEntry]) -> ConsentEntry | None:
    """What holds there: withdrawn if either withdrew it, else given if one gave it; None: nobody did."""
    said = [entry for entries in histories for entry in entries if _covers(entry, point)]
    is_denied = any(_is_denied(point, entries) for entries in histories)
    last = next((entry for entry in reversed(said) if entry.given is not is_denied), None)
    if last is None:
        return None
    return last._replace(channel=point.channel, address=point.address, party=point.party)


def _standing(entries: Sequence[ConsentEntry]) -> list[ConsentEntry]:
    """The entries that nothing later has replaced as a whole."""
    return [
        one
        for place, one in enumerate(entries)
        if not any(_replaces(new, one) for new in entries[place + 1 :])
    ]


def _replaces(new: ConsentEntry, old: ConsentEntry) -> bool:
    # A finer withdrawal outlives a wider one that is given again.
    same = _covers(new, old) and _covers(old, new)
    return same or (old.given and not new.given and _covers(new, old))


def _covers(wide: ConsentEntry, narrow: ConsentEntry) -> bool:
    return wide.purpose is narrow.purpose and all(
        of_wide in (None, of_narrow) for of_wide, of_narrow in zip(_scope(wide), _scope(narrow), strict=True)
    )


def _scope(entry: ConsentEntry) -> tuple[object, ...]:
    return entry.channel, entry.address, entry.party


def _fineness(entry: ConsentEntry) -> int:
    return sum(part is not None for part in _scope(entry))


def _is_denied(given: ConsentEntry, standing: Iterable[ConsentEntry]) -> bool:
    """Whether what this entry gives was withdrawn, and not given again as finely."""
    against: list[ConsentEntry] = []
    for one in standing:
        if _covers(one, given):
            against = [old for old in against if not (one.given and _as_fine(one, old))]
            against += [] if one.given else [one]
    return bool(against)


def _as_fine(given: ConsentEntry, withdrawn: ConsentEntry) -> bool:
    return all(
        old is None or new is not None for new, old in zip(_scope(given), _scope(withdrawn), strict=True)
    )


def _follows(kept: int, entry: ConsentEntry, by: str) -> Entry:
    scope = entry.channel, entry.address, entry.purpose, entry.party
    return Entry(kept, entry.given, entry.source, *scope, by, MERGED, entry.document)


# --- what else there is ---


def _contacts(conn: Connection, clinic: int, kept: int, going: int) -> None:
    """Addresses that the one who stays lacks; the others are no longer used."""
    theirs = contact.alias("theirs")
    taken = exists().where(
        theirs.c.clinic == clinic,
        theirs.c.recipient == kept,
        theirs.c.channel == _k.channel,
        theirs.c.origin == _k.origin,
    )
    mine = _k.clinic == clinic, _k.recipient == going
    conn.execute(update(contact).where(*mine, ~taken).values(recipient=kept))
    conn.execute(delete(contact).where(*mine))


def _messages(conn: Connection, clinic: int, kept: int, going: int, now: datetime) -> int:
    other = message.alias("other")
    same = exists().where(
        other.c.clinic == clinic,
        other.c.recipient == kept,
        other.c.broadcast == _m.broadcast,
        other.c.appointment == _m.appointment,
        other.c.step == _m.step,
    )
    birthdays = select(_b.id).where(_b.clinic == clinic, _b.type == MessageType.BIRTHDAYS.value)
    mine = _m.clinic == clinic, _m.recipient == going
    # The one who stays is told already, and has a birthday of their own.
    conn.execute(
        update(message)
        .where(*mine, in_states(_NOT_SENT), or_(same, _m.broadcast.in_(birthdays)))
        .values(
            state=literal_column(f"'{State.CANCELLED}'"),
            reason="client-merged",
            lease_owner=None,
            lease_until=None,
            updated_at=now,
        )
    )
    # Both had it: the step makes them two messages.
    conn.execute(update(message).where(*mine, same).values(step=_m.id))
    moved = conn.execute(update(message).where(*mine).values(recipient=kept)).rowcount
    # Whoever claimed one has the facts of the client who is gone.
    put_back: dict[str, Any] = {"state": literal_column("'queued'"), "lease_owner": None, "lease_until": None}
    theirs = _m.clinic == clinic, _m.recipient == kept, in_states((State.CLAIMED,))
    conn.execute(update(message).where(*theirs).values(put_back))
    return moved


def _move(conn: Connection, table: Any, column: Any, clinic: int, kept: int, going: int) -> int:
    mine = table.c.clinic == clinic, column == going
    return conn.execute(update(table).where(*mine).values({column.name: kept})).rowcount


def _lists(conn: Connection, clinic: int, kept: int, going: int) -> None:
    theirs = custom_list_entry.alias("theirs")
    there = exists().where(theirs.c.clinic == clinic, theirs.c.list == _l.list, theirs.c.recipient == kept)
    mine = _l.clinic == clinic, _l.recipient == going
    conn.execute(update(custom_list_entry).where(*mine, ~there).values(recipient=kept))
    conn.execute(delete(custom_list_entry).where(*mine))


def _remember(
    conn: Connection, clinic: int, kept: int, going: int, number: int, key: str, by: str, now: datetime
) -> None:
    mine = _r.clinic == clinic, _r.id == going
    row = conn.execute(select(_r.kind, _r.external_id).where(*mine)).one()
    conn.execute(delete(recipient).where(*mine))
    earlier = _g.clinic == clinic, _g.recipient == going
    conn.execute(update(merged).where(*earlier).values(recipient=kept))
    values = {"kind": row.kind, "external_id": row.external_id, "recipient": kept, "gone": going}
    values |= {"at": now, "by": storable(by), "number": number, "key": key}
    conn.execute(merged.insert().values(clinic=clinic, **values))


def who_they_became(conn: Connection, clinic: int, people: Collection[int]) -> dict[int, int]:
    """The clients that these numbers stand for now, of those who became another."""
    query = select(_g.gone, _g.recipient).where(_g.clinic == bindparam("c"), among(_g.gone, "people"))
    return {row.gone: row.recipient for row in conn.execute(query, {"c": clinic, "people": list(people)})}


# --- who files speak of ---

_wanted = Rows("wanted", kind=Text, external_id=Text)
_KEPT = (
    _wanted.select()
    .add_columns(_r.id, _r.external_id.label("kept"))
    .join(merged, (_g.kind == _wanted["kind"]) & (_g.external_id == _wanted["external_id"]))
    .join(recipient, (_r.clinic == _g.clinic) & (_r.id == _g.recipient))
    .where(_g.clinic == bindparam("c"))
)


def kept(
    conn: Connection, clinic: int, keys: Collection[tuple[str, str]]
) -> dict[tuple[str, str], tuple[int, str]]:
    """Of those who became another: (number, external id) of whom, by kind and external id."""
    rows = conn.execute(_KEPT, {"c": clinic, "wanted": [list(key) for key in keys]}) if keys else ()
    return {(kind, external_id): (number, other) for kind, external_id, number, other in rows}
