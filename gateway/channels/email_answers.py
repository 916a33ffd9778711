"""What a calendar answers to an appointment by mail (RFC 6047): accepted, declined, or neither. Pure.

Outlook, Gmail and Apple write these when somebody presses a button beside the event.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from icalendar import Component, Event

from gateway.domain import ReplyKind

_FOLD = re.compile(r"\r?\n[ \t]")
_METHOD = re.compile(r"^METHOD:(REPLY|COUNTER)\s*$", re.IGNORECASE | re.MULTILINE)
_EVENT = re.compile(r"^BEGIN:VEVENT\s*$.*?^END:VEVENT\s*$", re.IGNORECASE | re.MULTILINE | re.DOTALL)
_MEANS = {"ACCEPTED": ReplyKind.CONFIRM, "DECLINED": ReplyKind.NOT_COMING}
_LONGEST_COMMENT = 1000


@dataclass(frozen=True, slots=True)
class CalendarAnswer:
    """`uid` is the event's, `status` the attendee's; `counters`: another time is proposed.

    `starts_at`: the time that was answered about, where it is said.
    """

    uid: str
    status: str
    comment: str = ""
    starts_at: datetime | None = None
    counters: bool = False

    @property
    def kind(self) -> ReplyKind:
        """What is asked for; whoever adds words is read by a person, unless they are not coming anyway."""
        found = ReplyKind.OTHER if self.counters else _MEANS.get(self.status, ReplyKind.OTHER)
        return ReplyKind.OTHER if found is ReplyKind.CONFIRM and self.comment else found

    @property
    def text(self) -> str:
        """The answer as it is shown to staff."""
        what = "another time proposed" if self.counters else self.status.lower()
        return f"calendar: {what}" + (f": {self.comment}" if self.comment else "")


def read_answer(text: str, sender: str) -> CalendarAnswer | None:
    """The answer in an iCalendar object; None when it is none. `sender`: whose, of several attendees."""
    unfolded = _FOLD.sub("", text)
    method, block = _METHOD.search(unfolded), _EVENT.search(unfolded)
    # The rules of zones are left out: a stranger could make them run for hours.
    if method is None or block is None or "VTIMEZONE" in block[0].upper():
        return None
    try:
        event = Event.from_ical(block[0])
        return CalendarAnswer(
            uid=str(event.get("UID", "")).strip(),
            status=_status(event, sender),
            comment=_comment(event),
            starts_at=_starts_at(event),
            counters=method[1].upper() == "COUNTER",
        )
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, OverflowError):
        # The library's ways to say that somebody wrote something else.
        return None


def _status(event: Component, sender: str) -> str:
    """What the sender says, or the one attendee: a reply is by one alone."""
    attendees = [*_several(event.get("ATTENDEE"))]
    theirs = [one for one in attendees if _address(str(one)) == sender] or attendees[:1]
    return str(theirs[0].params.get("PARTSTAT", "")).upper() if theirs else ""


def _comment(event: Component) -> str:
    words = " ".join(str(one) for one in _several(event.get("COMMENT")))
    return " ".join(words.split())[:_LONGEST_COMMENT]


def _several(value: Any) -> Iterator[Any]:
    if value is None:
        return
    yield from value if isinstance(value, list) else [value]


def _address(value: str) -> str:
    return value.lower().removeprefix("mailto:")


def _starts_at(event: Component) -> datetime | None:
    moment = event.get("DTSTART")
    found = getattr(moment, "dt", None)
    return found.astimezone(UTC) if isinstance(found, datetime) and found.tzinfo else None
