"""Settling: what became of messages, written in batches. States only move as the domain allows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from store import cascades, ledger, verdicts
from store.batch import DOCUMENT, Rows, among
from store.queue import in_states
from store.schema import attempt, message
from store.tables import Instant
from store.upsert import for_each_engine
from store.verdicts import Judged

_m = message.c
# The outcome's word, as stored.
DELIVERED = "delivered"


@dataclass(frozen=True, slots=True)
class Day:
    """A recipient's own day, and how many attempts may be charged in it; the next one waits for its end."""

    starts: datetime
    ends: datetime
    most: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """What becomes of a message now.

    `number` is the attempt it speaks of; without an `outcome` it is a verdict on a message that was only
    claimed. `charged` counts towards the attempts that the retry settings allow; a retry that would be one
    too many for the `day` waits for the next one. `ends_as`: what delivered the message, when it was not this
    attempt. `judged`: the verdict that this is, or that let the attempt go; it is kept.
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
    bad_address: bool = False
    day: Day | None = None
    ends_as: str | None = None
    judged: Judged | None = None


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
_REACHED_NOBODY = (State.FAILED, State.REFUSED, State.EXPIRED)
_STARTED = (State.SENDING, State.ACCEPTED, State.UNKNOWN)
_UPDATES = {
    (state, of_attempt): _update_to(state, before)
    for state in State
    for of_attempt in (False, True)
    if (before := _sources(state, of_attempt))
}


def settle(
    conn: Connection, clinic: int, owner: str, settlements: Sequence[Settlement], now: datetime
) -> None:
    """Write settlements; one that no longer fits (another attempt, a final state) changes nothing.

    Doing the same settlements twice is harmless, so a caller who does not know whether the first try was
    committed simply repeats it.
    """
    settlements = _spread(conn, clinic, settlements)
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
    _keep_verdicts(conn, clinic, taken.values())
    ledger.mark_bad(conn, clinic, {s.message: s.cause or "" for s in settlements if s.bad_address}, now)
    nobody = [item.message for item in taken.values() if item.state in _REACHED_NOBODY]
    cascades.follow(conn, clinic, nobody, now)


def _spread(conn: Connection, clinic: int, settlements: Sequence[Settlement]) -> Sequence[Settlement]:
    """The settlements with retries put off whose day has had its attempts."""
    days = {item.message: item.day for item in settlements if item.day is not None}
    if not days:
        return settlements
    values = {"c": clinic, "ids": list(days), "since": min(day.starts for day in days.values())}
    earlier: dict[int, int] = defaultdict(int)
    for number, started_at in conn.execute(_CHARGED, values):
        earlier[number] += started_at >= days[number].starts
    return [
        replace(item, due_at=max(item.due_at or item.day.ends, item.day.ends))
        if item.day and earlier[item.message] + 1 >= item.day.most
        else item
        for item in settlements
    ]


_CHARGED = select(attempt.c.message, attempt.c.started_at).where(
    attempt.c.clinic == bindparam("c"),
    among(attempt.c.message, "ids"),
    attempt.c.started_at >= bindparam("since"),
    attempt.c.charged,
    # The one that is settled now is counted by itself, also when it is settled for the second time.
    attempt.c.outcome.not_in([literal_column("'accepted'"), literal_column("'unknown'")]),
)


def _values(item: Settlement) -> tuple[Any, ...]:
    return (
        item.message,
        item.number,
        item.due_at,
        item.reason,
        DELIVERED if item.ends_as else item.outcome,
        item.ends_as or item.cause,
        int(item.charged),
    )


def _keep_verdicts(conn: Connection, clinic: int, taken: Iterable[Settlement]) -> None:
    kept = [(item.message, item.judged) for item in taken if item.judged and item.outcome is None]
    verdicts.add(conn, clinic, verdicts.DISPATCH, kept)


_record = Rows(
    "record",
    message=BigInteger,
    number=Integer,
    started_at=Instant,
    outcome=Text,
    cause=Text,
    evidence=DOCUMENT,
    charged=Boolean,
    basis=Text,
    facts=Text,
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
            "charged": new.charged,
        },
        where=_OPEN,
    )


_RECORDINGS = for_each_engine(_recording)


def _record_attempts(conn: Connection, clinic: int, taken: Iterable[Settlement], now: datetime) -> None:
    rows = [
        (
            item.message,
            item.number,
            item.started_at or now,
            item.outcome,
            item.cause or "",
            item.evidence,
            item.charged,
            item.judged and item.judged.basis,
            item.judged and item.judged.facts,
        )
        for item in taken
        if item.outcome is not None
    ]
    if rows:
        conn.execute(_RECORDINGS[conn.dialect.name], {"c": clinic, "now": now, "record": rows})
