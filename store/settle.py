"""Settling: what became of messages, written in batches. States only move as the domain allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Update, and_, bindparam, func, literal_column, or_, update

from gateway.domain import State, may_follow
from store.queue import in_states
from store.schema import attempt, contact, message
from store.upsert import insert_into

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


def _update_to(state: State) -> Update:
    due_at = bindparam("due", type_=_m.due_at.type)
    return (
        update(message)
        .where(
            _m.clinic == bindparam("c"),
            _m.id == bindparam("i"),
            _m.attempt == bindparam("number"),
            in_states(may_follow(state)),
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


_UPDATES = {state: _update_to(state) for state in State if may_follow(state)}
_BAD_CONTACT = (
    update(contact)
    .where(contact.c.clinic == bindparam("c"), contact.c.id == bindparam("i"))
    .values(bad_cause=bindparam("because"))
)


def settle(
    conn: Connection, clinic: int, owner: str, settlements: Sequence[Settlement], now: datetime
) -> None:
    """Write settlements; one that no longer fits (another attempt, a final state) changes nothing.

    Doing the same settlements twice is harmless, so a caller who does not know whether the first try was
    committed simply repeats it.
    """
    by_state: dict[State, list[dict[str, Any]]] = defaultdict(list)
    for item in settlements:
        by_state[item.state].append(_values(item, clinic, owner, now))
    for state, values in by_state.items():
        conn.execute(_UPDATES[state], values)
    _record_attempts(conn, clinic, settlements, now)
    bad = [
        {"c": clinic, "i": s.bad_contact, "because": s.cause}
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
        "why": item.reason,
        "result": item.outcome,
        "because": item.cause,
        "charge": int(item.charged),
        "now": now,
    }


# An outcome that waits for more (accepted, unknown) may be replaced by the later truth; a final one may not.
_OPEN_OUTCOMES = and_(attempt.c.outcome.in_([literal_column("'accepted'"), literal_column("'unknown'")]))


def _recording(conn: Connection) -> Any:
    statement = insert_into(conn, attempt)
    new = statement.excluded
    return statement.on_conflict_do_update(
        index_elements=[attempt.c.clinic, attempt.c.message, attempt.c.number],
        set_={
            "settled_at": new.settled_at,
            "outcome": new.outcome,
            "cause": new.cause,
            "evidence": new.evidence,
        },
        where=_OPEN_OUTCOMES,
    )


def _record_attempts(conn: Connection, clinic: int, settlements: Iterable[Settlement], now: datetime) -> None:
    rows = [
        {
            "clinic": clinic,
            "message": item.message,
            "number": item.number,
            "started_at": item.started_at or now,
            "settled_at": now,
            "outcome": item.outcome,
            "cause": item.cause or "",
            "evidence": dict(item.evidence),
        }
        for item in settlements
        if item.outcome is not None
    ]
    if rows:
        conn.execute(_recording(conn), rows)
