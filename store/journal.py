"""The ledger as it is told to a journal outside the database, and taken back from it after a restore."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, bindparam, func, select, union_all

from gateway.domain import Channel, Party, Purpose, RecipientKind
from store import documents, ids, ledger, merging, register, stops
from store.batch import Rows
from store.ledger import Entry
from store.people import Person
from store.schema import consent, document, merged, recipient

_d, _g, _r, _s = document.c, merged.c, recipient.c, consent.c
# A restored database is older than the world: nothing leaves until somebody has looked.
RESTORED = "a backup of the database was restored: withdrawals since then were taken from the journal"


@dataclass(frozen=True, slots=True)
class Record:
    """An entry, or clients who became one (`keep`), with people as files call them: numbers are not kept.

    `number` is its place in the ledger; `key` stays the same wherever it is copied to.
    """

    number: int
    key: str
    at: str
    by: str
    kind: str = ""
    external_id: str = ""
    keep: str = ""
    given: bool = False
    channel: str | None = None
    address: str | None = None
    purpose: str = Purpose.MESSAGING.value
    source: str = ""
    party: str | None = None
    cause: str = ""
    document: Mapping[str, Any] | None = None

    def as_data(self) -> dict[str, Any]:
        """As JSON takes it."""
        return asdict(self)


_ENTRIES = (
    select(
        _s.id,
        _s.key,
        _s.at,
        _s.by,
        func.coalesce(_r.kind, _g.kind).label("kind"),
        func.coalesce(_r.external_id, _g.external_id).label("external_id"),
        _s.given,
        _s.channel,
        _s.address,
        _s.purpose,
        _s.source,
        _s.party,
        _s.cause,
        _d.sha256,
        _d.name,
        _d.media_type,
        _d.bytes,
    )
    .select_from(
        consent.outerjoin(recipient, (_r.clinic == _s.clinic) & (_r.id == _s.recipient))
        .outerjoin(merged, (_g.clinic == _s.clinic) & (_g.gone == _s.recipient))
        .outerjoin(document, (_d.clinic == _s.clinic) & (_d.id == _s.document))
    )
    .where(_s.clinic == bindparam("c"), _s.id > bindparam("after"), _s.id < bindparam("before"))
    .order_by(_s.id)
    .limit(bindparam("most"))
)
_MERGES = (
    select(_g.number, _g.key, _g.at, _g.by, _g.kind, _g.external_id, _r.external_id.label("keep"))
    .join(recipient, (_r.clinic == _g.clinic) & (_r.id == _g.recipient))
    .where(_g.clinic == bindparam("c"), _g.number > bindparam("after"), _g.number < bindparam("before"))
    .order_by(_g.number)
    .limit(bindparam("most"))
)


def since(conn: Connection, clinic: int, after: int, most: int) -> list[Record]:
    """What came into the ledger after this number, in its order."""
    # Read first: what comes in between the two looks is left to the next time, whole.
    before = ids.upcoming(conn, clinic, "consent")
    values = {"c": clinic, "after": after, "before": before, "most": most}
    entries = [_entry(row) for row in conn.execute(_ENTRIES, values)]
    merges = [
        Record(row.number, row.key, row.at.isoformat(), row.by, row.kind, row.external_id, row.keep)
        for row in conn.execute(_MERGES, values)
    ]
    # Either may have been cut off: what is beyond the other's end comes next time.
    return sorted((*entries, *merges), key=lambda record: record.number)[:most]


def _entry(row: Any) -> Record:
    signed = {"sha256": row.sha256, "name": row.name, "media_type": row.media_type, "bytes": row.bytes}
    return Record(
        row.id,
        row.key,
        row.at.isoformat(),
        row.by,
        row.kind or "",
        row.external_id or "",
        given=row.given,
        channel=row.channel,
        address=row.address,
        purpose=row.purpose,
        source=row.source,
        party=row.party,
        cause=row.cause,
        document=signed if row.sha256 else None,
    )


_asked = Rows("asked", key=Text)
_KNOWN = union_all(
    *(
        select(number.label("number"), key.label("key"))
        .select_from(_asked.table)
        .join(key.table, key == _asked["key"])
        .where(key.table.c.clinic == bindparam("c"))
        for number, key in ((_s.id, _s.key), (_g.number, _g.key))
    )
)


def known(conn: Connection, clinic: int, keys: Collection[str]) -> dict[str, int]:
    """Those of the keys that the ledger has, with their numbers."""
    rows = conn.execute(_KNOWN, {"c": clinic, "asked": [(key,) for key in keys]}) if keys else ()
    return {row.key: row.number for row in rows}


def take_back(conn: Connection, clinic: int, records: Sequence[Record], now: datetime) -> int:
    """Append what the ledger lacks of these records, and stop everything if it lacks any; how many it was."""
    ledger.hold(conn, clinic)
    there = known(conn, clinic, [record.key for record in records])
    lacking = [record for record in records if record.key not in there]
    if not lacking:
        return 0
    if all(stop.reason != RESTORED for stop in stops.current(conn, clinic)):
        stops.order(conn, clinic, None, RESTORED, "ringwell", False, now)
    run: list[Record] = []
    for record in lacking:
        if record.keep:
            _append(conn, clinic, run, now)
            _merge_again(conn, clinic, record, now)
            run = []
        else:
            run.append(record)
    _append(conn, clinic, run, now)
    return len(lacking)


def _append(conn: Connection, clinic: int, records: Sequence[Record], now: datetime) -> None:
    people = _people(conn, clinic, {_who(record) for record in records if record.external_id}, now)
    entries = []
    for record in records:
        person = people[_who(record)] if record.external_id else 0
        if not person and record.address is None:
            # Of somebody of whom nothing is known any more, not even who it was.
            continue
        entries.append(
            Entry(
                person,
                record.given,
                record.source,
                Channel(record.channel) if record.channel else None,
                record.address,
                Purpose(record.purpose),
                Party(record.party) if record.party else None,
                record.by,
                record.cause,
                _document(conn, clinic, person, record),
                record.key,
                datetime.fromisoformat(record.at),
            )
        )
    ledger.add(conn, clinic, entries, now)


def _who(record: Record) -> tuple[str, str]:
    return record.kind, record.external_id


def _people(
    conn: Connection, clinic: int, keys: Collection[tuple[str, str]], now: datetime
) -> Mapping[tuple[str, str], int]:
    """Their numbers. Who came after the backup has no row: one without an address, until the next import."""
    found = register.numbers(conn, clinic, keys)
    if strangers := sorted(keys - found.keys()):
        rows = [Person(RecipientKind(kind), external_id, "", "", "en") for kind, external_id in strangers]
        found |= dict(zip(strangers, register.save_people(conn, clinic, rows, now), strict=True))
    return found


def _document(conn: Connection, clinic: int, person: int, record: Record) -> int | None:
    signed = record.document
    if not signed or not person:
        return None
    kept = (str(signed["sha256"]), str(signed["name"]), str(signed["media_type"]), int(signed["bytes"]))
    at = datetime.fromisoformat(record.at)
    return documents.add(conn, clinic, person, *kept, record.by, at)


def _merge_again(conn: Connection, clinic: int, record: Record, now: datetime) -> None:
    people = _people(conn, clinic, {_who(record), (record.kind, record.keep)}, now)
    if len(set(people.values())) == 2:
        merging.merge(conn, clinic, record.keep, record.external_id, record.by, now, record.key)
