"""The filters of the history as they stand in an address; nobody's name is ever one of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from gateway.console import words
from gateway.console.causes import CAUSES
from gateway.domain import Channel, MessageType, RingwellError, State
from store.searching import CONFIRMED, DIRECT, UNCONFIRMED, Search

TYPES: Mapping[str, str] = {
    MessageType.UPCOMING_APPOINTMENTS: "Client upcoming appointments",
    MessageType.STAFF_UPCOMING_APPOINTMENTS: "Staff upcoming appointments",
    MessageType.UPCOMING_RENEWALS: "Client upcoming renewals",
    MessageType.STAFF_UPCOMING_RENEWALS: "Staff upcoming renewals",
    MessageType.BIRTHDAYS: "Client birthdays",
    MessageType.CLIENT_LIST: "Client list",
    MessageType.STAFF_LIST: "Staff list",
    MessageType.CLIENT_NOTICE: "Client notice",
    MessageType.STAFF_NOTICE: "Staff notice",
    DIRECT: "To one person",
}
ANSWERS: Mapping[str, str] = {CONFIRMED: "Confirmed", UNCONFIRMED: "Told, not confirmed"}


class FilterError(RingwellError):
    """An address asks for a filter that does not exist."""


def _by_words() -> Mapping[str, tuple[str, ...]]:
    """Causes and reasons that are told alike, under the first of them."""
    alike: dict[str, list[str]] = defaultdict(list)
    for code, told in CAUSES.items():
        alike[told].append(code)
    return {codes[0]: tuple(codes) for codes in alike.values()}


_CAUSES = _by_words()


def causes() -> list[tuple[str, str]]:
    """What may be chosen as the cause: its code and its words."""
    return [(code, CAUSES[code]) for code in _CAUSES]


@dataclass(frozen=True, slots=True)
class Wanted:
    """As they stand in the address; empty means all. `client`: our number of somebody."""

    broadcast: str = ""
    channel: str = ""
    state: str = ""
    type: str = ""
    cause: str = ""
    answer: str = ""
    client: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Wanted:
        """Those of an address."""
        return cls(**{one.name: query.get(one.name, "").strip() for one in fields(cls)})

    @property
    def query(self) -> dict[str, str]:
        """Those that are set."""
        values = {one.name: getattr(self, one.name) for one in fields(self)}
        return {name: value for name, value in values.items() if value}

    def search(self, zone: ZoneInfo) -> Search:
        """For the store, with days of a zone; FilterError when a value is not one."""
        client = _number(self.client, "The address names a client that is not a number.")
        since, until = day(self.since, zone), day(self.until, zone)
        return Search(
            broadcast=_number(self.broadcast, "The address names a broadcast that is not a number."),
            channel=_one_of(self.channel, Channel, "The address names a channel that does not exist."),
            states=_states(self.state) if self.state else None,
            type=_one_of(self.type, TYPES, "The address names a message type that does not exist."),
            causes=_CAUSES.get(self.cause, (self.cause,)) if self.cause else None,
            answer=_one_of(self.answer, ANSWERS, "The address names an answer that does not exist."),
            recipients=(client,) if client is not None else None,
            since=since,
            until=until and _following(until),
        )


def whole(text: str) -> int | None:
    """A number of something, None when the text is not one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def number(text: str) -> int | None:
    """A position in the list; FilterError when it is not a number."""
    return _number(text, "The address names a position that is not a number.")


def _number(text: str, wrong: str) -> int | None:
    found = whole(text)
    if text and found is None:
        raise FilterError(wrong)
    return found


def _one_of(value: str, known: object, wrong: str) -> str | None:
    names = {str(one) for one in known}  # type: ignore[attr-defined]
    if value and value not in names:
        raise FilterError(wrong)
    return value or None


def day(text: str, zone: ZoneInfo) -> datetime | None:
    """The beginning of a day; FilterError when it is none."""
    if not text:
        return None
    try:
        found = datetime.combine(date.fromisoformat(text), time(), zone)
    except ValueError as error:
        raise FilterError("The address names a day that is none.") from error
    # Beyond these years the calendars of databases end.
    if not 1970 <= found.year <= 2200:
        raise FilterError("The address names a day that is none.")
    return found


def _following(day: datetime) -> datetime:
    return datetime.combine(day.date() + timedelta(days=1), time(), day.tzinfo)


def _states(wanted: str) -> tuple[State, ...]:
    for group in words.GROUPS:
        if group.key == wanted:
            return group.states
    try:
        return (State(wanted),)
    except ValueError as error:
        raise FilterError("The address names a state that does not exist.") from error
