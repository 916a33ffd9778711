"""Renewals that fall due, and birthdays: imported, and as what a message is about."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, Text, bindparam, select

from gateway.domain import Occasion, RecipientKind
from store import ids, register, visits
from store.batch import Rows, among
from store.register import Told
from store.schema import recipient, renewal
from store.upsert import for_each_engine

_CHUNK = 1000
_n, _r = renewal.c, recipient.c
OPEN = "open"


@dataclass(frozen=True, slots=True)
class Renewal:
    """A renewal as an import row gives it, with the external id of whose it is."""

    external_id: str
    kind: RecipientKind
    person: str
    name: str
    due_on: date
    status: str = OPEN


def _saving(insert: Any) -> Any:
    adding = insert(renewal)
    new = {name: adding.excluded[name] for name in ("recipient", "name", "due_on", "status")}
    return adding.on_conflict_do_update(index_elements=[_n.clinic, _n.external_id], set_=new)


_SAVE = for_each_engine(_saving)


def _nobody(count: int) -> None:
    """Hears nothing."""


def save(
    conn: Connection,
    clinic: int,
    rows: Iterable[Renewal],
    told: Told = _nobody,
    now: datetime | None = None,
) -> list[Renewal]:
    """Add or update renewals by external id, all or none; returns those whose person is not known.

    `now`: messages that wait for one that falls due on another day, or not at all, are judged again.
    """
    unknown: list[Renewal] = []
    left = iter(rows)
    while chunk := list(islice(left, _CHUNK)):
        known = register.numbers(conn, clinic, {(row.kind.value, row.person) for row in chunk})
        good = [row for row in chunk if (row.kind.value, row.person) in known]
        unknown += (row for row in chunk if (row.kind.value, row.person) not in known)
        if good:
            # One series with appointments: see the table.
            first = ids.take(conn, clinic, "appointment", len(good))
            values = [_row(clinic, id, row, known) for id, row in enumerate(good, first)]
            changed = _changed(conn, clinic, values) if now else []
            conn.execute(_SAVE[conn.dialect.name], values)
            if now:
                visits.follow(conn, clinic, changed, now)
        told(len(chunk))
    return unknown


_wanted = Rows("wanted", external_id=Text)
_KNOWN = (
    _wanted.select()
    .add_columns(_n.id, _n.due_on, _n.status, _n.recipient)
    .join(renewal, _n.external_id == _wanted["external_id"])
    .where(_n.clinic == bindparam("c"))
)


def _changed(conn: Connection, clinic: int, rows: Collection[Mapping[str, Any]]) -> list[int]:
    """The numbers of renewals that these rows move to another day, settle, or give to somebody else."""
    asked = {"c": clinic, "wanted": [[row["external_id"]] for row in rows]}
    after = {row["external_id"]: (row["due_on"], row["status"], row["recipient"]) for row in rows}
    return [id for name, id, *before in conn.execute(_KNOWN, asked) if tuple(before) != after[name]]


def _row(clinic: int, id: int, row: Renewal, known: Mapping[register.Key, int]) -> dict[str, Any]:
    return {
        "clinic": clinic,
        "id": id,
        "external_id": row.external_id,
        "recipient": known[row.kind.value, row.person],
        "name": row.name,
        "due_on": row.due_on,
        "status": row.status,
    }


# --- what messages are about ---

_RENEWALS = select(_n.id, _n.due_on, _n.name, _n.status, _n.recipient).where(
    _n.clinic == bindparam("c"), among(_n.id, "ids")
)
_BIRTHS = select(_r.id, _r.birth_date).where(_r.clinic == bindparam("c"), among(_r.id, "ids"))


def occasions(
    conn: Connection, clinic: int, wanted: Collection[tuple[int, str]]
) -> dict[tuple[int, str], Occasion]:
    """The renewals with these numbers, each in a zone."""
    rows = conn.execute(_RENEWALS, {"c": clinic, "ids": [number for number, _ in wanted]}) if wanted else ()
    found = {row[0]: row for row in rows}
    return {
        (number, zone): occasion(number, found[number][1], zone, *found[number][2:])
        for number, zone in wanted
        if number in found
    }


def birth_dates(conn: Connection, clinic: int, people: Collection[int]) -> dict[int, date]:
    """When these people were born, where that is known."""
    rows = conn.execute(_BIRTHS, {"c": clinic, "ids": list(people)}) if people else ()
    return {number: born for number, born in rows if born is not None}


def birthday(born: date, year: int, zone: str) -> Occasion:
    """A birthday; whoever was born on 29 February has it on the 28th of other years."""
    return occasion(-year, _in_year(born, year), zone)


def _in_year(born: date, year: int) -> date:
    try:
        return born.replace(year=year)
    except ValueError:
        return date(year, 2, 28)


def occasion(
    number: int, day: date, zone: str, name: str = "", status: str = OPEN, recipient: int | None = None
) -> Occasion:
    """A day in the clinic's zone."""
    return Occasion(number, day, *_bounds(day, zone), name, status, recipient)


# Thousands of messages are about the same day.
@lru_cache(maxsize=4096)
def _bounds(day: date, zone: str) -> tuple[datetime, datetime]:
    return midnight(day, zone), midnight(day + timedelta(days=1), zone)


def midnight(day: date, zone: str) -> datetime:
    """When a day begins there (UTC): where clocks change at midnight, the first moment that exists."""
    return datetime.combine(day, time(), ZoneInfo(zone)).astimezone(_UTC)


_UTC = ZoneInfo("UTC")


def day_of(moment: datetime, zone: str) -> date:
    """The clinic's day of a moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def birthdays_between(first: date, until: date) -> dict[int, int]:
    """The year of the birthday by month * 100 + day, of those in [first, until); a year at most."""
    found: dict[int, int] = {}
    for number in range(min((until - first).days, 366)):
        day = first + timedelta(days=number)
        found.setdefault(day.month * 100 + day.day, day.year)
        if (day.month, day.day) == (2, 28) and (day + timedelta(days=1)).day != 29:
            found.setdefault(229, day.year)
    return found
