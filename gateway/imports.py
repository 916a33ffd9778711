"""CSV files of clients, staff, appointments, renewals and lists: a bad value is told with line and column."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers

from gateway.domain import Channel, RecipientKind, RingwellError
from gateway.domain.message_types import PLACEHOLDERS
from gateway.settings import Clinic
from gateway.written import TIME, Written
from store.lists import Member
from store.people import Person, Visit
from store.renewals import Renewal

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


class BadValueError(Exception):
    """A value that is not taken, by its column and the reason."""

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
    "region",
)
CLIENT_COLUMNS = (
    *PERSON_COLUMNS,
    "use_client_detail_info",
    "messaging_name",
    "messaging_contact_consent",
    "share_with_family",
    "messaging_mobile",
    "messaging_phone",
    "messaging_email",
    "messaging_fax",
    "birth_date",
)
APPOINTMENT_COLUMNS = ("id", "client", "staff", "starts_at", "service", "clinician", "status")
RENEWAL_COLUMNS = ("id", "client", "staff", "name", "due_on", "status")

REQUIRED = {"id", "given_name", "family_name"}
REQUIRED_VISIT = {"id", "client", "starts_at"}
REQUIRED_RENEWAL = {"id", "name", "due_on"}
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
_REGION = re.compile(r"[A-Z]{2}-[A-Z0-9]{1,3}")
_STATE = re.compile(r"[A-Z0-9]{1,3}")
_STATUSES = ("booked", "cancelled", "completed")
_RENEWAL_STATUSES = ("open", "renewed", "cancelled")
_PLACEHOLDER = re.compile(r"[A-Za-z]\w{0,39}", re.ASCII)
# Lists are free of balances: what somebody owes is nothing for a message that others may see or hear.
_MONEY_WORDS = frozenset(
    "amount balance balances bill bills charge charges copay copayment cost costs debt debts deductible due "
    "fee fees invoice invoices owed owes owing paid payment payments price saldo importe deuda pago pagos "
    "factura facturas".split()
)
_MONEY = re.compile(r"[$€£¥]\s*\d|\d\s*[$€£¥]|\b\d[\d.,]*\s?(USD|EUR|GBP|CAD|MXN)\b", re.IGNORECASE)
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")


def read_clients(file: Path, clinic: Clinic, written: Written | None = None) -> Parsed[Person]:
    """Clients of a CSV file; raises ImportFileError when it cannot be read at all."""
    parse = _person_parser(RecipientKind.CLIENT, clinic)
    return _read(file, CLIENT_COLUMNS, REQUIRED, parse, written)


def read_staff(file: Path, clinic: Clinic, written: Written | None = None) -> Parsed[Person]:
    """Staff of a CSV file."""
    return _read(file, PERSON_COLUMNS, REQUIRED, _person_parser(RecipientKind.STAFF, clinic), written)


def read_appointments(file: Path, clinic: Clinic, written: Written | None = None) -> Parsed[Visit]:
    """Appointments of a CSV file; times without an offset are the clinic's local time."""
    zone = ZoneInfo(clinic.zone)
    return _read(file, APPOINTMENT_COLUMNS, REQUIRED_VISIT, lambda row: _visit(row, zone), written)


def read_renewals(file: Path, written: Written | None = None) -> Parsed[Renewal]:
    """Authorisations and licences of a CSV file, each of a client or of a member of staff."""
    return _read(file, RENEWAL_COLUMNS, REQUIRED_RENEWAL, _renewal, written)


def read_list(file: Path, written: Written | None = None) -> tuple[tuple[str, ...], Parsed[Member]]:
    """The columns of a custom list, which are placeholders, and its members."""
    names = written.names if written else {}
    told = [names.get(head, head) for head in heads(file)]
    columns = tuple(head for head in told if head and head != "id")
    for column in columns:
        _check_column(column)
    parsed = _read(file, ("id", *columns), {"id"}, lambda row: _member(row, columns), written)
    return columns, parsed


def heads(file: Path) -> list[str]:
    """The headings of a file; raises ImportFileError."""
    found: list[str] = []

    def seen(reader: csv.DictReader[str]) -> None:
        found.extend((head or "").strip() for head in reader.fieldnames or ())

    _opened(file, seen)
    return found


