"""Custom lists: named people with values of their own; a list never changes, the newest of a name counts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, bindparam, delete, func, select

from gateway.domain import RecipientKind
from store import ids, register
from store.batch import among
from store.register import Told
from store.schema import broadcast, custom_list, custom_list_entry

_CHUNK = 1000
_l, _e, _b = custom_list.c, custom_list_entry.c, broadcast.c


@dataclass(frozen=True, slots=True)
class Member:
    """One row of a list: whose it is, and the values of its columns."""

    person: str
    values: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CustomList:
    """A list as it is shown; `columns` are placeholders for its messages."""

    id: int
    name: str
    kind: RecipientKind
    columns: tuple[str, ...]
    created_at: datetime
    members: int = 0


def _nobody(count: int) -> None:
    """Hears nothing."""


def save(
    conn: Connection,
    clinic: int,
    name: str,
    kind: RecipientKind,
    columns: Sequence[str],
    rows: Iterable[Member],
    now: datetime,
    told: Told = _nobody,
) -> list[Member]:
    """Write a list down; returns those who are not known. Older ones that no broadcast uses are removed.

    One of which nobody is known is not written: the list that is there stays.
    """
    number = ids.take(conn, clinic, "custom_list")
    conn.execute(
        custom_list.insert(),
        {
            "clinic": clinic,
            "id": number,
            "name": name,
            "kind": kind.value,
            "columns": list(columns),
            "created_at": now,
        },
    )
    unknown: list[Member] = []
    taken: set[int] = set()
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        known = register.numbers(conn, clinic, {(kind.value, row.person) for row in chunk})
        unknown += (row for row in chunk if (kind.value, row.person) not in known)
        # Several rows may be of clients who became one: the last one counts.
        values = {
            known[kind.value, row.person]: dict(row.values)
            for row in chunk
            if (kind.value, row.person) in known and known[kind.value, row.person] not in taken
        }
        taken |= values.keys()
        if values:
            one = {"clinic": clinic, "list": number}
            rows_of = [one | {"recipient": who, "values": said} for who, said in values.items()]
            conn.execute(custom_list_entry.insert(), rows_of)
        told(len(chunk))
    if unknown and not taken:
        conn.execute(delete(custom_list).where(_l.clinic == clinic, _l.id == number))
        return unknown
    _forget_older(conn, clinic, name, number)
    return unknown


def _forget_older(conn: Connection, clinic: int, name: str, newest: int) -> None:
    used = select(_b.custom_list).where(_b.clinic == clinic, _b.custom_list.is_not(None))
    older = conn.execute(
        select(_l.id).where(_l.clinic == clinic, _l.name == name, _l.id < newest, _l.id.not_in(used))
    ).scalars()
    for number in older.all():
        conn.execute(delete(custom_list_entry).where(_e.clinic == clinic, _e.list == number))
        conn.execute(delete(custom_list).where(_l.clinic == clinic, _l.id == number))


def listing(conn: Connection, clinic: int) -> list[CustomList]:
    """The newest list of each name, with how many are on it."""
    newest = select(func.max(_l.id)).where(_l.clinic == clinic).group_by(_l.name)
    return _lists(conn, clinic, _l.id.in_(newest))


def find(conn: Connection, clinic: int, name: str) -> CustomList | None:
    """The newest list of a name."""
    newest = select(func.max(_l.id)).where(_l.clinic == clinic, _l.name == name)
    return next(iter(_lists(conn, clinic, _l.id == newest.scalar_subquery())), None)


def columns(conn: Connection, clinic: int, number: int) -> tuple[str, ...]:
    """The columns of a list, by its number."""
    found = conn.execute(select(_l.columns).where(_l.clinic == clinic, _l.id == number)).scalar()
    return tuple(found or ())


def _lists(conn: Connection, clinic: int, condition: Any) -> list[CustomList]:
    members = (
        select(func.count())
        .select_from(custom_list_entry)
        .where(_e.clinic == _l.clinic, _e.list == _l.id)
        .scalar_subquery()
    )
    query = select(_l.id, _l.name, _l.kind, _l.columns, _l.created_at, members)
    rows = conn.execute(query.where(_l.clinic == clinic, condition).order_by(_l.name))
    return [
        CustomList(id, name, RecipientKind(kind), tuple(columns), at, count)
        for id, name, kind, columns, at, count in rows
    ]


_VALUES = select(_e.list, _e.recipient, _e["values"]).where(
    _e.clinic == bindparam("c"), among(_e.list, "lists"), among(_e.recipient, "people")
)


def values(
    conn: Connection, clinic: int, wanted: Collection[tuple[int, int]]
) -> dict[tuple[int, int], Mapping[str, str]]:
    """What each (list, recipient) has in its columns."""
    if not wanted:
        return {}
    lists, people = {one for one, _ in wanted}, {person for _, person in wanted}
    asked = {"c": clinic, "lists": sorted(lists), "people": sorted(people)}
    return {(number, person): found for number, person, found in conn.execute(_VALUES, asked)}
