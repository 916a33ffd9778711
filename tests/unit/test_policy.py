"""Who may be contacted, when and why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway import policy
from gateway.domain import Appointment, Channel, ConsentEntry, Contact, Direct, DirectKind, State
from gateway.policy import Allow, Defer, Refuse, cascade
from gateway.policy.hours import next_opening
from gateway.settings import Window
from tests.unit.factory import ADDRESSES, BROADCAST, NOON, PERSON, RULES, facts

VOICE = Channel.VOICE
GIVEN, WITHDRAWN = ConsentEntry(1, given=True), ConsentEntry(2, given=False)
NO_TEXTS = ConsentEntry(2, given=False, channel=Channel.SMS)
NOT_THIS_NUMBER = ConsentEntry(2, given=False, address=ADDRESSES[VOICE])


def decide(known, channel=VOICE, now=NOON, address=None):
    return policy.decide(known, channel, address, now, RULES)


def test_a_willing_client_in_the_window_is_allowed():
    assert decide(facts()) == Allow()


@pytest.mark.parametrize(
    ("consents", "channel", "expected"),
    [
        ((), VOICE, Refuse("no-consent")),
        ((WITHDRAWN,), VOICE, Refuse("consent-withdrawn")),
        ((GIVEN, WITHDRAWN), VOICE, Refuse("consent-withdrawn")),
        ((GIVEN, WITHDRAWN, ConsentEntry(3, given=True)), VOICE, Allow()),
        ((GIVEN, NO_TEXTS), VOICE, Allow()),
        (
            (GIVEN, NO_TEXTS),
            Channel.SMS,
            Refuse("consent-withdrawn"),
        ),
        ((ConsentEntry(1, given=True, channel=Channel.SMS),), VOICE, Refuse("no-consent")),
        ((GIVEN, ConsentEntry(2, given=False, address="+19998887777")), VOICE, Allow()),
        ((GIVEN, NOT_THIS_NUMBER), VOICE, Refuse("consent-withdrawn")),
    ],
)
def test_the_newest_consent_entry_that_applies_decides(consents, channel, expected):
    assert decide(facts(consents=consents), channel) == expected


def test_a_client_without_an_address_on_the_channel_is_refused():
    assert decide(facts(contacts={})) == Refuse("no-address")


def about(address, source, given=False, channel=None):
    return ConsentEntry(5, given, channel, address, source=source, everyone=True)


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([about(ADDRESSES[VOICE], "invalid")], Refuse("bad-address")),
        ([about(ADDRESSES[VOICE], "invalid", channel=Channel.SMS)], Allow()),
        ([about("+12125559999", "invalid")], Allow()),
        ([about(ADDRESSES[VOICE], "invalid"), about(ADDRESSES[VOICE], "corrected", True)], Allow()),
        ([about(ADDRESSES[VOICE], "do-not-call")], Refuse("do-not-call")),
        (
            [about(ADDRESSES[VOICE], "do-not-call"), about(ADDRESSES[VOICE], "corrected", True)],
            Refuse("do-not-call"),
        ),
        ([about(ADDRESSES[VOICE], "do-not-call"), about(ADDRESSES[VOICE], "do-not-call", True)], Allow()),
        ([about(ADDRESSES[VOICE], "text")], Refuse("consent-withdrawn")),
    ],
)
def test_what_is_known_of_an_address_binds_whoever_has_it(entries, expected):
    assert decide(facts(consents=(GIVEN, *entries))) == expected


def test_what_an_address_says_of_itself_is_nobodys_consent():
    given = about(ADDRESSES[VOICE], "text", given=True)
    assert decide(facts(consents=(given,))) == Refuse("no-consent")


def test_an_address_that_changed_after_planning_is_refused_not_followed():
    assert decide(facts(), address="+12125559999") == Refuse("address-changed")
    assert decide(facts(), address=ADDRESSES[VOICE]) == Allow()


def test_a_reminder_expires_at_the_appointment():
    known = facts()
    assert decide(known, now=known.appointment.starts_at) == Refuse("expired", State.EXPIRED)


def test_a_cancelled_appointment_cancels_its_reminder():
    known = facts()
    gone = replace(known, appointment=replace(known.appointment, status="cancelled"))
    assert decide(gone) == Refuse("appointment-cancelled", State.CANCELLED)


@pytest.mark.parametrize(("days", "expected"), [(0, Allow()), (1, "moved"), (-1, "moved")])
def test_an_appointment_that_left_the_days_of_the_broadcast_gets_no_reminder_of_it(days, expected):
    known = facts()
    day = known.appointment.starts_at
    about = replace(BROADCAST, starts_from=day - timedelta(hours=2), starts_until=day + timedelta(hours=2))
    moved = replace(known.appointment, starts_at=day + timedelta(days=days))
    verdict = decide(replace(known, broadcast=about, appointment=moved))
    assert verdict == (Refuse("appointment-moved", State.CANCELLED) if expected == "moved" else expected)


def test_a_cancelled_broadcast_cancels_its_messages():
    assert decide(facts(broadcast=replace(BROADCAST, state="cancelled"))) == Refuse(
        "broadcast-cancelled", State.CANCELLED
    )


def test_nothing_goes_before_the_broadcast_time():
    later = NOON + timedelta(hours=1)
    assert decide(facts(broadcast=replace(BROADCAST, send_at=later))) == Defer(later, "broadcast-time")


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        (None, Allow()),
        ("America/Los_Angeles", Allow()),
        # Six in the morning in Honolulu: not before eight there.
        ("Pacific/Honolulu", Defer(datetime(2026, 11, 24, 18, 0, tzinfo=UTC), "outside-window")),
        # One at night in Tokyo: eight there is 23:00 UTC.
        ("Asia/Tokyo", Defer(datetime(2026, 11, 24, 23, 0, tzinfo=UTC), "outside-window")),
    ],
)
def test_the_calling_window_is_in_the_recipients_own_zone(zone, expected):
    assert decide(facts(recipient=replace(PERSON, zone=zone))) == expected


def test_email_may_go_at_night():
    assert decide(facts(recipient=replace(PERSON, zone="Asia/Tokyo")), Channel.EMAIL) == Allow()


def test_a_window_that_opens_after_the_appointment_is_a_refusal():
    known = facts(recipient=replace(PERSON, zone="Asia/Tokyo"))
    soon = replace(known, appointment=replace(known.appointment, starts_at=NOON + timedelta(hours=2)))
    assert decide(soon) == Refuse("window-after-expiry", State.EXPIRED)


def test_refusal_beats_deferral():
    night = facts(recipient=replace(PERSON, zone="Asia/Tokyo"), consents=())
    assert decide(night) == Refuse("no-consent")


@pytest.mark.parametrize(
    ("preferred", "only_preference", "expected"),
    [
        (None, True, VOICE),
        (Channel.FAX, True, Channel.FAX),
        (Channel.FAX, False, VOICE),
    ],
)
def test_a_preference_is_honoured_only_where_the_broadcast_says_so(preferred, only_preference, expected):
    known = facts(
        recipient=replace(PERSON, preferred=preferred),
        broadcast=replace(BROADCAST, only_preference=only_preference),
    )
    assert cascade.channels(known) == (expected,)


NIGHT_LINE = Window(opens=time(2, 30), closes=time(4, 0))


@pytest.mark.parametrize(
    ("moment", "zone", "window", "expected"),
    [
        # New York springs forward on 8 March 2026: 02:30 does not exist, 03:30 EDT does.
        (datetime(2026, 3, 8, 6, 0), "America/New_York", NIGHT_LINE, datetime(2026, 3, 8, 7, 30)),
        # It falls back on 1 November 2026: the first 01:30 counts, in daylight time.
        (
            datetime(2026, 11, 1, 4, 30),
            "America/New_York",
            Window(opens=time(1, 30), closes=time(4, 0)),
            datetime(2026, 11, 1, 5, 30),
        ),
        # Arizona has no daylight time, the Navajo Nation (Denver's rules) has.
        (datetime(2026, 7, 1, 14, 30), "America/Phoenix", Window(), datetime(2026, 7, 1, 15, 0)),
        (datetime(2026, 7, 1, 14, 30), "America/Shiprock", Window(), datetime(2026, 7, 1, 14, 30)),
        # A window over midnight.
        (
            datetime(2026, 7, 1, 12, 0),
            "UTC",
            Window(opens=time(22, 0), closes=time(2, 0)),
            datetime(2026, 7, 1, 22, 0),
        ),
        (
            datetime(2026, 7, 1, 1, 0),
            "UTC",
            Window(opens=time(22, 0), closes=time(2, 0)),
            datetime(2026, 7, 1, 1, 0),
        ),
    ],
)
def test_windows_open_at_the_right_moment_when_clocks_change(moment, zone, window, expected):
    found = next_opening(moment.replace(tzinfo=UTC), window, ZoneInfo(zone))
    assert found == expected.replace(tzinfo=UTC)


@pytest.mark.parametrize(
    "zone", ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "Asia/Kathmandu"]
)
def test_an_opening_is_never_in_the_past_and_always_inside_the_window(zone):
    moment, window, place = datetime(2026, 1, 1, tzinfo=UTC), Window(), ZoneInfo(zone)
    for _ in range(365 * 24):
        opening = next_opening(moment, window, place)
        assert moment <= opening <= moment + timedelta(hours=25)
        assert window.opens <= opening.astimezone(place).time() < window.closes
        moment += timedelta(hours=1)


def test_a_time_zone_that_this_machine_does_not_know_is_refused_not_guessed():
    somewhere = replace(PERSON, zone="Mars/Olympus_Mons")
    assert decide(facts(recipient=somewhere)) == Refuse("unknown-time-zone")


# --- texts of no broadcast ---

SMS = Channel.SMS


def _direct(kind, answers=None, consents=(), now=NOON, **changes):
    text = Direct(kind, "words", answers, NOON + timedelta(hours=1))
    number = Contact(0, SMS, "+12025550107")
    known = facts(contacts={SMS: number}, consents=consents, direct=text, appointment=None, **changes)
    return policy.decide(known, SMS, number.address, now, RULES)


GIVEN, TAKEN = ConsentEntry(1, True), ConsentEntry(2, False)
NIGHT = NOON + timedelta(hours=12)


def test_the_answer_to_stop_and_to_help_goes_whatever_was_said():
    for kind in (DirectKind.OPTED_OUT, DirectKind.HELP):
        assert _direct(kind, 1, (GIVEN, TAKEN)) == policy.ALLOW
    assert _direct(DirectKind.ASK, 1) == policy.ALLOW
    assert _direct(DirectKind.ASK, 1, (TAKEN,)) == Refuse("consent-withdrawn")


def test_nothing_else_follows_a_withdrawal():
    for kind in (DirectKind.CONFIRMED, DirectKind.CANCELLED, DirectKind.OPTED_IN, DirectKind.STAFF):
        assert _direct(kind, 1, (GIVEN, TAKEN)) == Refuse("consent-withdrawn")


def test_who_wrote_to_us_may_be_answered_without_consent_on_record():
    assert _direct(DirectKind.STAFF, 1) == policy.ALLOW
    assert _direct(DirectKind.STAFF) == Refuse("no-consent")


def test_staff_may_answer_at_night_but_not_begin():
    late = Direct(DirectKind.STAFF, "words", None, NIGHT + timedelta(hours=20))
    known = facts(
        contacts={SMS: Contact(0, SMS, "+12025550107")}, consents=(GIVEN,), direct=late, appointment=None
    )
    assert isinstance(policy.decide(known, SMS, None, NIGHT, RULES), Defer)
    answering = replace(known, direct=replace(late, answers=1))
    assert policy.decide(answering, SMS, None, NIGHT, RULES) == policy.ALLOW


def test_an_answer_that_comes_too_late_is_not_sent():
    assert _direct(DirectKind.OPTED_OUT, 1, now=NOON + timedelta(hours=2)) == Refuse("expired", State.EXPIRED)


# --- mails to calendars ---


def visit_changed(**changes):
    direct = Direct(DirectKind.VISIT, "", None, NOON + timedelta(hours=22))
    return facts(direct=direct, **changes)


def decided(known, now=NOON):
    verdict = decide(known, Channel.EMAIL, now, "rosa@example.org")
    return verdict.reason if isinstance(verdict, Refuse) else verdict


@pytest.mark.parametrize(
    ("changes", "verdict"),
    [
        ({}, Allow()),
        ({"appointment": Appointment(3, NOON + timedelta(days=1), "", "", "cancelled", client=7)}, Allow()),
        ({"appointment": Appointment(3, NOON + timedelta(days=1), "", "", "completed", client=7)}, "expired"),
        ({"appointment": Appointment(3, NOON, "", "", client=8)}, "appointment-of-another"),
        ({"consents": ()}, "no-consent"),
        ({"consents": (ConsentEntry(1, True), ConsentEntry(2, False))}, "consent-withdrawn"),
        ({"contacts": {}}, "no-address"),
        ({"contacts": {Channel.EMAIL: Contact(1, Channel.EMAIL, "new@example.org")}}, "address-changed"),
        ({"consents": (GIVEN, about("rosa@example.org", "bounce"))}, "bad-address"),
    ],
)
def test_a_calendar_is_told_only_where_its_owner_still_agrees(changes, verdict):
    assert decided(visit_changed(**changes)) == verdict


def test_a_calendar_is_told_nothing_once_the_appointment_is_over():
    assert decided(visit_changed(), NOON + timedelta(hours=22)) == "expired"
