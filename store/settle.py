"""Settling: what became of messages, written in batches. States only move as the domain allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Update,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from gateway.domain import State, may_follow
from store.outside import storable
from store.queue import in_states
from store.schema import attempt, contact, message
from store.upsert import for_each_engine

_m = message.c


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a message now.

    `number` is the attempt it speaks of; without an `outcome` it is a verdict on a message that was only
    claimed. `charged` counts towards the attempts that the retry settings allow.
    """

    message: int
    number: int
    state: State
    due_at: datetime | None = None
    reason: str | None = None
    outcome: str | None = None
    cause: str | None = None
    charged: bool = False
    started_at: datetime | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    bad_contact: int | None = None


def _update_to(state: State, before: Sequence[State]) -> Update:
    due_at = bindparam("due", type_=_m.due_at.type)
    return (
        update(message)
        .where(
            _m.clinic == bindparam("c"),
            _m.id == bindparam("i"),
            _m.attempt == bindparam("number"),
            in_states(before),
            or_(_m.lease_owner == bindparam("owner"), _m.lease_owner.is_(None)),
        )
        .values(
            state=literal_column(f"'{state}'"),
            due_at=func.coalesce(due_at, _m.due_at),
            reason=bindparam("why"),
            outcome=bindparam("result"),
            cause=bindparam("because"),
            charged=_m.charged + bindparam("charge"),
            lease_owner=None,
            lease_until=None,
            updated_at=bindparam("now"),
        )
    )


def _sources(state: State, of_attempt: bool) -> list[State]:
    """Where a settlement finds its message: a verdict only claimed, an outcome only once it was started."""
    return [before for before in may_follow(state) if before in (_STARTED if of_attempt else _JUDGED)]


_JUDGED = (State.CLAIMED,)
_STARTED = (State.SENDING, State.ACCEPTED, State.UNKNOWN)
_UPDATES = {
    (state, of_attempt): _update_to(state, before)
    for state in State
    for of_attempt in (False, True)
    if (before := _sources(state, of_attempt))
}
_BAD_CONTACT = (
    update(contact)
    .where(
        contact.c.clinic == bindparam("c"),
        contact.c.id == bindparam("contact"),
        # An address that was corrected since then is not the one that failed.
        contact.c.address
        == select(_m.address).where(_m.clinic == bindparam("c"), _m.id == bindparam("i")).scalar_subquery(),
    )
    .values(bad_cause=bindparam("because"))
)


def settle(
    conn: Connection, clinic: int, owner: str, settlements: Sequence[Settlement], now: datetime
) -> None:
    """Write settlements; one that no longer fits (another attempt, a final state) changes nothing.

    Doing the same settlements twice is harmless, so a caller who does not know whether the first try was
    committed simply repeats it.
    """
    by_kind: dict[tuple[State, bool], list[dict[str, Any]]] = defaultdict(list)
    for item in settlements:
        by_kind[item.state, item.outcome is not None].append(_values(item, clinic, owner, now))
    for kind, values in by_kind.items():
        conn.execute(_UPDATES[kind], values)
    _record_attempts(conn, clinic, settlements, now)
    bad = [
        {"c": clinic, "i": s.message, "contact": s.bad_contact, "because": storable(s.cause or "")}
        for s in settlements
        if s.bad_contact is not None
    ]
    if bad:
        conn.execute(_BAD_CONTACT, bad)


def _values(item: Settlement, clinic: int, owner: str, now: datetime) -> dict[str, Any]:
    return {
        "c": clinic,
        "i": item.message,
        "number": item.number,
        "owner": owner,
        "due": item.due_at,
        "why": item.reason and storable(item.reason),
        "result": item.outcome,
        "because": item.cause and storable(item.cause),
        "charge": int(item.charged),
        "now": now,
    }


# What an attempt's record holds, each bound under its column's own name.
_RECORD = [bindparam(column.name, type_=column.type) for column in attempt.c]
_r = {bound.key: bound for bound in _RECORD}
# Only what the message itself has just taken goes on record.
_TAKEN = exists().where(
    _m.clinic == _r["clinic"],
    _m.id == _r["message"],
    _m.attempt == _r["number"],
    _m.outcome == _r["outcome"],
    _m.updated_at == _r["settled_at"],
)
# An outcome that waits for more may be replaced by the later truth; a final one may not.
_OPEN = attempt.c.outcome.in_([literal_column("'accepted'"), literal_column("'unknown'")])


def _recording(insert: Any) -> Any:
    statement = insert(attempt).from_select(list(attempt.c), select(*_RECORD).where(_TAKEN))
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[attempt.c.clinic, attempt.c.message, attempt.c.number],
        set_={
            "settled_at": new.settled_at,
            "outcome": new.outcome,
            "cause": new.cause,
            "evidence": new.evidence,
        },
        where=_OPEN,
    )


_RECORDINGS = for_each_engine(_recording)


def _record_attempts(conn: Connection, clinic: int, settlements: Iterable[Settlement], now: datetime) -> None:
    rows = [
        {
            "clinic": clinic,
            "message": item.message,
            "number": item.number,
            "started_at": item.started_at or now,
            "settled_at": now,
            "outcome": item.outcome,
            "cause": storable(item.cause or ""),
            "evidence": dict(item.evidence),
        }
        for item in settlements
        if item.outcome is not None
    ]
    if rows:
        conn.execute(_RECORDINGS[conn.dialect.name], rows)
