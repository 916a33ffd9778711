"""What the SMSC calls each segment, and what its receipts say of it, whichever of the two comes first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    String,
    Text,
    and_,
    bindparam,
    case,
    exists,
    null,
    or_,
    select,
    true,
    update,
)

from gateway.domain import Channel
from store.batch import Rows, among
from store.outside import storable
from store.schema import message, segment
from store.tables import Instant
from store.upsert import for_each_engine

_g = segment.c


@dataclass(frozen=True, slots=True)
class Named:
    """The response called a segment of this attempt so."""

    remote_id: str
    message: int
    attempt: int


@dataclass(frozen=True, slots=True)
class Heard:
    """A receipt says this of a segment; `outcome` is the outcome's word."""

    remote_id: str
    outcome: str
    cause: str


_rows = Rows("rows", remote_id=Text, message=BigInteger, attempt=Integer, outcome=Text, cause=Text)


def _writing(change: Callable[[Any], dict[str, Any]]) -> dict[str, Any]:
    """INSERT the rows, `change` what is there already; returns the row as it is then."""

    def build(insert: Any) -> Any:
        fixed = {"c": Integer, "on": String, "now": Instant}
        rows = _rows.select(*(bindparam(name, type_=type) for name, type in fixed.items()))
        columns = ["clinic", "channel", "at", *_rows.names]
        # SQLite reads "SELECT … ON CONFLICT" as a join unless there is a WHERE between them.
        statement = insert(segment).from_select(columns, rows.where(true()))
        key = [_g.clinic, _g.channel, _g.remote_id]
        return statement.on_conflict_do_update(index_elements=key, set_=change(statement.excluded)).returning(
            _g.remote_id, _g.message, _g.attempt, _g.outcome
        )

    return for_each_engine(build)


def _name(new: Any) -> dict[str, Any]:
    same = and_(_g.message == new.message, _g.attempt == new.attempt)
    # The other side may use an id again: then what its receipts said was of an earlier message.
    ours_or_early = or_(_g.message == 0, same)
    return {
        "message": new.message,
        "attempt": new.attempt,
        "outcome": case((ours_or_early, _g.outcome), else_=null()),
        "cause": case((ours_or_early, _g.cause), else_=null()),
        "at": new.at,
    }


def _hear(new: Any) -> dict[str, Any]:
    # A segment that was delivered or failed stays so: receipts come doubled and out of order.
    final = and_(_g.message != 0, _g.outcome.in_(("delivered", "failed")))
    return {
        "outcome": case((final, _g.outcome), else_=new.outcome),
        "cause": case((final, _g.cause), else_=new.cause),
    }


_NAME, _HEAR = _writing(_name), _writing(_hear)


def remember(
    conn: Connection, clinic: int, channel: Channel, named: Sequence[Named], now: datetime
) -> set[tuple[int, int]]:
    """Write down what segments are called; returns (message, attempt) where a receipt was here already."""
    rows = [(one.remote_id, one.message, one.attempt, None, None) for one in named]
    written = _write(conn, _NAME, clinic, channel, rows, now)
    return {(message, attempt) for _, message, attempt, outcome in written if outcome is not None}


def note(
    conn: Connection, clinic: int, channel: Channel, heard: Sequence[Heard], now: datetime
) -> list[tuple[int, int]]:
    """Keep what receipts say; (message, attempt) of each, both 0 while no response has named it.

    Of several about one segment the first that says delivered or failed counts, else the last.
    """
    ids = [storable(one.remote_id) for one in heard]
    rows = [(id, 0, 0, one.outcome, one.cause) for id, one in zip(ids, heard, strict=True)]
    found = {
        id: (message, attempt) for id, message, attempt, _ in _write(conn, _HEAR, clinic, channel, rows, now)
    }
    return [found[id] for id in ids]


def _write(
    conn: Connection, statements: Any, clinic: int, channel: Channel, rows: Sequence[Any], now: datetime
) -> list[Any]:
    values = {"c": clinic, "on": channel.value, "now": now}
    written: list[Any] = []
    for each in _rounds(rows):
        written += conn.execute(statements[conn.dialect.name], values | {"rows": each}).all()
    return written


def _rounds(rows: Sequence[Any]) -> Iterable[list[Any]]:
    """The rows in lists that name each segment once: one statement cannot change a row twice."""
    while rows:
        first: dict[str, Any] = {}
        again = [row for row in rows if first.setdefault(row[0], row) is not row]
        # In one order, so that two writers do not wait for each other.
        yield [first[id] for id in sorted(first)]
        rows = again


@dataclass(frozen=True, slots=True)
class About:
    """The message that a segment is known to be of: where it went, and whether it has other segments."""

    address: str
    several: bool


_asked = Rows("asked", remote_id=Text)
_sibling = segment.alias("sibling")
_ABOUT = select(
    _g.remote_id,
    message.c.address,
    exists().where(
        _sibling.c.clinic == _g.clinic,
        _sibling.c.message == _g.message,
        _sibling.c.attempt == _g.attempt,
        or_(_sibling.c.remote_id != _g.remote_id, _sibling.c.channel != _g.channel),
    ),
).where(
    _g.clinic == bindparam("c"),
    _g.channel == bindparam("on", type_=String),
    _g.remote_id == _asked["remote_id"],
    message.c.clinic == _g.clinic,
    message.c.id == _g.message,
)


def about(conn: Connection, clinic: int, channel: Channel, remote_ids: Collection[str]) -> dict[str, About]:
    """What is known of the messages that these segments are of."""
    values = {"c": clinic, "on": channel.value, "asked": [(storable(id),) for id in remote_ids]}
    rows = conn.execute(_ABOUT, values).all() if remote_ids else ()
    return {id: About(address, bool(several)) for id, address, several in rows}


def adopt(conn: Connection, clinic: int, channel: Channel, remote_id: str, number: int, attempt: int) -> None:
    """A receipt that nobody's response named turned out to belong to this attempt."""
    conn.execute(
        update(segment)
        .where(_g.clinic == clinic, _g.channel == channel.value, _g.remote_id == storable(remote_id))
        .values(message=number, attempt=attempt)
    )


_KNOWN = select(_g.message, _g.attempt, _g.outcome, _g.cause).where(
    _g.clinic == bindparam("c"), among(_g.message, "ids")
)


def known(
    conn: Connection, clinic: int, messages: Collection[int]
) -> dict[tuple[int, int], list[tuple[str | None, str]]]:
    """By (message, attempt), the (outcome, cause) of each segment; None while its receipt is missing."""
    found: dict[tuple[int, int], list[tuple[str | None, str]]] = defaultdict(list)
    if messages:
        for number, attempt, outcome, cause in conn.execute(_KNOWN, {"c": clinic, "ids": list(messages)}):
            found[number, attempt].append((outcome, cause or ""))
    return found
