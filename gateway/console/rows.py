"""History as data: rows and one message, in the clinic's words and zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection
from starlette.exceptions import HTTPException

from gateway.console import words
from gateway.console.filters import whole as whole
from gateway.console.words import Say, as_it_is
from gateway.domain import State
from store import history, overview, searching
from store.history import Entry
from store.searching import Search

PAGE = 50


@dataclass(frozen=True, slots=True)
class Row:
    """One message as a table row."""

    id: int
    broadcast: int
    broadcast_name: str
    recipient: int
    name: str
    channel: str
    address: str
    state: str
    chip: words.Chip
    attempts: int
    why: str
    updated: str
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the history, and whether there are pages beside it.

    `further`: the time was over before everything was looked through; the pages beside it look on.
    """

    rows: tuple[Row, ...]
    headings: tuple[overview.Heading, ...]
    older: int | None
    newer: int | None
    further: bool = False


def read_page(
    conn: Connection,
    clinic: int,
    wanted: Search,
    zone: ZoneInfo,
    now: datetime,
    say: Say = as_it_is,
    before: int | None = None,
    after: int | None = None,
) -> Page:
    """The rows on one page; one more than a page is read to know whether it is the last."""
    looked = searching.page(conn, clinic, wanted, PAGE + 1, before, after)
    more = len(looked.entries) > PAGE
    found = looked.entries[-PAGE:] if after is not None else looked.entries[:PAGE]
    known = tuple(overview.headings(conn, clinic))
    names = {heading.id: heading.name for heading in known}
    rows = tuple(row(entry, names.get(entry.broadcast, ""), zone, now, say) for entry in found)
    older, newer = _beside(found, more, before, after)
    if looked.further is not None and after is None:
        older = looked.further
    elif looked.further is not None:
        newer = looked.further
    return Page(rows, known, older, newer, looked.further is not None)


def _beside(
    found: Sequence[Entry], more: bool, before: int | None, after: int | None
) -> tuple[int | None, int | None]:
    """The positions of the pages below and above."""
    if not found:
        return (None if after is None else after + 1), (None if before is None else before - 1)
    has_older = more or after is not None
    has_newer = more if after is not None else before is not None
    return found[-1].id if has_older else None, found[0].id if has_newer else None


def row(entry: Entry, broadcast_name: str, zone: ZoneInfo, now: datetime, say: Say = as_it_is) -> Row:
    """A message in words."""
    shown = words.chip(entry.state, entry.channel, entry.cause)
    return Row(
        id=entry.id,
        broadcast=entry.broadcast,
        broadcast_name=broadcast_name,
        recipient=entry.recipient,
        name=entry.name,
        channel=say(words.CHANNELS.get(entry.channel, entry.channel)),
        address=words.mask(entry.address) if entry.address else say("none"),
        state=entry.state.value,
        chip=words.Chip(say(shown.word), shown.tone),
        attempts=entry.attempts,
        why=_why(entry, zone, now, say),
        updated=moment(entry.updated_at, zone, now, say),
        updated_at=entry.updated_at,
    )


def plain_row(entry: Entry, broadcast_name: str, zone: ZoneInfo, say: Say = as_it_is) -> Row:
    """The same with whole moments, for a file that is read another day."""
    found = row(entry, broadcast_name, zone, entry.due_at, say)
    return replace(found, updated=f"{entry.updated_at.astimezone(zone):%Y-%m-%d %H:%M:%S}")


def _why(entry: Entry, zone: ZoneInfo, now: datetime, say: Say) -> str:
    text = words.why(entry.state, entry.cause, entry.reason, say)
    if entry.state is State.SCHEDULED and entry.due_at > now:
        due = moment(entry.due_at, zone, now, say)
        if entry.cause:
            return say("%(why)s; next try %(due)s") % {"why": text, "due": due}
        return say("%(why)s; due %(due)s") % {"why": text or say("Scheduled"), "due": due}
    return text


def instant(text: str) -> datetime | None:
    """A position in a list by its time; 400 when it is none."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        found = None
    if text and (found is None or found.tzinfo is None or not 1970 <= found.year <= 2200):
        raise HTTPException(400, "The address names a position that is none.")
    return found


def moment(at: datetime, zone: ZoneInfo, now: datetime, say: Say = as_it_is) -> str:
    """A time of today as 09:03:58, another day's as 22 Nov 09:03."""
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M:%S}"
    year = "" if local.year == now.astimezone(zone).year else f" {local.year}"
    return f"{local.day} {say(f'{local:%b}')}{year} {local:%H:%M}"


def minute(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A planned time: of today as 09:30, another day's as 22 Nov 09:30."""
    text = moment(at, zone, now)
    return text[:5] if len(text) == len("09:30:00") else text


@dataclass(frozen=True, slots=True)
class Try:
    """One attempt in words."""

    number: int
    started: str
    settled: str
    seconds: str
    outcome: str
    cause: str
    evidence: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Detail:
    """One message with everything that is known of it."""

    row: Row
    entry: Entry
    due: str
    tries: tuple[Try, ...]
    receipts: tuple[tuple[int, str, str, str], ...]
    replies: tuple[tuple[str, str, str], ...]

    @property
    def has_address(self) -> bool:
        """Whether there is one to show."""
        return bool(self.entry.address)

    @property
    def shape(self) -> str:
        """Changes whenever anything on the page does."""
        return f"{self.row.chip.word}|{self.row.updated_at}|{self.tries}|{self.receipts}|{len(self.replies)}"


def read_detail(
    conn: Connection, clinic: int, number: int, zone: ZoneInfo, now: datetime, say: Say = as_it_is
) -> Detail | None:
    """One message, None when there is no such."""
    entry = history.entry(conn, clinic, number)
    if entry is None:
        return None
    names = {heading.id: heading.name for heading in overview.headings(conn, clinic)}
    return Detail(
        row=row(entry, names.get(entry.broadcast, ""), zone, now, say),
        entry=entry,
        due=moment(entry.due_at, zone, now, say),
        tries=tuple(_try(a, zone, now, say) for a in history.attempts(conn, clinic, [number])),
        receipts=tuple(_receipt(r, say) for r in history.receipts_of(conn, clinic, number)),
        replies=tuple(
            (moment(r["at"], zone, now, say), say(words.readable(r["kind"])), r["text"])
            for r in history.replies_to(conn, clinic, number)
        ),
    )


def _try(attempt: dict[str, Any], zone: ZoneInfo, now: datetime, say: Say) -> Try:
    took = (attempt["settled_at"] - attempt["started_at"]).total_seconds()
    return Try(
        attempt["number"],
        moment(attempt["started_at"], zone, now, say),
        moment(attempt["settled_at"], zone, now, say),
        f"{took:,.1f}",
        say(words.OUTCOMES.get(attempt["outcome"], words.readable(attempt["outcome"]))),
        words.cause(attempt["cause"], say),
        [(say(label), value) for label, value in words.evidence(attempt["evidence"])],
    )


def _receipt(found: dict[str, Any], say: Say) -> tuple[int, str, str, str]:
    outcome = found["outcome"]
    told = words.OUTCOMES.get(outcome, words.readable(outcome)) if outcome else "No receipt yet"
    return found["attempt"], found["remote_id"], say(told), words.cause(found["cause"], say)
