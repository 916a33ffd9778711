"""Appointments as calendars read them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from zoneinfo import ZoneInfo

import icalendar
import pytest

from gateway.channels.email_calendar import calendar_part
from gateway.channels.email_mime import mailbox
from gateway.domain import Invitation

AT = datetime(2026, 11, 23, 16, 0, tzinfo=UTC)
STARTS = datetime(2026, 11, 24, 9, 30, tzinfo=ZoneInfo("America/New_York"))
VISIT = Invitation(
    "visit-1-5", STARTS, STARTS + timedelta(minutes=30), "Appointment at Example Clinic", "1 Harbor St"
)
SENDER, JANE = mailbox("reminders@clinic.example"), mailbox("jane@home.example")


def read(invitation: Invitation, at: datetime = AT) -> tuple[str, icalendar.Event]:
    """The method and the event, as a calendar finds them."""
    octets = calendar_part(invitation, SENDER, JANE, at, "clinic.example")
    message = message_from_bytes(octets, policy=policy.default)
    calendar = icalendar.Calendar.from_ical(message.get_payload(decode=True))
    assert message.get_param("method") == calendar["METHOD"]
    [event] = calendar.events
    return str(calendar["METHOD"]), event


def test_an_appointment_is_offered_with_its_time_in_utc():
    method, event = read(VISIT)
    assert method == "REQUEST"
    assert event["DTSTART"].dt == datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
    assert event["DTEND"].dt - event["DTSTART"].dt == timedelta(minutes=30)
    assert event["SUMMARY"] == "Appointment at Example Clinic"
    assert event["ORGANIZER"] == "mailto:reminders@clinic.example"
    assert event["ATTENDEE"] == "mailto:jane@home.example"


def test_an_event_has_what_calendars_ask_of_an_invitation_and_of_its_end():
    """RFC 5546, 3.2: without these Outlook, Gmail and Apple show a file instead of an event."""
    for invitation, method, status in (
        (VISIT, "REQUEST", "CONFIRMED"),
        (replace(VISIT, cancelled=True), "CANCEL", "CANCELLED"),
    ):
        told, event = read(invitation)
        assert (told, event["STATUS"]) == (method, status)
        assert event["UID"] == "visit-1-5@clinic.example"
        assert event["DTSTAMP"].dt == AT
        assert event["SEQUENCE"] > 0
        for time in ("DTSTART", "DTEND", "DTSTAMP"):
            assert event[time].dt.tzinfo is not None
            assert event[time].to_ical().endswith(b"Z"), "in UTC no VTIMEZONE is needed"
        assert event["ORGANIZER"].startswith("mailto:")
        assert event["ATTENDEE"].params["RSVP"] == "FALSE"


def test_the_id_of_an_event_is_the_same_whichever_relay_carries_it():
    def uid(sender: str) -> str:
        octets = calendar_part(VISIT, mailbox(sender), JANE, AT, "clinic.example")
        calendar = icalendar.Calendar.from_ical(message_from_bytes(octets).get_payload(decode=True))
        return str(calendar.events[0]["UID"])

    assert uid("reminders@clinic.example") == uid("clinic@backup.example")


def test_the_number_of_a_change_fits_into_32_bits_for_long():
    _, event = read(VISIT, AT + timedelta(days=365 * 60))
    assert event["SEQUENCE"] < 2**31


def test_a_moved_appointment_is_the_same_event_with_a_higher_sequence():
    _, first = read(VISIT)
    _, second = read(replace(VISIT, starts_at=STARTS + timedelta(days=1)), AT + timedelta(seconds=1))
    assert first["UID"] == second["UID"]
    assert second["SEQUENCE"] > first["SEQUENCE"]


def test_a_cancelled_appointment_is_taken_away():
    method, event = read(replace(VISIT, cancelled=True))
    assert (method, event["STATUS"]) == ("CANCEL", "CANCELLED")


@pytest.mark.parametrize(
    "name", ["x\r\nEND:VEVENT\r\nBEGIN:VALARM", "a;b,c\\n:d", "日本" * 60, "\0\x1b[2J", "BEGIN:VCALENDAR"]
)
def test_a_hostile_name_stays_a_name(name: str):
    _, event = read(replace(VISIT, summary=name, location=name))
    assert set(event) <= {
        *("UID", "SEQUENCE", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "LOCATION", "STATUS", "CLASS"),
        *("ORGANIZER", "ATTENDEE"),
    }
    assert not event.subcomponents
    assert "".join(str(event["SUMMARY"]).split()) == "".join(
        "".join(c if c.isprintable() else " " for c in name).split()
    )
