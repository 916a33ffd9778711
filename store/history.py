"""What became of every message, for the command line, the console and the report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, func, select

from gateway.domain import State
from store.queue import in_states
from store.schema import attempt, message, recipient, reply, segment

_m, _r = message.c, recipient.c
_ENTRY = select(
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
    _m.step,
).select_from(message.outerjoin(recipient, (_r.clinic == _m.clinic) & (_r.id == _m.recipient)))


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
    step: int = 0


@dataclass(frozen=True, slots=True)
class Filter:
    """Which part of the history is wanted; None leaves a question open."""

    broadcast: int | None = None
    state: State | None = None
    channel: str | None = None
    since: datetime | None = None
    states: tuple[State, ...] | None = None


def entries(
    conn: Connection,
    clinic: int,
    wanted: Filter,
    most: int = 50,
    before: int | None = None,
    after: int | None = None,
) -> list[Entry]:
    """A page of messages, newest number first; `before` is the last number of the page above.

    With `after` (the first number of the page below) the page above it, in the same order.
    """
    query = _filtered(_ENTRY, clinic, wanted)
    if after is not None:
        rows = conn.execute(query.where(_m.id > after).order_by(_m.id).limit(most)).all()
        return [read_entry(row) for row in reversed(rows)]
    if before is not None:
        query = query.where(_m.id < before)
    return [read_entry(row) for row in conn.execute(query.order_by(_m.id.desc()).limit(most))]


def listed() -> Select[Any]:
    """What entries are made from, of all messages of everybody."""
    return _ENTRY


def entry(conn: Connection, clinic: int, number: int) -> Entry | None:
    """One message."""
    row = conn.execute(_ENTRY.where(_m.clinic == clinic, _m.id == number)).first()
    return read_entry(row) if row else None


def hold(conn: Connection, clinic: int, number: int) -> None:
    """Nobody else changes this message until the transaction ends."""
    conn.execute(select(_m.id).where(_m.clinic == clinic, _m.id == number).with_for_update())


def entries_of(conn: Connection, clinic: int, numbers: Sequence[int]) -> dict[int, Entry]:
    """These messages, by number; a few hundred at most."""
    rows = conn.execute(_ENTRY.where(_m.clinic == clinic, _m.id.in_(numbers))) if numbers else ()
    return {row.id: read_entry(row) for row in rows}


def _filtered(query: Select[Any], clinic: int, wanted: Filter) -> Select[Any]:
    query = query.where(_m.clinic == clinic)
    if wanted.broadcast is not None:
        query = query.where(_m.broadcast == wanted.broadcast)
    if wanted.state is not None:
        query = query.where(_m.state == wanted.state.value)
    if wanted.states is not None:
        query = query.where(in_states(wanted.states))
    if wanted.channel is not None:
        query = query.where(_m.channel == wanted.channel)
    if wanted.since is not None:
        query = query.where(_m.updated_at >= wanted.since)
    return query


def read_entry(row: Any) -> Entry:
    """A row of `listed` as an entry."""
    return Entry(
        id=row.id,
        broadcast=row.broadcast,
        recipient=row.recipient,
        name=f"{row.given_name or ''} {row.family_name or ''}".strip(),
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
        step=row.step,
    )


def counts(conn: Connection, clinic: int, wanted: Filter) -> dict[tuple[int, str, State, str | None], int]:
    """How many messages by (broadcast, channel, state, cause)."""
    group = (_m.broadcast, _m.channel, _m.state, _m.cause)
    rows = conn.execute(_filtered(select(*group, func.count()), clinic, wanted).group_by(*group))
    return {(row[0], row[1], State(row[2]), row[3]): row[4] for row in rows}


def counts_by_step(
    conn: Connection, clinic: int, broadcast: int
) -> dict[tuple[int, str, State, str | None], int]:
    """How many messages of a broadcast by (step, channel, state, cause or reason)."""
    group = (_m.step, _m.channel, _m.state, func.coalesce(_m.cause, _m.reason))
    wanted = Filter(broadcast=broadcast)
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


def replies_to(conn: Connection, clinic: int, number: int) -> list[dict[str, Any]]:
    """Replies and keypresses that belong to a message, oldest first."""
    query = select(reply).where(reply.c.clinic == clinic, reply.c.message == number).order_by(reply.c.id)
    return [dict(row) for row in conn.execute(query).mappings()]


def receipts_of(conn: Connection, clinic: int, number: int) -> list[dict[str, Any]]:
    """What the other side calls each segment of a message, and what its receipts said."""
    g = segment.c
    query = select(segment).where(g.clinic == clinic, g.message == number).order_by(g.attempt, g.remote_id)
    return [dict(row) for row in conn.execute(query).mappings()]


def recipients_by_external_id(conn: Connection, clinic: int, external_ids: Sequence[str]) -> set[int]:
    """The numbers of the recipients whom an import called so."""
    query = select(_r.id).where(_r.clinic == clinic, _r.external_id.in_(external_ids))
    return set(conn.execute(query).scalars())
