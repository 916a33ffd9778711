"""CSV files of clients, staff and appointments: every bad value is told with its line and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers

from gateway.domain import Channel, RecipientKind, RingwellError
from gateway.settings import Clinic
from store.people import Person, Visit

T = TypeVar("T")
Row = Mapping[str, str]


class ImportFileError(RingwellError):
    """The file as a whole cannot be imported; nothing was."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A value that was not taken. `column` is empty when the row as a whole is at fault."""

    line: int
    column: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed(Generic[T]):
    """The rows that can be imported, with their lines, and what is wrong with the others."""

    rows: list[tuple[int, T]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class _BadValueError(Exception):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column
        self.reason = reason


PERSON_COLUMNS = (
    "id",
    "given_name",
    "family_name",
    "mobile",
    "phone",
    "email",
    "fax",
    "language",
    "time_zone",
    "preferred_contact_method",
    "messaging_consent",
)
CLIENT_COLUMNS = (
    *PERSON_COLUMNS,
    "use_client_detail_info",
    "messaging_mobile",
    "messaging_phone",
    "messaging_email",
    "messaging_fax",
)
APPOINTMENT_COLUMNS = ("id", "client", "staff", "starts_at", "service", "clinician", "status")

_REQUIRED = {"id", "given_name", "family_name"}
_REQUIRED_VISIT = {"id", "client", "starts_at"}
_METHODS = {
    "voice": Channel.VOICE,
    "phone": Channel.VOICE,
    "text": Channel.SMS,
    "sms": Channel.SMS,
    "email": Channel.EMAIL,
    "fax": Channel.FAX,
}
_FLAGS = {
    "yes": True,
    "y": True,
    "true": True,
    "1": True,
    "no": False,
    "n": False,
    "false": False,
    "0": False,
}
_MAILBOX = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9.-]{1,253}\Z")
# Also those of Latin-1, and the line ends of Unicode.
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_STATUSES = ("booked", "cancelled", "completed")


def read_clients(file: Path, clinic: Clinic) -> Parsed[Person]:
    """Clients of a CSV file; raises ImportFileError when it cannot be read at all."""
    parse = _person_parser(RecipientKind.CLIENT, clinic)
    return _read(file, CLIENT_COLUMNS, _REQUIRED, parse)


def read_staff(file: Path, clinic: Clinic) -> Parsed[Person]:
    """Staff of a CSV file."""
    return _read(file, PERSON_COLUMNS, _REQUIRED, _person_parser(RecipientKind.STAFF, clinic))


def read_appointments(file: Path, clinic: Clinic) -> Parsed[Visit]:
    """Appointments of a CSV file; times without an offset are the clinic's local time."""
    zone = ZoneInfo(clinic.zone)
    return _read(file, APPOINTMENT_COLUMNS, _REQUIRED_VISIT, lambda row: _visit(row, zone))


def _read(file: Path, columns: Iterable[str], required: set[str], parse: Callable[[Row], T]) -> Parsed[T]:
    parsed: Parsed[T] = Parsed()
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, delimiter=_delimiter(stream.readline()))
            stream.seek(0)
            _parse_rows(reader, set(columns), required, parse, parsed)
    except OSError as error:
        raise ImportFileError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImportFileError(f"{file} is not UTF-8: save it as 'CSV UTF-8'") from error
    except csv.Error as error:
        raise ImportFileError(f"{file} is not a CSV file: {error}") from error
    return parsed


def _delimiter(head: str) -> str:
    """Spreadsheets of many countries write semicolons, some programs tabs."""
    return max(",;\t", key=head.count)


def _parse_rows(
    reader: csv.DictReader[str],
    columns: set[str],
    required: set[str],
    parse: Callable[[Row], T],
    into: Parsed[T],
) -> None:
    heads = [(head or "").strip() for head in reader.fieldnames or ()]
    reader.fieldnames = heads
    if missing := required - set(heads):
        raise ImportFileError(f"the first line lacks the column {', '.join(sorted(missing))}")
    into.problems.extend(
        Problem(1, head, "is not a known column; its values are ignored")
        for head in heads
        if head not in columns
    )
    seen: dict[str, int] = {}
    for raw in reader:
        line = reader.line_num
        try:
            row = _clean(raw)
            into.rows.append((line, parse(row)))
            _once(row["id"], line, seen)
        except _BadValueError as bad:
            if into.rows and into.rows[-1][0] == line:
                into.rows.pop()
            into.problems.append(Problem(line, bad.column, bad.reason))


