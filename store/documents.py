"""Documents that clients signed: what is known of each; the files themselves are in the instance folder."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from store import ids
from store.outside import storable
from store.schema import document

_d = document.c


@dataclass(frozen=True, slots=True)
class Document:
    """A signed document; `name` is what the file was called, `sha256` what it is kept under."""

    id: int
    recipient: int
    sha256: str
    name: str
    media_type: str
    bytes: int
    at: datetime
    by: str


def add(
    conn: Connection,
    clinic: int,
    person: int,
    sha256: str,
    name: str,
    media_type: str,
    size: int,
    by: str,
    now: datetime,
) -> int:
    """Write down a document of somebody; the same again is the one that is there."""
    same = _d.clinic == clinic, _d.recipient == person, _d.sha256 == sha256
    found = conn.execute(select(_d.id).where(*same)).scalar()
    if found is not None:
        return int(found)
    number = ids.take(conn, clinic, "document")
    values = {"recipient": person, "sha256": sha256, "name": storable(name), "media_type": media_type}
    values |= {"bytes": size, "at": now, "by": storable(by)}
    conn.execute(document.insert().values(clinic=clinic, id=number, **values))
    return number


def find(conn: Connection, clinic: int, numbers: Collection[int]) -> dict[int, Document]:
    """The documents with these numbers; a few at a time."""
    columns = (_d.id, _d.recipient, _d.sha256, _d.name, _d.media_type, _d.bytes, _d.at, _d.by)
    rows = conn.execute(select(*columns).where(_d.clinic == clinic, _d.id.in_(numbers))) if numbers else ()
    return {row.id: Document(*row) for row in rows}