def lines(file: Path, wanted: Container[int] | None = None, most: int = 0) -> Iterator[tuple[int, list[str]]]:
    """(line, values) of a file's rows as they are written, of the `wanted` lines or the first `most`."""
    found: list[tuple[int, list[str]]] = []

    def seen(reader: csv.DictReader[str]) -> None:
        # Reads the headings.
        _ = reader.fieldnames
        for values in reader.reader:
            line = reader.reader.line_num
            if values and (wanted is None or line in wanted):
                found.append((line, values))
            if most and len(found) == most:
                return

    _opened(file, seen)
    return iter(found)


def _check_column(column: str) -> None:
    if not _PLACEHOLDER.fullmatch(column):
        raise ImportFileError(
            f"the column {column[:40]!r} cannot be a placeholder: use letters, digits and _, 40 at most"
        )
    if column in PLACEHOLDERS:
        raise ImportFileError(f"the column {column} has the name of a placeholder that is there already")
    if words := _MONEY_WORDS & {word.casefold() for word in _WORDS.findall(column)}:
        raise ImportFileError(
            f"the column {column} speaks of money ({min(words)}): lists are free of balances, leave it out"
        )


def _member(row: Row, columns: Iterable[str]) -> Member:
    for column in columns:
        if _MONEY.search(row[column]):
            raise BadValueError(column, "is an amount of money: lists are free of balances")
        if len(row[column]) > 200:
            raise BadValueError(column, "is longer than 200 characters")
    return Member(_needed(row, "id"), {column: row[column] for column in columns})


def _renewal(row: Row) -> Renewal:
    client, staff = row.get("client", ""), row.get("staff", "")
    if bool(client) == bool(staff):
        raise BadValueError("client", "names nobody, or a client and staff: a renewal is of one of them")
    status = row.get("status") or "open"
    if status not in _RENEWAL_STATUSES:
        raise BadValueError("status", f"is not one of {', '.join(_RENEWAL_STATUSES)}")
    return Renewal(
        external_id=_needed(row, "id"),
        kind=RecipientKind.CLIENT if client else RecipientKind.STAFF,
        person=client or staff,
        name=_needed(row, "name"),
        due_on=_day(row, "due_on"),
        status=status,
    )


def _read(
    file: Path,
    columns: Iterable[str],
    required: set[str],
    parse: Callable[[Row], T],
    written: Written | None = None,
) -> Parsed[T]:
    parsed: Parsed[T] = Parsed()
    _opened(file, lambda reader: _parse_rows(reader, set(columns), required, parse, parsed, written))
    return parsed


def _opened(file: Path, work: Callable[[csv.DictReader[str]], None]) -> None:
    try:
        with file.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, delimiter=_delimiter(stream.readline()))
            stream.seek(0)
            work(reader)
    except OSError as error:
        raise ImportFileError(f"cannot read {file}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ImportFileError(f"{file} is not UTF-8: save it as 'CSV UTF-8'") from error
    except csv.Error as error:
        raise ImportFileError(f"{file} is not a CSV file: {error}") from error


def _delimiter(head: str) -> str:
    """Spreadsheets of many countries write semicolons, some programs tabs."""
    return max(",;\t", key=head.count)


def _parse_rows(
    reader: csv.DictReader[str],
    columns: set[str],
    required: set[str],
    parse: Callable[[Row], T],
    into: Parsed[T],
    written: Written | None,
) -> None:
    heads = [(head or "").strip() for head in reader.fieldnames or ()]
    if written:
        heads = [written.names.get(head, head) for head in heads]
        columns |= {TIME, ""}
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
            row = written.row(row) if written else row
            into.rows.append((line, parse(row)))
            _once(row["id"], line, seen)
        except BadValueError as bad:
            if into.rows and into.rows[-1][0] == line:
                into.rows.pop()
            into.problems.append(Problem(line, bad.column, bad.reason))


def _once(key: str, line: int, seen: dict[str, int]) -> None:
    if key in seen:
        raise BadValueError("id", f"stands already on line {seen[key]}")
    seen[key] = line


def _clean(raw: Mapping[Any, str | list[str] | None]) -> dict[str, str]:
    row: dict[str, str] = {}
    for column, value in raw.items():
        if column is None:
            raise BadValueError("", "has more values than the first line has columns")
        text = value.strip() if isinstance(value, str) else ""
        if _CONTROL.search(text):
            raise BadValueError(column, "holds a control character")
        row[column] = text
    return row


def person_of(values: Mapping[str, str], kind: RecipientKind, clinic: Clinic) -> Person:
    """Somebody whose values are given by the names of columns; raises BadValueError."""
    return _person_parser(kind, clinic)(_clean(values))


def visit_of(values: Mapping[str, str], clinic: Clinic) -> Visit:
    """An appointment whose values are given by the names of columns; raises BadValueError."""
    return _visit(_clean(values), ZoneInfo(clinic.zone))


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
            birth_date=_birth_date(row),
            region=_region(row, clinic.country),
            contact_name=_short(row, "messaging_name") or None,
            contact_consent=_flag(row, "messaging_contact_consent"),
            shares=_flag(row, "share_with_family"),
        )

    return parse