def _once(key: str, line: int, seen: dict[str, int]) -> None:
    if key in seen:
        raise _BadValueError("id", f"stands already on line {seen[key]}")
    seen[key] = line


def _clean(raw: Mapping[str | None, str | list[str] | None]) -> dict[str, str]:
    row: dict[str, str] = {}
    for column, value in raw.items():
        if column is None:
            raise _BadValueError("", "has more values than the first line has columns")
        text = value.strip() if isinstance(value, str) else ""
        if _CONTROL.search(text):
            raise _BadValueError(column, "holds a control character")
        row[column] = text
    return row


def _person_parser(kind: RecipientKind, clinic: Clinic) -> Callable[[Row], Person]:
    def parse(row: Row) -> Person:
        return Person(
            kind=kind,
            external_id=_needed(row, "id"),
            given_name=_needed(row, "given_name"),
            family_name=_needed(row, "family_name"),
            language=_language(row, clinic.language),
            zone=_zone(row),
            preferred=_method(row),
            use_details=_flag(row, "use_client_detail_info") is not False,
            details=dict(_addresses(row, "", clinic.country)),
            messaging=dict(_addresses(row, "messaging_", clinic.country)),
            consent=_flag(row, "messaging_consent"),
        )

    return parse


def _visit(row: Row, zone: ZoneInfo) -> Visit:
    status = row.get("status") or "booked"
    if status not in _STATUSES:
        raise _BadValueError("status", f"is not one of {', '.join(_STATUSES)}")
    return Visit(
        external_id=_needed(row, "id"),
        client=_needed(row, "client"),
        staff=row.get("staff") or None,
        starts_at=_moment(_needed(row, "starts_at"), zone),
        service=row.get("service", ""),
        clinician=row.get("clinician", ""),
        status=status,
    )


def _needed(row: Row, column: str) -> str:
    value = row.get(column, "")
    if not value:
        raise _BadValueError(column, "is empty")
    if len(value) > 200:
        raise _BadValueError(column, "is longer than 200 characters")
    return value


def _addresses(row: Row, prefix: str, country: str) -> Iterator[tuple[Channel, str]]:
    mobile = _number(row, f"{prefix}mobile", country)
    if phone := (mobile or _number(row, f"{prefix}phone", country)):
        yield Channel.VOICE, phone
    _number(row, f"{prefix}phone", country)
    if mobile:
        yield Channel.SMS, mobile
    if email := _mailbox(row, f"{prefix}email"):
        yield Channel.EMAIL, email
    if fax := _number(row, f"{prefix}fax", country):
        yield Channel.FAX, fax


def _number(row: Row, column: str, country: str) -> str | None:
    value = row.get(column, "")
    if not value:
        return None
    try:
        number = phonenumbers.parse(value, country)
    except phonenumbers.NumberParseException as error:
        raise _BadValueError(column, "is not a telephone number") from error
    if not phonenumbers.is_valid_number(number):
        raise _BadValueError(column, "is not a telephone number that can exist")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _mailbox(row: Row, column: str) -> str | None:
    value = row.get(column, "")
    if value and (not _MAILBOX.match(value) or not value.isascii()):
        raise _BadValueError(column, "is not an email address")
    # One mailbox however it is written, so that an opt-out is found.
    return value.lower() or None


def _language(row: Row, default: str) -> str:
    value = row.get("language", "").lower() or default
    if not re.fullmatch("[a-z]{2}", value):
        raise _BadValueError("language", "is not a two-letter language code such as en")
    return value


def _zone(row: Row) -> str | None:
    value = row.get("time_zone", "")
    if value and value not in _zone_names():
        raise _BadValueError("time_zone", "is not a time zone name such as America/New_York")
    return value or None


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # Asking for them walks the zone files each time.
    return frozenset(available_timezones())


def _method(row: Row) -> Channel | None:
    value = row.get("preferred_contact_method", "").lower()
    if value and value not in _METHODS:
        raise _BadValueError("preferred_contact_method", "is not voice, text, email or fax")
    return _METHODS.get(value)


def _flag(row: Row, column: str) -> bool | None:
    value = row.get(column, "").lower()
    if value and value not in _FLAGS:
        raise _BadValueError(column, "is not yes or no")
    return _FLAGS.get(value)


def _moment(value: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise _BadValueError("starts_at", "is not a time such as 2026-11-24 09:30") from error
    # Through UTC, so that a time which a clock change skips becomes one that exists (rules 2.2).
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
