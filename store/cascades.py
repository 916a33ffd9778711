"""The steps of a cascade: what became of the others, and what follows when one ends or is answered."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)

from gateway.domain import DUE_STATES, Channel, ReplyKind, State, Step
from store import bundles
from store.batch import Rows, among
from store.queue import in_states
from store.schema import bundled, message, reply

_b, _m, _r = bundled.c, message.c, reply.c
_later = message.alias("later")
_BEGUN = (State.SENDING, State.ACCEPTED, State.DELIVERED, State.UNKNOWN)
_SENT = (State.ACCEPTED, State.DELIVERED, State.UNKNOWN)
# What is as good as a reply: the call itself was the talk.
_ANSWERED_BY = ("confirmed", "visit-cancelled", "transferred", "opted-out")
ANSWERS = frozenset(
    {ReplyKind.CONFIRM, ReplyKind.CANCEL, ReplyKind.NOT_COMING, ReplyKind.OPT_OUT},
)


@dataclass(frozen=True, slots=True)
class Standing:
    """What a step must know of the others; `overtaken`: a later one has begun."""

    steps: tuple[Step, ...] = ()
    overtaken: bool = False
    answered: str | None = None


# (broadcast, recipient, appointment, step)
Place = tuple[int, int, int, int]

_wanted = Rows("wanted", n=BigInteger, broadcast=BigInteger, recipient=BigInteger, appointment=BigInteger)
_COLUMNS = (
    _wanted["n"],
    _m.id,
    _m.step,
    _m.channel,
    _m.state,
    _m.started_at,
    _m.updated_at,
    _m.due_at,
    _m.cause,
)


def _about_wanted(table: Any) -> ColumnElement[bool]:
    return and_(
        table.c.clinic == bindparam("c"),
        table.c.broadcast == _wanted["broadcast"],
        table.c.recipient == _wanted["recipient"],
        table.c.appointment == _wanted["appointment"],
    )


_STEPS = select(*_COLUMNS).select_from(_wanted.table).join(message, _about_wanted(message))
# Those that told of it beside another visit.
_STEPS_BESIDE = (
    select(*_COLUMNS)
    .select_from(_wanted.table)
    .join(bundled, _about_wanted(bundled))
    .join(message, and_(_m.clinic == _b.clinic, _m.id == _b.message))
)
_REPLIES = select(_r.message, _r.kind).where(
    _r.clinic == bindparam("c"),
    among(_r.message, "ids"),
    _r.kind.in_([literal_column(f"'{kind}'") for kind in sorted(ANSWERS)]),
)


def standings(conn: Connection, clinic: int, places: Sequence[Place]) -> list[Standing]:
    """How the cascade of each visit stands, seen from a step of it."""
    if not places:
        return []
    wanted = [(n, *about) for n, (*about, _) in enumerate(places)]
    rows: list[list[Any]] = [[] for _ in places]
    for query in (_STEPS, _STEPS_BESIDE):
        for row in conn.execute(query, {"c": clinic, "wanted": wanted}):
            rows[row.n].append(row)
    ids = sorted({row.id for steps in rows for row in steps})
    said = {row.message: row.kind for row in conn.execute(_REPLIES, {"c": clinic, "ids": ids})}
    return [
        _standing(step, sorted(found, key=lambda row: row.step), said)
        for (*_, step), found in zip(places, rows, strict=True)
    ]


def _standing(number: int, rows: Sequence[Any], said: dict[int, str]) -> Standing:
    answers = [said.get(row.id) or (row.cause if row.cause in _ANSWERED_BY else None) for row in rows]
    return Standing(
        steps=tuple(_step(row) for row in rows if row.step < number),
        overtaken=any(row.step > number and State(row.state) in _BEGUN for row in rows),
        answered=next((answer for answer in answers if answer), None),
    )


def _step(row: Any) -> Step:
    state = State(row.state)
    # A receipt comes later than what it is about.
    ended_at = row.started_at if state in _SENT and row.started_at else row.updated_at
    return Step(Channel(row.channel), state, ended_at, row.due_at)


_waits = (
    _m.clinic == bindparam("c"),
    _m.due_at > bindparam("now"),
    in_states(DUE_STATES),
    # The pause before another attempt is kept.
    _m.attempt == literal_column("0"),
)
_PULL = (
    update(message)
    .where(
        *_waits,
        _m.id.in_(
            select(_later.c.id)
            .join(
                message,
                and_(
                    _later.c.clinic == _m.clinic,
                    _later.c.broadcast == _m.broadcast,
                    _later.c.recipient == _m.recipient,
                    _later.c.appointment == _m.appointment,
                    _later.c.step > _m.step,
                ),
            )
            .where(_m.clinic == bindparam("c"), among(_m.id, "ended"), _m.broadcast > 0)
            .correlate(None)
        ),
    )
    .values(due_at=bindparam("now"))
)


def _behind(number: Any, later: Any, ended: Any, among_ended: Any) -> Any:
    """The numbers of messages with a visit of one that ended, in a later step."""
    same = and_(
        later.clinic == ended.clinic,
        later.broadcast == ended.broadcast,
        later.recipient == ended.recipient,
        later.appointment == ended.appointment,
        later.step > ended.step,
    )
    query = select(number).select_from(ended.clinic.table.join(later.clinic.table, same))
    return query.where(ended.clinic == bindparam("c"), among(among_ended, "ended")).correlate(None)


_beside = bundled.alias("beside")
_PULL_BUNDLES = (
    update(message)
    .where(
        *_waits,
        or_(
            _m.id.in_(_behind(_later.c.id, _later.c, _b, _b.message)),
            _m.id.in_(_behind(_beside.c.message, _beside.c, _later.c, _later.c.id)),
            _m.id.in_(_behind(_beside.c.message, _beside.c, _b, _b.message)),
        ),
    )
    .values(due_at=bindparam("now"))
)


def follow(conn: Connection, clinic: int, ended: Collection[int], now: datetime) -> None:
    """These reached nobody: what waits behind them is judged now."""
    if ended:
        values = {"c": clinic, "ended": list(ended), "now": now}
        conn.execute(_PULL, values)
        conn.execute(_PULL_BUNDLES, values)


def stop(conn: Connection, clinic: int, answered: int, now: datetime) -> int:
    """Somebody answered this message: other steps that have not begun are cancelled; how many.

    One that tells of other visits, too, is left: those that were answered are taken out when it is judged.
    """
    one = select(_m.broadcast, _m.recipient, _m.appointment).where(_m.clinic == clinic, _m.id == answered)
    about = conn.execute(one).first()
    if about is None or not about.broadcast:
        return 0
    told = bundles.members(conn, clinic, [answered]).get(answered, [])
    visits = [(about.recipient, about.appointment), *told]
    of_others = exists().where(
        _b.clinic == _m.clinic,
        _b.message == _m.id,
        tuple_(_b.recipient, _b.appointment).not_in(visits),
    )
    others = (
        update(message)
        .where(
            _m.clinic == clinic,
            _m.broadcast == about.broadcast,
            tuple_(_m.recipient, _m.appointment).in_(visits),
            _m.id != answered,
            _m.attempt == 0,
            in_states((State.SCHEDULED, State.QUEUED, State.CLAIMED)),
            ~of_others,
        )
        .values(
            state=State.CANCELLED.value,
            reason="already-answered",
            lease_owner=None,
            lease_until=None,
            updated_at=now,
        )
    )
    return conn.execute(others).rowcount
