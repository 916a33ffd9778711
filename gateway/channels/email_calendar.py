"""An appointment as an iCalendar object (RFC 5545, RFC 5546) that calendars add, move and take away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event, vCalAddress

from gateway.channels.email_mime import Mailbox, part
from gateway.domain import Invitation

# A later mail about the same appointment must carry a higher number; seconds need no memory, and fit into
# the 32 bits that some calendars have for it until 2094.
_SEQUENCE_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)


def calendar_part(
    invitation: Invitation,
    sender: Mailbox,
    to: Mailbox,
    at: datetime,
    home: str,
    answers: Mailbox | None = None,
) -> bytes:
    """The body part, with its headers. `home`: the domain in its id, the same whichever relay carries it.

    `answers`: who invites, where a calendar's answer is understood; else nobody is asked for one.
    """
    method = "CANCEL" if invitation.cancelled else "REQUEST"
    text = _object(invitation, method, sender, to, at, home, answers).to_ical().decode()
    return part(f"calendar; method={method}", text)


def _object(
    invitation: Invitation,
    method: str,
    sender: Mailbox,
    to: Mailbox,
    at: datetime,
    home: str,
    answers: Mailbox | None,
) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Ringwell//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    event = Event()
    event.add("uid", f"{invitation.uid}@{home}")
    event.add("sequence", (at - _SEQUENCE_BEGINS) // timedelta(seconds=1))
    event.add("dtstamp", at)
    # In UTC: without a zone's rules there is nothing that a calendar could read differently.
    event.add("dtstart", invitation.starts_at.astimezone(UTC))
    event.add("dtend", invitation.ends_at.astimezone(UTC))
    event.add("summary", _one_line(invitation.summary))
    if invitation.location:
        event.add("location", _one_line(invitation.location))
    event.add("status", "CANCELLED" if invitation.cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("organizer", vCalAddress(f"mailto:{(answers or sender).address}"))
    event.add("attendee", _attendee(to, asked=answers is not None))
    calendar.add_component(event)
    return calendar


def _attendee(to: Mailbox, *, asked: bool) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{to.address}")
    attendee.params["RSVP"] = "TRUE" if asked else "FALSE"
    attendee.params["PARTSTAT"] = "NEEDS-ACTION" if asked else "ACCEPTED"
    return attendee


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
