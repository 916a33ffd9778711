"""Rules: broadcasts that plan by themselves, and the days that were planned, each by one gateway alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, select, update

from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType
from store import broadcasts, ids
from store.facts import as_broadcast, orders
from store.schema import broadcast, occurrence, rule
from store.upsert import insert_into

_u, _o, _b = rule.c, occurrence.c, broadcast.c
PLANNED, STALE = "planned", "stale"


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it is kept; gateway.schedule reads the schedule."""

    id: int
    name: str
    type: MessageType
    broadcast_class: BroadcastClass
    channel: Channel
    only_preference: bool
    templates: Mapping[str, Mapping[str, str]]
    schedule: Mapping[str, Any]
    cascade: Any = None
    bundle: bool = False
    list_name: str | None = None
    enabled: bool = True
    by: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A day of a rule that was looked at, and the broadcast that came of it."""

    day: date
    step: int
    state: str
    broadcast: int | None
    at: datetime


def add(conn: Connection, clinic: int, wanted: Rule, now: datetime) -> int | None:
    """Write down a rule; its number, or None when there is one of this name."""
    number = ids.take(conn, clinic, "rule")
    if find(conn, clinic, wanted.name) is not None:
        return None
    conn.execute(
        rule.insert(),
        {
            "clinic": clinic,
            "id": number,
            "name": wanted.name,
            "type": wanted.type.value,
            "class": wanted.broadcast_class.value,
            "channel": wanted.channel.value,
            "only_preference": wanted.only_preference,
            "templates": {name: dict(texts) for name, texts in wanted.templates.items()},
            "schedule": dict(wanted.schedule),
            "cascade": wanted.cascade,
            "bundle": wanted.bundle,
            "list_name": wanted.list_name,
            "enabled": wanted.enabled,
            "by": wanted.by,
            "created_at": now,
        },
    )
    return number


def listing(conn: Connection, clinic: int) -> list[Rule]:
    """Every rule that was not deleted, by name."""
    query = select(rule).where(_u.clinic == clinic, _u.deleted_at.is_(None)).order_by(_u.name)
    return [_as_rule(row) for row in conn.execute(query).mappings()]


def find(conn: Connection, clinic: int, name: str) -> Rule | None:
    """The rule of a name."""
    query = select(rule).where(_u.clinic == clinic, _u.name == name, _u.deleted_at.is_(None))
    row = conn.execute(query).mappings().first()
    return _as_rule(row) if row else None


def of_number(conn: Connection, clinic: int, number: int) -> Rule | None:
    """The rule of a number, unless it was deleted."""
    query = select(rule).where(_u.clinic == clinic, _u.id == number, _u.deleted_at.is_(None))
    row = conn.execute(query).mappings().first()
    return _as_rule(row) if row else None


def switch(conn: Connection, clinic: int, number: int, enabled: bool) -> None:
    """Let a rule plan, or stop it from planning."""
    conn.execute(update(rule).where(_u.clinic == clinic, _u.id == number).values(enabled=enabled))


def delete(conn: Connection, clinic: int, number: int, now: datetime) -> None:
    """The rule plans no more; what it planned can still be looked up."""
    gone = update(rule).where(_u.clinic == clinic, _u.id == number)
    conn.execute(gone.values(enabled=False, deleted_at=now))


def claim(
    conn: Connection, clinic: int, number: int, day: date, step: int, wanted: Broadcast | None, now: datetime
) -> int | None:
    """Take a day of a rule, and order its broadcast (None: it is stale); the broadcast's number.

    None as well when another gateway has the day, or the rule is not to plan any more.
    """
    enabled = select(_u.enabled).where(_u.clinic == clinic, _u.id == number).with_for_update(read=True)
    if not conn.execute(enabled).scalar():
        return None
    taken = conn.execute(
        insert_into(conn, occurrence)
        .values(clinic=clinic, rule=number, day=day, step=step, state=STALE, at=now)
        .on_conflict_do_nothing()
    )
    if not taken.rowcount or wanted is None:
        return None
    order = broadcasts.order(conn, clinic, wanted, now)
    mine = (_o.clinic == clinic, _o.rule == number, _o.day == day, _o.step == step)
    conn.execute(update(occurrence).where(*mine).values(state=PLANNED, broadcast=order))
    return order


def occurrences(conn: Connection, clinic: int, number: int, since: date) -> list[Occurrence]:
    """The days of a rule from that one on, newest last."""
    mine = (_o.clinic == clinic, _o.rule == number, _o.day >= since)
    query = select(_o.day, _o.step, _o.state, _o.broadcast, _o.at).where(*mine).order_by(_o.day, _o.step)
    return [Occurrence(*row) for row in conn.execute(query)]


def waiting(conn: Connection, clinic: int, now: datetime) -> list[Broadcast]:
    """Broadcasts of rules that are enabled and whose days are not over: who is booked late is added."""
    enabled = select(_u.id).where(_u.clinic == clinic, _u.enabled)
    query = orders(clinic).where(
        _b.state == broadcasts.ACTIVE,
        _b.starts_until > now,
        _b.rule.in_(enabled),
    )
    rows = conn.execute(query.order_by(_b.starts_until, _b.id)).mappings()
    return [as_broadcast(row) for row in rows]


def planned(conn: Connection, clinic: int, number: int) -> list[int]:
    """The broadcasts of a rule that may still have messages that wait, newest first."""
    open_ones = _b.state.in_((broadcasts.PLANNING, broadcasts.ACTIVE))
    query = select(_b.id).where(_b.clinic == clinic, _b.rule == number, _b.rule.is_not(None), open_ones)
    return list(conn.execute(query.order_by(_b.id.desc())).scalars())


def cancel_planned(conn: Connection, clinic: int, number: int, now: datetime) -> int:
    """Cancel what a rule has planned and not sent yet; how many messages that were."""
    return sum(broadcasts.cancel(conn, clinic, one, now) or 0 for one in planned(conn, clinic, number))


@dataclass(frozen=True, slots=True)
class Made:
    """A broadcast that a rule planned."""

    rule: int
    broadcast: int
    name: str
    send_at: datetime
    state: str


def made_between(
    conn: Connection, clinic: int, since: datetime, until: datetime, most: int = 500
) -> list[Made]:
    """What rules have planned for [since, until), in the order in which it goes."""
    columns = (_b.rule, _b.id, _b.name, _b.send_at, _b.state)
    mine = (_b.clinic == clinic, _b.rule.is_not(None), _b.send_at >= since, _b.send_at < until)
    query = select(*columns).where(*mine).order_by(_b.send_at, _b.id).limit(most)
    return [Made(*row) for row in conn.execute(query)]


def _as_rule(row: Any) -> Rule:
    return Rule(
        id=row["id"],
        name=row["name"],
        type=MessageType(row["type"]),
        broadcast_class=BroadcastClass(row["class"]),
        channel=Channel(row["channel"]),
        only_preference=row["only_preference"],
        templates=row["templates"],
        schedule=row["schedule"],
        cascade=row["cascade"],
        bundle=row["bundle"],
        list_name=row["list_name"],
        enabled=row["enabled"],
        by=row["by"],
        created_at=row["created_at"],
    )
