"""What became of every message, for the command line, the console and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from gateway.domain import State
from store.schema import attempt, message, recipient, reply

_m, _r = message.c, recipient.c


@dataclass(frozen=True, slots=True)
class Entry:
    """One message as History shows it."""

    id: int
    broadcast: int
    recipient: int
    name: str
    channel: str
    address: str
    state: State
    reason: str | None
    outcome: str | None
    cause: str | None
    attempts: int
    due_at: datetime
    started_at: datetime | None
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of the history is wanted; None leaves a question open."""

    broadcast: int | None = None
    state: State | None = None
    channel: str | None = None
    since: datetime | None = None


def entries(
    conn: Connection, clinic: int, wanted: Filter, most: int = 50, before: int | None = None
) -> list[Entry]:
    """A page of messages, newest number first; `before` is the last number of the page above."""
    columns = (
        _m.id,
        _m.broadcast,
        _m.recipient,
        _r.given_name,
        _r.family_name,
        _m.channel,
        _m.address,
        _m.state,
        _m.reason,
        _m.outcome,
        _m.cause,
        _m.attempt,
        _m.due_at,
        _m.started_at,
        _m.updated_at,
    )
    joined = message.join(recipient, (_r.clinic == _m.clinic) & (_r.id == _m.recipient))
    query = _filtered(select(*columns).select_from(joined), clinic, wanted).order_by(_m.id.desc())
    if before is not None:
        query = query.where(_m.id < before)
    return [_entry(row) for row in conn.execute(query.limit(most))]


def _filtered(query: Select[Any], clinic: int, wanted: Filter) -> Select[Any]:
    query = query.where(_m.clinic == clinic)
    if wanted.broadcast is not None:
        query = query.where(_m.broadcast == wanted.broadcast)
    if wanted.state is not None:
        query = query.where(_m.state == wanted.state.value)
    if wanted.channel is not None:
        query = query.where(_m.channel == wanted.channel)
    if wanted.since is not None:
        query = query.where(_m.updated_at >= wanted.since)
    return query


def _entry(row: Any) -> Entry:
    return Entry(
        id=row.id,
        broadcast=row.broadcast,
        recipient=row.recipient,
        name=f"{row.given_name} {row.family_name}".strip(),
        channel=row.channel,
        address=row.address,
        state=State(row.state),
        reason=row.reason,
        outcome=row.outcome,
        cause=row.cause,
        attempts=row.attempt,
        due_at=row.due_at,
        started_at=row.started_at,
        updated_at=row.updated_at,
    )


def counts(conn: Connection, clinic: int, wanted: Filter) -> dict[tuple[int, str, State, str | None], int]:
    """How many messages by (broadcast, channel, state, cause)."""
    group = (_m.broadcast, _m.channel, _m.state, _m.cause)
    rows = conn.execute(_filtered(select(*group, func.count()), clinic, wanted).group_by(*group))
    return {(row[0], row[1], State(row[2]), row[3]): row[4] for row in rows}


def attempts(conn: Connection, clinic: int, messages: Sequence[int] | None = None) -> list[dict[str, Any]]:
    """Attempts on record, oldest first, with their evidence; of all messages when none are named."""
    a = attempt.c
    query = select(attempt).where(a.clinic == clinic).order_by(a.message, a.number)
    if messages is not None:
        query = query.where(a.message.in_(messages))
    return [dict(row) for row in conn.execute(query).mappings()]


def replies(conn: Connection, clinic: int) -> list[dict[str, Any]]:
    """Every reply, oldest first."""
    query = select(reply).where(reply.c.clinic == clinic).order_by(reply.c.id)
    return [dict(row) for row in conn.execute(query).mappings()]