def _visit(row: Row, zone: ZoneInfo) -> Visit:
    status = row.get("status") or "booked"
    if status not in _STATUSES:
        raise BadValueError("status", f"is not one of {', '.join(_STATUSES)}")
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
        raise BadValueError(column, "is empty")
    return _short(row, column)


def _short(row: Row, column: str) -> str:
    value = row.get(column, "")
    if len(value) > 200:
        raise BadValueError(column, "is longer than 200 characters")
    return value


def _region(row: Row, country: str) -> str | None:
    """Country and state as ISO 3166 writes them; a state alone is one of the clinic's country."""
    value = row.get("region", "").upper()
    if not value or value == country:
        return value or None
    if _REGION.fullmatch(value):
        return value
    if not _STATE.fullmatch(value):
        raise BadValueError("region", f"is not a state such as TX, nor a region such as {country}-TX")
    return f"{country}-{value}"


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
        raise BadValueError(column, "is not a telephone number") from error
    if not phonenumbers.is_valid_number(number):
        raise BadValueError(column, "is not a telephone number that can exist")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _mailbox(row: Row, column: str) -> str | None:
    value = row.get(column, "")
    if value and (not _MAILBOX.match(value) or not value.isascii()):
        raise BadValueError(column, "is not an email address")
    # One mailbox however it is written, so that an opt-out is found.
    return value.lower() or None


def _language(row: Row, default: str) -> str:
    value = row.get("language", "").lower() or default
    if not re.fullmatch("[a-z]{2}", value):
        raise BadValueError("language", "is not a two-letter language code such as en")
    return value


def _zone(row: Row) -> str | None:
    value = row.get("time_zone", "")
    if value and value not in _zone_names():
        raise BadValueError("time_zone", "is not a time zone name such as America/New_York")
    return value or None


@lru_cache(maxsize=1)
def _zone_names() -> frozenset[str]:
    # Asking for them walks the zone files each time.
    return frozenset(available_timezones())


def _method(row: Row) -> Channel | None:
    value = row.get("preferred_contact_method", "").lower()
    if value and value not in _METHODS:
        raise BadValueError("preferred_contact_method", "is not voice, text, email or fax")
    return _METHODS.get(value)


def _flag(row: Row, column: str) -> bool | None:
    value = row.get(column, "").lower()
    if value and value not in _FLAGS:
        raise BadValueError(column, "is not yes or no")
    return _FLAGS.get(value)


def _day(row: Row, column: str) -> date:
    try:
        return date.fromisoformat(_needed(row, column))
    except ValueError as error:
        raise BadValueError(column, "is not a date such as 1980-03-05") from error


def _birth_date(row: Row) -> date | None:
    if not row.get("birth_date", ""):
        return None
    found = _day(row, "birth_date")
    if not date(1880, 1, 1) <= found <= datetime.now(UTC).date():
        raise BadValueError("birth_date", "is not when anybody alive was born")
    return found


def _moment(value: str, zone: ZoneInfo) -> datetime:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise BadValueError("starts_at", "is not a time such as 2026-11-24 09:30") from error
    # Through UTC, so that a time which a clock change skips becomes one that exists (rules 2.2).
    return (moment if moment.tzinfo else moment.replace(tzinfo=zone)).astimezone(UTC)
