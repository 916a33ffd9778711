"""What calendars answer to an appointment that was mailed: over a real relay, and back to the desk."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import aiosmtplib
import icalendar
import pytest
from sqlalchemy import select, update

from gateway import broadcast as planning
from gateway import wording
from gateway.asterisk.instance import free_port
from gateway.channels.email import EmailChannel
from gateway.channels.email_answers import read_answer
from gateway.channels.email_return import Returns, Seal
from gateway.domain import Channel, MessageType, ReplyKind
from gateway.policy import Rules
from gateway.settings import Relay, ReturnSettings
from store import conversations, migrate, receipts
from store.engine import Store
from store.schema import appointment, message
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until
from tests.line import serving, settings_of
from tests.store.world import CLINIC, Clock, World

ROSA = "rosa@home.example"
TYPE = MessageType.UPCOMING_APPOINTMENTS
UTC_FORM = "%Y%m%dT%H%M%SZ"

# As the three write them, but for what is about nobody.
OUTLOOK = """From: Rosa Costa <{sender}>
To: {organizer}
Subject: {status}: Example Clinic
Thread-Topic: Example Clinic
MIME-Version: 1.0
Content-Type: multipart/alternative; boundary="_000_X_"

--_000_X_
Content-Type: text/plain; charset="us-ascii"
Content-Transfer-Encoding: quoted-printable


--_000_X_
Content-Type: text/calendar; charset="utf-8"; method=REPLY
Content-Transfer-Encoding: 8bit

BEGIN:VCALENDAR
METHOD:REPLY
PRODID:Microsoft Exchange Server 2010
VERSION:2.0
BEGIN:VTIMEZONE
TZID:UTC
BEGIN:STANDARD
DTSTART:16010101T000000
TZOFFSETFROM:+0000
TZOFFSETTO:+0000
END:STANDARD
END:VTIMEZONE
BEGIN:VEVENT
ATTENDEE;PARTSTAT={status};CN=Rosa Costa:mailto:{attendee}
COMMENT;LANGUAGE=en-US:{comment}\\n
UID:{uid}
SUMMARY;LANGUAGE=en-US:{status}: Example Clinic
DTSTART;TZID=UTC:{local}
CLASS:PRIVATE
SEQUENCE:7
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
END:VEVENT
END:VCALENDAR

--_000_X_--
"""
GMAIL = """From: Rosa Costa <{sender}>
To: {organizer}
Subject: {status}: Example Clinic
Auto-Submitted: auto-generated
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary="a"

--a
Content-Type: multipart/alternative; boundary="b"

--b
Content-Type: text/plain; charset="UTF-8"

Rosa Costa has replied to this invitation.

--b
Content-Type: text/calendar; charset="UTF-8"; method=REPLY
Content-Transfer-Encoding: 7bit

BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:REPLY
BEGIN:VEVENT
DTSTART:{starts}
ORGANIZER:mailto:{organizer}
UID:{uid}
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT={status};CN={attendee}
 ;X-NUM-GUESTS=0:mailto:{attendee}
SEQUENCE:7
STATUS:CONFIRMED
END:VEVENT
END:VCALENDAR

--b--

--a
Content-Type: application/ics; name="invite.ics"
Content-Disposition: attachment; filename="invite.ics"

BEGIN:VCALENDAR
END:VCALENDAR
--a--
"""
APPLE = """From: {sender}
To: {organizer}
Subject: {status}: Example Clinic
MIME-Version: 1.0
Content-Type: text/calendar; charset=utf-8; method=REPLY

