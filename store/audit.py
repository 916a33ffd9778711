"""The audit log: who did what, and whose data they looked at; each line has the hash of the one before."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from sqlalchemy import Connection, select

from store import ids
from store.accounts_tables import audit

_t = audit.c
_PAGE = 1000
# What the first entry follows.
BEGINNING = "0" * 64


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did, to what ("client:7"; empty: to nothing of one number). `detail` names no patient."""

    account: int
    actor: str
    action: str
    about: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of the log."""

    id: int
    at: datetime
    account: int
    actor: str
    action: str
    about: str
    detail: str
    previous: str
    hash: str

    def expected(self) -> str:
        """The hash that this line must have."""
        at = self.at.astimezone(UTC).isoformat(timespec="microseconds")
        said = [self.id, at, self.account, self.actor, self.action, self.about, self.detail, self.previous]
        return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines; None and empty: all."""

    account: int | None = None
    action: str = ""
    about: str = ""
    since: datetime | None = None
    until: datetime | None = None


def append(conn: Connection, clinic: int, deed: Deed, now: datetime) -> int:
    """Write down what somebody did, in the transaction that does it; the line's number."""
    # The counter's row puts all lines of a clinic in one order.
    number = ids.take(conn, clinic, "audit")
    last = select(_t.hash).where(_t.clinic == clinic).order_by(_t.id.desc()).limit(1)
    previous = conn.execute(last).scalar() or BEGINNING
    detail = json.dumps(deed.detail, ensure_ascii=False, sort_keys=True, default=str)
    line = Entry(number, now, deed.account, deed.actor, deed.action, deed.about, detail, previous, "")
    values = {name: getattr(line, name) for name in _NAMES} | {"hash": line.expected()}
    conn.execute(audit.insert().values(clinic=clinic, **values))
    return number


_NAMES = ("id", "at", "account", "actor", "action", "about", "detail", "previous", "hash")
_COLUMNS = [_t[name] for name in _NAMES]


def lines(conn: Connection, clinic: int, wanted: Wanted, most: int, before: int | None = None) -> list[Entry]:
    """The newest lines, or those before a number."""
    query = select(*_COLUMNS).where(_t.clinic == clinic).order_by(_t.id.desc()).limit(most)
    if before is not None:
        query = query.where(_t.id < before)
    if wanted.account is not None:
        query = query.where(_t.account == wanted.account)
    if wanted.action:
        query = query.where(_t.action == wanted.action)
    if wanted.about:
        query = query.where(_t.about == wanted.about)
    if wanted.since is not None:
        query = query.where(_t.at >= wanted.since)
    if wanted.until is not None:
        query = query.where(_t.at < wanted.until)
    return [Entry(*row) for row in conn.execute(query)]


def actions(conn: Connection, clinic: int) -> list[str]:
    """What is found in the log at all."""
    query = select(_t.action).where(_t.clinic == clinic).distinct().order_by(_t.action)
    return list(conn.execute(query).scalars())


@dataclass(frozen=True, slots=True)
class Broken:
    """Where the chain is broken: the line's number, and how."""

    id: int
    why: str


def verify(conn: Connection, clinic: int) -> tuple[int, Broken | None]:
    """How many lines the chain has, and the first place where it was tampered with.

    Lines that were cut off the end are not seen here: the last hash, noted elsewhere, shows those.
    """
    count, before = 0, None
    for line in _all(conn, clinic):
        if broken := _about(line, before):
            return count, broken
        count, before = count + 1, line
    return count, None


def _about(line: Entry, before: Entry | None) -> Broken | None:
    expected = 1 if before is None else before.id + 1
    if line.id != expected:
        return Broken(expected, "missing")
    if line.previous != (before.hash if before else BEGINNING):
        return Broken(line.id, "out of order")
    if line.hash != line.expected():
        return Broken(line.id, "changed")
    return None


def _all(conn: Connection, clinic: int) -> Iterator[Entry]:
    after = 0
    while True:
        query = select(*_COLUMNS).where(_t.clinic == clinic, _t.id > after).order_by(_t.id).limit(_PAGE)
        page = [Entry(*row) for row in conn.execute(query)]
        yield from page
        if len(page) < _PAGE:
            return
        after = page[-1].id
