"""What an outcome makes of a message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.domain import (
    VOICEMAIL_LEFT,
    Accepted,
    Delivered,
    Failed,
    OptedOut,
    Retry,
    RetryKind,
    State,
    Unknown,
)
from gateway.settings import RetrySettings
from gateway.settlement import Retries, Started, of_segments, settlement
from store.settle import Day
from tests.unit.factory import NOON

RETRY = Retries(RetrySettings(), "America/New_York")
STARTED = Started(1042, 2, 1, NOON, NOON + timedelta(days=1))


@pytest.mark.parametrize(
    ("outcome", "state", "reason"),
    [
        (Delivered("confirmed"), State.DELIVERED, None),
        (OptedOut("opted-out"), State.DELIVERED, None),
        (Accepted("relayed"), State.ACCEPTED, None),
        (Accepted("submitted", ("1",), receipt_expected=True), State.ACCEPTED, "receipt-expected"),
        (Failed("unallocated"), State.FAILED, None),
        (Unknown("response-timeout"), State.UNKNOWN, None),
    ],
)
def test_final_outcomes_settle_at_once(outcome, state, reason):
    found = settlement(STARTED, outcome, NOON, RETRY)
    assert (found.state, found.reason, found.due_at, found.charged) == (state, reason, None, True)
    assert (found.message, found.number, found.cause) == (1042, 2, outcome.cause)


def test_a_retry_waits_as_long_as_the_settings_say():
    found = settlement(STARTED, Retry(RetryKind.BUSY, "busy"), NOON, RETRY)
    assert found.state is State.SCHEDULED
    assert found.due_at == NOON + timedelta(seconds=RETRY.settings.busy.after_seconds)


LATER = Retry(RetryKind.MAIL, "refused-for-now")


def test_refused_mail_is_tried_from_half_an_hour_on_ever_more_slowly_for_days():
    now, pauses = NOON, []
    for charged in range(100):
        found = settlement(Started(1, charged + 1, charged, now, None), LATER, now, RETRY)
        if found.state is State.FAILED:
            break
        pauses.append((found.due_at - now) / timedelta(hours=1))
        now = found.due_at
    assert pauses[:6] == [0.5, 1, 2, 4, 4, 4]
    assert found.reason == "attempts-exhausted"
    assert timedelta(days=4) < now - NOON <= timedelta(days=5)


def test_refused_mail_is_tried_until_its_appointment():
    visit, now = NOON + timedelta(hours=25, minutes=10), NOON
    for charged in range(100):
        found = settlement(Started(1, charged + 1, charged, now, visit), LATER, now, RETRY)
        if found.state is State.FAILED:
            break
        now = found.due_at
    assert found.reason == "no-time-left"
    assert visit - now <= timedelta(minutes=30)


def test_a_pause_that_grows_never_overflows():
    assert RETRY.settings.mail.pause(1_000_000) == RETRY.settings.mail.longest_seconds


def test_the_last_retry_allowed_is_a_failure():
    spent = Started(1042, 3, RETRY.settings.busy.attempts - 1, NOON, None)
    found = settlement(spent, Retry(RetryKind.BUSY, "busy"), NOON, RETRY)
    assert (found.state, found.reason, found.cause) == (State.FAILED, "attempts-exhausted", "busy")


@pytest.mark.parametrize("expires_at", [None, NOON + timedelta(seconds=10)])
def test_when_nobody_was_reached_a_voicemail_that_was_left_is_a_delivery(expires_at):
    charged = 0 if expires_at else RETRY.settings.no_answer.attempts - 1
    found = settlement(
        Started(1042, 3, charged, NOON, expires_at), Retry(RetryKind.NO_ANSWER, VOICEMAIL_LEFT), NOON, RETRY
    )
    assert (found.state, found.cause, found.ends_as) == (State.DELIVERED, "voicemail-left", "voicemail")


@pytest.mark.parametrize(
    ("outcome", "expires_at"),
    [
        (Retry(RetryKind.NO_ANSWER, "no-answer"), None),
        (Retry(RetryKind.NO_ANSWER, "no-answer"), NOON + timedelta(seconds=10)),
        (Failed("no-such-number", bad_address=True), None),
    ],
)
def test_a_voicemail_that_an_earlier_attempt_left_is_a_delivery_when_nobody_is_reached(outcome, expires_at):
    charged = 1 if expires_at else RETRY.settings.no_answer.attempts - 1
    of = Started(1042, 3, charged, NOON, expires_at, voicemails=1)
    found = settlement(of, outcome, NOON, RETRY)
    assert (found.state, found.ends_as, found.cause) == (State.DELIVERED, "voicemail", outcome.cause)


def test_a_voicemail_is_no_reason_to_give_up_a_person_who_may_still_be_reached():
    of = Started(1042, 2, 1, NOON, None, voicemails=1)
    assert settlement(of, Retry(RetryKind.NO_ANSWER, "no-answer"), NOON, RETRY).state is State.SCHEDULED


def test_a_retry_after_the_appointment_is_a_failure():
    late = Started(1042, 1, 0, NOON, NOON + timedelta(seconds=10))
    found = settlement(late, Retry(RetryKind.BUSY, "busy"), NOON, RETRY)
    assert (found.state, found.reason) == (State.FAILED, "no-time-left")


def test_a_line_that_is_down_charges_nothing_and_never_exhausts():
    late = Started(1042, 99, 99, NOON, NOON + timedelta(seconds=10))
    found = settlement(late, Retry(RetryKind.LINE_DOWN, "line-down", charged=False), NOON, RETRY)
    assert (found.state, found.charged) == (State.SCHEDULED, False)


def test_only_a_bad_address_marks_the_contact():
    assert settlement(STARTED, Failed("unallocated", bad_address=True), NOON, RETRY).bad_address
    assert not settlement(STARTED, Failed("policy"), NOON, RETRY).bad_address


@pytest.mark.parametrize(
    ("segments", "expected"),
    [
        ([], None),
        ([(None, "")], None),
        ([("delivered", "x"), (None, "")], None),
        ([("delivered", "x"), ("delivered", "x")], Delivered("receipt-delivered")),
        ([("delivered", "x"), ("failed", "undeliverable")], Failed("undeliverable")),
        ([(None, ""), ("failed", "undeliverable")], Failed("undeliverable")),
        ([("delivered", "x"), ("unknown", "state-unknown")], Unknown("state-unknown")),
        ([("retry", "receipt-expired"), (None, "")], None),
        ([("retry", "receipt-expired")] * 2, Retry(RetryKind.NO_ANSWER, "receipt-expired")),
        (
            [("retry", "receipt-expired"), ("retry", "receipt-rejected")],
            Retry(RetryKind.DECLINED, "receipt-rejected"),
        ),
        ([("retry", "receipt-expired"), ("delivered", "x")], Failed("receipt-expired")),
    ],
)
def test_a_text_is_delivered_when_all_its_segments_are(segments, expected):
    assert of_segments(segments) == expected


MORNING = datetime(2026, 3, 7, 15, 0, tzinfo=UTC)  # 10:00 in New York, the day before the clocks go forward
MIDNIGHT = datetime(2026, 3, 8, 5, 0, tzinfo=UTC)


def test_declined_is_final_for_the_recipients_own_day():
    here = Started(1042, 1, 0, MORNING, None)
    assert settlement(here, Retry(RetryKind.DECLINED, "declined"), MORNING, RETRY).due_at == MIDNIGHT
    hawaii = Started(1042, 1, 0, MORNING, None, zone="Pacific/Honolulu")
    late = settlement(hawaii, Retry(RetryKind.DECLINED, "declined"), MORNING, RETRY)
    assert late.due_at == datetime(2026, 3, 8, 10, 0, tzinfo=UTC)


def test_declined_in_the_evening_still_waits_as_long_as_the_settings_say():
    evening = MIDNIGHT - timedelta(minutes=5)
    found = settlement(Started(1, 1, 0, evening, None), Retry(RetryKind.DECLINED, "declined"), evening, RETRY)
    assert found.due_at == evening + timedelta(seconds=RETRY.settings.declined.after_seconds)


def test_a_charged_retry_tells_the_day_in_which_attempts_are_counted():
    here = Started(1042, 1, 0, MORNING, None)
    day = settlement(here, Retry(RetryKind.BUSY, "busy"), MORNING, RETRY).day
    assert day == Day(datetime(2026, 3, 7, 5, 0, tzinfo=UTC), MIDNIGHT, RETRY.settings.busy.per_day)
    assert settlement(here, Retry(RetryKind.TEMPORARY, "x"), MORNING, RETRY).day is None
    assert settlement(here, Retry(RetryKind.BUSY, "x", charged=False), MORNING, RETRY).day is None


def test_a_zone_that_this_machine_does_not_know_means_a_whole_day():
    lost = Started(1042, 1, 0, MORNING, None, zone="Mars/Olympus")
    found = settlement(lost, Retry(RetryKind.DECLINED, "declined"), MORNING, RETRY)
    assert found.due_at == MORNING + timedelta(hours=24)