BEGIN:VCALENDAR
CALSCALE:GREGORIAN
VERSION:2.0
METHOD:REPLY
PRODID:-//Apple Inc.//macOS 14.5//EN
BEGIN:VEVENT
ATTENDEE;CN="Rosa Costa";CUTYPE=INDIVIDUAL;PARTSTAT={status}:MAILTO:{attendee}
DTSTART:{starts}
ORGANIZER:mailto:{organizer}
SEQUENCE:7
UID:{uid}
END:VEVENT
END:VCALENDAR
"""


class Calendar:
    """Rosa's calendar, which got the appointment by mail, and the clinic that listens for its answer."""

    def __init__(self, store: Store, relay: RelayPeer, port: int) -> None:
        self.store, self._port = store, port
        letter = message_from_bytes(relay.contents[0], policy=policy.default)
        (part,) = [one for one in letter.walk() if one.get_content_type() == "text/calendar"]
        (event,) = icalendar.Calendar.from_ical(part.get_payload(decode=True)).events
        self.asked = event["ATTENDEE"].params
        starts = event["DTSTART"].dt
        self.usual = {
            "organizer": str(event["ORGANIZER"]).removeprefix("mailto:"),
            "uid": str(event["UID"]),
            "starts": starts.strftime(UTC_FORM),
            "local": starts.strftime(UTC_FORM).rstrip("Z"),
            "attendee": ROSA,
            "sender": ROSA,
            "comment": "",
        }

    async def answers(self, form: str, status: str, **changes: str) -> None:
        values = self.usual | {"status": status} | changes
        octets = form.format(**values).replace("\n", "\r\n").encode()
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self._port, start_tls=False) as client:
            await client.sendmail(values["sender"], [values["organizer"]], octets)

    async def stands(self) -> tuple[bool, str, int]:
        """(confirmed, status, unread in the inbox)."""
        query = select(appointment.c.confirmed_at, appointment.c.status)
        row = await self.store.read(lambda conn: conn.execute(query).one())
        return bool(row.confirmed_at), row.status, await self.store.read(conversations.unread, CLINIC)


@pytest.fixture
async def calendar(relay: RelayPeer, tmp_path: Path) -> AsyncIterator[Calendar]:
    async with _invited(relay, tmp_path) as found:
        yield found


@asynccontextmanager
async def _invited(relay: RelayPeer, folder: Path) -> AsyncIterator[Calendar]:
    url, settings, port = f"sqlite:///{folder / 'store.db'}", settings_of(folder), free_port()
    async with Store(url) as store:
        await migrate.upgrade(store)
        world = World(store, Clock(store.clock()))
        await world.person("rosa", details={Channel.EMAIL: ROSA})
        starts_at = store.clock().replace(microsecond=0) + timedelta(days=1)
        await world.visit("v1", "rosa", starts_at=starts_at)
        changes: dict[str, Any] = {"channel": Channel.EMAIL, "templates": wording.default_templates(TYPE)}
        order = await world.broadcast(TYPE, **changes)
        async for _ in planning.plan(store, CLINIC, order, Rules.of(settings)):
            pass
    back = Returns(Seal(b"a secret of this test"), ReturnSettings(domain="back.clinic.example", port=port))
    mail = EmailChannel({"main": Relay(port=relay.port, security="none")}, "Clinic", back=back)
    async with serving(url, mail, settings) as line:
        await until(lambda: len(relay.contents) == 1)
        query = select(message.c.state)
        async with asyncio.timeout(60):
            while await line.store.read(lambda conn: conn.execute(query).scalar()) != "accepted":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        yield Calendar(line.store, relay, port)


@pytest.mark.parametrize("form", [OUTLOOK, GMAIL, APPLE], ids=["outlook", "gmail", "apple"])
async def test_what_each_calendar_accepts_or_declines_marks_the_appointment(
    calendar: Calendar, form: str
) -> None:
    assert (calendar.asked["RSVP"], calendar.asked["PARTSTAT"]) == ("TRUE", "NEEDS-ACTION")
    await calendar.answers(form, "TENTATIVE")
    assert await calendar.stands() == (False, "booked", 1)
    await calendar.answers(form, "ACCEPTED")
    assert await calendar.stands() == (True, "booked", 1)
    await calendar.answers(form, "DECLINED")
    assert await calendar.stands() == (True, "cancelled", 2)
    lines = await calendar.store.read(conversations.lines, CLINIC, ROSA)
    assert [line.text for line in lines if not line.ours] == [
        "calendar: tentative",
        "calendar: accepted",
        "calendar: declined",
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {"sender": "somebody@else.example"},
        {"sender": "somebody@else.example", "attendee": "somebody@else.example"},
        {"uid": "visit-1-2@clinic.example"},
        {"uid": "visit-2-1@clinic.example"},
        {"uid": "anything"},
        {"starts": "20270301T090000Z"},
    ],
    ids=["forwarded", "somebody else", "another visit", "another clinic", "no id", "the time before"],
)
async def test_an_answer_of_somebody_else_or_about_something_else_is_read_by_a_person(
    calendar: Calendar, changes: dict[str, str]
) -> None:
    await calendar.answers(APPLE, "DECLINED", **changes)
    assert await calendar.stands() == (False, "booked", 1)


