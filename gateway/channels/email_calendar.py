"""An appointment as an iCalendar object (RFC 5545, RFC 5546) that calendars add, move and take away."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from icalendar import Calendar, Event, vCalAddress

from gateway.channels.email_mime import Mailbox, part
from gateway.domain import Invitation

# A later mail about the same appointment must carry a higher number; minutes need no memory.
_SEQUENCE_BEGINS = datetime(2026, 1, 1, tzinfo=UTC)


def calendar_part(invitation: Invitation, sender: Mailbox, to: Mailbox, at: datetime) -> bytes:
    """The body part, with its headers."""
    method = "CANCEL" if invitation.cancelled else "REQUEST"
    text = _object(invitation, method, sender, to, at).to_ical().decode()
    return part(f"calendar; method={method}", text)


def _object(invitation: Invitation, method: str, sender: Mailbox, to: Mailbox, at: datetime) -> Calendar:
    calendar = Calendar()
    calendar.add("prodid", "-//Ringwell//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method)
    event = Event()
    event.add("uid", f"{invitation.uid}@{sender.domain}")
    event.add("sequence", (at - _SEQUENCE_BEGINS) // timedelta(minutes=1))
    event.add("dtstamp", at)
    # In UTC: without a zone's rules there is nothing that a calendar could read differently.
    event.add("dtstart", invitation.starts_at.astimezone(UTC))
    event.add("dtend", invitation.ends_at.astimezone(UTC))
    event.add("summary", _one_line(invitation.summary))
    if invitation.location:
        event.add("location", _one_line(invitation.location))
    event.add("status", "CANCELLED" if invitation.cancelled else "CONFIRMED")
    event.add("class", "PRIVATE")
    event.add("organizer", vCalAddress(f"mailto:{sender.address}"))
    event.add("attendee", _attendee(to))
    calendar.add_component(event)
    return calendar


def _attendee(to: Mailbox) -> vCalAddress:
    attendee = vCalAddress(f"mailto:{to.address}")
    attendee.params["RSVP"] = "FALSE"
    attendee.params["PARTSTAT"] = "ACCEPTED"
    return attendee


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
