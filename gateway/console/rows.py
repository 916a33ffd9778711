"""History as data: rows and one message, in the clinic's words and zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.console import words
from gateway.domain import Channel, RingwellError, State
from store import history, overview
from store.history import Entry, Filter

PAGE = 50


class FilterError(RingwellError):
    """An address asks for a filter that does not exist."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The filters of an address, as they stand in it; empty means all."""

    broadcast: str = ""
    channel: str = ""
    state: str = ""

    @property
    def query(self) -> dict[str, str]:
        """Those that are set."""
        values = {"broadcast": self.broadcast, "channel": self.channel, "state": self.state}
        return {key: value for key, value in values.items() if value}

    def filter(self) -> Filter:
        """For the store; FilterError when a value is not one."""
        if self.broadcast and whole(self.broadcast) is None:
            raise FilterError("The address names a broadcast that is not a number.")
        if self.channel and self.channel not in {channel.value for channel in Channel}:
            raise FilterError("The address names a channel that does not exist.")
        return Filter(
            broadcast=whole(self.broadcast),
            channel=self.channel or None,
            states=_states(self.state) if self.state else None,
        )


def whole(text: str) -> int | None:
    """A message's or broadcast's number, None when the text is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def number(text: str) -> int | None:
    """A position in the list; FilterError when it is not a number."""
    found = whole(text)
    if text and found is None:
        raise FilterError("The address names a position that is not a number.")
    return found


def _states(wanted: str) -> tuple[State, ...]:
    for group in words.GROUPS:
        if group.key == wanted:
            return group.states
    try:
        return (State(wanted),)
    except ValueError as error:
        raise FilterError("The address names a state that does not exist.") from error


@dataclass(frozen=True, slots=True)
class Row:
    """One message as a table row."""

    id: int
    broadcast: int
    broadcast_name: str
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
    """A page of the history, and whether there are pages beside it."""

    rows: tuple[Row, ...]
    headings: tuple[overview.Heading, ...]
    older: int | None
    newer: int | None


def read_page(
    conn: Connection,
    clinic: int,
    wanted: Filter,
    zone: ZoneInfo,
    now: datetime,
    before: int | None = None,
    after: int | None = None,
) -> Page:
    """The rows on one page; one more than a page is read to know whether it is the last."""
    found = history.entries(conn, clinic, wanted, PAGE + 1, before, after)
    more = len(found) > PAGE
    found = found[-PAGE:] if after is not None else found[:PAGE]
    known = tuple(overview.headings(conn, clinic))
    names = {heading.id: heading.name for heading in known}
    rows = tuple(row(entry, names.get(entry.broadcast, ""), zone, now) for entry in found)
    has_older = bool(found) and (more or after is not None)
    has_newer = bool(found) and (more if after is not None else before is not None)
    return Page(rows, known, found[-1].id if has_older else None, found[0].id if has_newer else None)


def row(entry: Entry, broadcast_name: str, zone: ZoneInfo, now: datetime) -> Row:
    """A message in words."""
    return Row(
        id=entry.id,
        broadcast=entry.broadcast,
        broadcast_name=broadcast_name,
        name=entry.name,
        channel=words.CHANNELS.get(entry.channel, entry.channel),
        address=words.mask(entry.address) if entry.address else "none",
        state=entry.state.value,
        chip=words.chip(entry.state, entry.channel, entry.cause),
        attempts=entry.attempts,
        why=_why(entry, zone, now),
        updated=moment(entry.updated_at, zone, now),
        updated_at=entry.updated_at,
    )


def _why(entry: Entry, zone: ZoneInfo, now: datetime) -> str:
    text = words.why(entry.state, entry.cause, entry.reason)
    if entry.state is State.SCHEDULED and entry.due_at > now:
        due = moment(entry.due_at, zone, now)
        return f"{text}; next try {due}" if entry.cause else f"{text or 'Scheduled'}; due {due}"
    return text


def moment(at: datetime, zone: ZoneInfo, now: datetime) -> str:
    """A time of today as 09:03:58, another day's as 22 Nov 09:03."""
    local = at.astimezone(zone)
    if local.date() == now.astimezone(zone).date():
        return f"{local:%H:%M:%S}"
    year = "" if local.year == now.astimezone(zone).year else f" {local.year}"
    return f"{local.day} {local:%b}{year} {local:%H:%M}"


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
    due: str
    tries: tuple[Try, ...]
    receipts: tuple[tuple[int, str, str, str], ...]
    replies: tuple[tuple[str, str, str], ...]

    @property
    def shape(self) -> str:
        """Changes whenever anything on the page does."""
        return f"{self.row.chip.word}|{self.row.updated_at}|{self.tries}|{self.receipts}|{len(self.replies)}"


def read_detail(conn: Connection, clinic: int, number: int, zone: ZoneInfo, now: datetime) -> Detail | None:
    """One message, None when there is no such."""
    entry = history.entry(conn, clinic, number)
    if entry is None:
        return None
    names = {heading.id: heading.name for heading in overview.headings(conn, clinic)}
    return Detail(
        row=row(entry, names.get(entry.broadcast, ""), zone, now),
        due=moment(entry.due_at, zone, now),
        tries=tuple(_try(a, zone, now) for a in history.attempts(conn, clinic, [number])),
        receipts=tuple(_receipt(r, zone, now) for r in history.receipts_of(conn, clinic, number)),
        replies=tuple(
            (moment(r["at"], zone, now), words.readable(r["kind"]), r["text"])
            for r in history.replies_to(conn, clinic, number)
        ),
    )


def _try(attempt: dict[str, Any], zone: ZoneInfo, now: datetime) -> Try:
    took = (attempt["settled_at"] - attempt["started_at"]).total_seconds()
    return Try(
        attempt["number"],
        moment(attempt["started_at"], zone, now),
        moment(attempt["settled_at"], zone, now),
        f"{took:,.1f}",
        words.OUTCOMES.get(attempt["outcome"], words.readable(attempt["outcome"])),
        words.cause(attempt["cause"]),
        words.evidence(attempt["evidence"]),
    )


def _receipt(found: dict[str, Any], zone: ZoneInfo, now: datetime) -> tuple[int, str, str, str]:
    outcome = found["outcome"]
    told = words.OUTCOMES.get(outcome, words.readable(outcome)) if outcome else "No receipt yet"
    return found["attempt"], found["remote_id"], told, words.cause(found["cause"])
