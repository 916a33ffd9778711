"""Every verdict on a message, kept: added with what it decides, never changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, Connection, Integer, Text, bindparam, select, true

from store.batch import Rows, among
from store.schema import attempt, message, verdict
from store.tables import Instant
from store.upsert import for_each_engine

_v, _m, _t = verdict.c, message.c, attempt.c
ALLOW, DEFER, REFUSE = "allow", "defer", "refuse"
# When it was made: with the plan, or when the message was about to leave.
PLAN, DISPATCH = "plan", "dispatch"


class Judged(NamedTuple):
    """A verdict as it is kept: `basis` is what it rests on, `facts` the version of what it was made from."""

    kind: str
    at: datetime
    reason: str | None = None
    until: datetime | None = None
    basis: str = ""
    facts: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """A verdict on record; `attempt`: the number of the attempt that it let go."""

    message: int
    phase: str
    judged: Judged
    attempt: int | None = None


_rows = Rows(
    "judged", message=BigInteger, at=Instant, kind=Text, reason=Text, until=Instant, basis=Text, facts=Text
)


def _adding(insert: Any) -> Any:
    rows = _rows.select(bindparam("c", type_=Integer), bindparam("phase", type_=Text))
    # SQLite reads "SELECT … ON CONFLICT" as a join unless there is a WHERE between them.
    columns = ["clinic", "phase", *_rows.names]
    return insert(verdict).from_select(columns, rows.where(true())).on_conflict_do_nothing()


_ADDING = for_each_engine(_adding)


def add(conn: Connection, clinic: int, phase: str, judged: Sequence[tuple[int, Judged]]) -> None:
    """Keep the verdicts on these messages."""
    if judged:
        rows = [(to, one.at, one.kind, one.reason, one.until, one.basis, one.facts) for to, one in judged]
        conn.execute(_ADDING[conn.dialect.name], {"c": clinic, "phase": phase, "judged": rows})


def those_there(conn: Connection, clinic: int, messages: Sequence[int]) -> set[int]:
    """Which of these numbers are messages."""
    query = select(_m.id).where(_m.clinic == bindparam("c"), among(_m.id, "ids"))
    return set(conn.execute(query, {"c": clinic, "ids": list(messages)}).scalars())


def of_messages(conn: Connection, clinic: int, messages: Sequence[int]) -> list[Kept]:
    """Every verdict on these messages in the order of time; those that let an attempt go come with it."""
    values = {"c": clinic, "ids": list(messages)}
    kept = select(verdict).where(_v.clinic == bindparam("c"), among(_v.message, "ids"))
    found = [
        Kept(row["message"], row["phase"], _judged(row)) for row in conn.execute(kept, values).mappings()
    ]
    made = select(_t.message, _t.number, _t.started_at, _t.basis, _t.facts)
    tried = made.where(_t.clinic == bindparam("c"), among(_t.message, "ids"), _t.facts.is_not(None))
    found += [
        Kept(
            row.message,
            DISPATCH,
            Judged(ALLOW, row.started_at, None, None, row.basis or "", row.facts),
            row.number,
        )
        for row in conn.execute(tried, values)
    ]
    return sorted(found, key=lambda one: (one.message, one.judged.at, one.phase == DISPATCH))


def _judged(row: Any) -> Judged:
    return Judged(row["kind"], row["at"], row["reason"], row["until"], row["basis"], row["facts"])
