"""What an import does, for command line and console: read a file of a kind, write what is good in it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from gateway import imports
from gateway.domain import RecipientKind
from gateway.imports import Parsed, Problem
from gateway.settings import Clinic
from gateway.written import Written
from store import lists, register, renewals
from store.register import Key, Told


class Kind(StrEnum):
    """What a file has rows of."""

    CLIENTS = "clients"
    APPOINTMENTS = "appointments"
    RENEWALS = "renewals"
    STAFF = "staff"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class Reading:
    """What a file says. Of a list: `columns`, its `name`, and whose ids it has."""

    kind: Kind
    parsed: Parsed[Any]
    columns: tuple[str, ...] = ()
    name: str = ""
    of: RecipientKind = RecipientKind.CLIENT


def read(
    kind: Kind,
    file: Path,
    clinic: Clinic,
    written: Written | None = None,
    name: str = "",
    of: RecipientKind = RecipientKind.CLIENT,
) -> Reading:
    """Read a file; raises ImportFileError when it cannot be read at all."""
    match kind:
        case Kind.CLIENTS:
            return Reading(kind, imports.read_clients(file, clinic, written))
        case Kind.STAFF:
            return Reading(kind, imports.read_staff(file, clinic, written))
        case Kind.APPOINTMENTS:
            return Reading(kind, imports.read_appointments(file, clinic, written))
        case Kind.RENEWALS:
            return Reading(kind, imports.read_renewals(file, written))
        case Kind.LIST:
            columns, parsed = imports.read_list(file, written)
            return Reading(kind, parsed, columns, name, of)


def write(
    conn: Connection, clinic: int, reading: Reading, visit_minutes: int, now: datetime, told: Told
) -> list[Problem]:
    """Write all good rows in one transaction; what is wrong with those that name somebody unknown.

    `visit_minutes`: how long an appointment takes; 0: none are in mails, so no calendar has to follow.
    """
    numbered = reading.parsed.rows
    rows = [row for _, row in numbered]
    match reading.kind:
        case Kind.CLIENTS | Kind.STAFF:
            register.save_people(conn, clinic, rows, now, told)
            return []
        case Kind.APPOINTMENTS:
            mailed = now if visit_minutes else None
            strays = register.save_visits(conn, clinic, rows, told, mailed, now)
            unknown = {visit.external_id for visit in strays}
            why = "the client or the staff member is not known: import them first"
            return [Problem(line, "client", why) for line, one in numbered if one.external_id in unknown]
        case Kind.RENEWALS:
            unknown = {one.external_id for one in renewals.save(conn, clinic, rows, told, now)}
            why = "is not known: import clients and staff first"
            return [
                Problem(line, one.kind.value, why) for line, one in numbered if one.external_id in unknown
            ]
        case Kind.LIST:
            return _write_list(conn, clinic, reading, now, told)


def strangers(conn: Connection, clinic: int, reading: Reading) -> list[Problem]:
    """What would be wrong with rows that name somebody unknown, before anything is written."""
    named = [(line, key) for line, row in reading.parsed.rows for key in _named(reading, row)]
    known = register.numbers(conn, clinic, {key for _, key in named})
    why = "is not known: import clients and staff first"
    return [Problem(line, key[0], why) for line, key in named if key not in known]


def _named(reading: Reading, row: Any) -> list[Key]:
    match reading.kind:
        case Kind.APPOINTMENTS:
            staff = [(RecipientKind.STAFF.value, row.staff)] if row.staff else []
            return [(RecipientKind.CLIENT.value, row.client), *staff]
        case Kind.RENEWALS:
            return [(row.kind.value, row.person)]
        case Kind.LIST:
            return [(reading.of.value, row.person)]
    return []


def _write_list(conn: Connection, clinic: int, reading: Reading, now: datetime, told: Told) -> list[Problem]:
    rows = [row for _, row in reading.parsed.rows]
    if reading.parsed.problems and not rows:
        # The list that is there stays.
        return []
    strays = lists.save(conn, clinic, reading.name, reading.of, reading.columns, rows, now, told)
    unknown = {member.person for member in strays}
    why = f"is not known among {reading.of.value}s: import them first"
    return [Problem(line, "id", why) for line, one in reading.parsed.rows if one.person in unknown]
