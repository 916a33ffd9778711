"""Settling: what became of messages, written in batches. States only move as the domain allows."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    Integer,
    Text,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    true,
    update,
)

from gateway.domain import State, may_follow
from store.batch import DOCUMENT, Rows
from store.outside import storable
from store.queue import in_states
from store.schema import Instant, attempt, contact, message
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


# What a settlement says of its message; a statement takes all of one kind at once.
_said = Rows(
    "said",
    i=BigInteger,
    number=Integer,
    due=Instant,
    why=Text,
    result=Text,
    because=Text,
    charge=Integer,
)


_SENDING: ColumnElement[str] = literal_column("'sending'")


def _update_to(state: State, before: Sequence[State]) -> Any:
    return (
        update(message)
        .where(
            _m.clinic == bindparam("c"),
            _m.id == _said["i"],
            _m.attempt == _said["number"],
            in_states(before),
            or_(_m.lease_owner == bindparam("owner"), _m.lease_owner.is_(None)),
        )
        .values(
            state=literal_column(f"'{state}'"),
            due_at=func.coalesce(_said["due"], _m.due_at),
            reason=_said["why"],
            outcome=_said["result"],
            cause=_said["because"],
            # An attempt is charged once, with its first outcome: not again by the later truth.
            charged=_m.charged + case((_m.state == _SENDING, _said["charge"]), else_=literal_column("0")),
            lease_owner=None,
            lease_until=None,
            updated_at=bindparam("now"),
        )
        .returning(_m.id, _m.attempt)
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
    by_kind: dict[tuple[State, bool], dict[tuple[int, int], Settlement]] = defaultdict(dict)
    for item in settlements:
        by_kind[item.state, item.outcome is not None].setdefault((item.message, item.number), item)
    taken: dict[int, Settlement] = {}
    for kind, items in by_kind.items():
        said = [_values(item) for item in items.values()]
        values = {"c": clinic, "owner": owner, "now": now, "said": said}
        for number, attempt_number in conn.execute(_UPDATES[kind], values).all():
            taken[number] = items[number, attempt_number]
    _record_attempts(conn, clinic, taken.values(), now)
    _mark_bad_contacts(conn, clinic, settlements)


def _values(item: Settlement) -> tuple[Any, ...]:
    return (
        item.message,
        item.number,
        item.due_at,
        item.reason and storable(item.reason),
        item.outcome,
        item.cause and storable(item.cause),
        int(item.charged),
    )


def _mark_bad_contacts(conn: Connection, clinic: int, settlements: Iterable[Settlement]) -> None:
    bad = [
        {"c": clinic, "i": s.message, "contact": s.bad_contact, "because": storable(s.cause or "")}
        for s in settlements
        if s.bad_contact is not None
    ]
    if bad:
        conn.execute(_BAD_CONTACT, bad)


_record = Rows(
    "record",
    message=BigInteger,
    number=Integer,
    started_at=Instant,
    outcome=Text,
    cause=Text,
    evidence=DOCUMENT,
)
# An outcome that waits for more may be replaced by the later truth; a final one may not.
_OPEN = attempt.c.outcome.in_([literal_column("'accepted'"), literal_column("'unknown'")])


def _recording(insert: Any) -> Any:
    rows = _record.select(bindparam("c", type_=Integer), bindparam("now", type_=Instant))
    columns = ["clinic", "settled_at", *_record.names]
    # SQLite reads "SELECT … ON CONFLICT" as a join unless there is a WHERE between them.
    statement = insert(attempt).from_select(columns, rows.where(true()))
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
_as_document = json.JSONEncoder().encode


def _record_attempts(conn: Connection, clinic: int, taken: Iterable[Settlement], now: datetime) -> None:
    rows = [
        (
            item.message,
            item.number,
            item.started_at or now,
            item.outcome,
            storable(item.cause or ""),
            _as_document(dict(item.evidence)),
        )
        for item in taken
        if item.outcome is not None
    ]
    if rows:
        conn.execute(_RECORDINGS[conn.dialect.name], {"c": clinic, "now": now, "record": rows})