async def test_nobody_can_answer_for_an_appointment_that_they_were_not_told_of(calendar: Calendar) -> None:
    forged = calendar.usual["organizer"].replace("visit-1-1", "visit-1-2")
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await calendar.answers(APPLE, "DECLINED", organizer=forged)
    assert await calendar.stands() == (False, "booked", 0)


async def test_whoever_accepts_with_words_is_read_by_a_person(calendar: Calendar) -> None:
    await calendar.answers(OUTLOOK, "ACCEPTED", comment="But may I come at ten?")
    assert await calendar.stands() == (False, "booked", 1)


async def test_a_letter_to_whoever_invited_is_a_letter_of_the_client(calendar: Calendar) -> None:
    letter = "From: {sender}\nTo: {organizer}\nSubject: Re\n\nI want to cancel my appointment\n"
    await calendar.answers(letter, "", sender="somebody@else.example")
    assert await calendar.stands() == (False, "booked", 1)
    await calendar.answers(letter, "")
    assert await calendar.stands() == (False, "cancelled", 2)


async def test_the_answer_of_staff_is_not_the_clients(calendar: Calendar) -> None:
    """A clinician who is reminded of the same appointment, and declines it."""
    number = await calendar.store.read(receipts.mailed_about, CLINIC, 1, ROSA)
    staff = update(message).where(message.c.id == number).values(recipient=99)
    await calendar.store.run(lambda conn: conn.execute(staff))
    await calendar.answers(APPLE, "DECLINED")
    assert await calendar.stands() == (False, "booked", 1)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (
            "METHOD:COUNTER\nBEGIN:VEVENT\nUID:a\nATTENDEE;PARTSTAT=TENTATIVE:mailto:x@y\nEND:VEVENT\n",
            "other",
        ),
        ("METHOD:REPLY\nBEGIN:VEVENT\nUID:a\nATTENDEE;PARTSTAT=DELEGATED:mailto:x@y\nEND:VEVENT\n", "other"),
        ("METHOD:REPLY\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\n", "other"),
        ("METHOD:REQUEST\nBEGIN:VEVENT\nUID:a\nEND:VEVENT\n", None),
        ("METHOD:REPLY\n", None),
        ("BEGIN:VEVENT\n", None),
    ],
)
def test_what_is_no_plain_answer_is_none(text: str, kind: str | None) -> None:
    found = read_answer(f"BEGIN:VCALENDAR\n{text}END:VCALENDAR\n".replace("\n", "\r\n"), "x@y")
    assert (found.kind if found else None) == (ReplyKind(kind) if kind else None)


@pytest.mark.parametrize(
    "inside",
    [
        "DTSTART;TZID=Asia/Tokyo:00010101T000000\n",
        "DTSTART:99999999T999999Z\n",
        "BEGIN:VTIMEZONE\nTZID:X\nBEGIN:STANDARD\nDTSTART:16010101T000000\nRRULE:FREQ=SECONDLY\n"
        "TZOFFSETFROM:+0000\nTZOFFSETTO:+0000\nEND:STANDARD\nEND:VTIMEZONE\nDTSTART;TZID=X:20260101T000000\n",
    ],
    ids=["before all time", "no time", "a zone that changes each second"],
)
def test_a_hostile_time_takes_no_time_and_answers_nothing(inside: str) -> None:
    text = f"BEGIN:VCALENDAR\nMETHOD:REPLY\nBEGIN:VEVENT\nUID:a\n{inside}END:VEVENT\nEND:VCALENDAR\n"
    begin = time.process_time()
    found = read_answer(text, "x@y")
    assert found is None or found.kind is ReplyKind.OTHER
    assert time.process_time() < begin + 1.0


def test_what_is_no_calendar_at_all_is_none() -> None:
    assert read_answer("\0", "") is None
    assert read_answer("BEGIN:VCALENDAR", "") is None
