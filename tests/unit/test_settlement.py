"""What an outcome makes of a message."""

from __future__ import annotations

from datetime import timedelta

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
from gateway.settlement import Started, of_segments, settlement
from tests.unit.factory import NOON

RETRY = RetrySettings()
STARTED = Started(1042, 2, 1, NOON, NOON + timedelta(days=1), contact=9)


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
    assert found.due_at == NOON + timedelta(seconds=RETRY.busy.after_seconds)


def test_the_last_retry_allowed_is_a_failure():
    spent = Started(1042, 3, RETRY.busy.attempts - 1, NOON, None)
    found = settlement(spent, Retry(RetryKind.BUSY, "busy"), NOON, RETRY)
    assert (found.state, found.reason, found.cause) == (State.FAILED, "attempts-exhausted", "busy")


@pytest.mark.parametrize("expires_at", [None, NOON + timedelta(seconds=10)])
def test_when_nobody_was_reached_a_voicemail_that_was_left_is_a_delivery(expires_at):
    charged = 0 if expires_at else RETRY.no_answer.attempts - 1
    found = settlement(
        Started(1042, 3, charged, NOON, expires_at), Retry(RetryKind.NO_ANSWER, VOICEMAIL_LEFT), NOON, RETRY
    )
    assert (found.state, found.cause) == (State.DELIVERED, "voicemail-left")


def test_a_retry_after_the_appointment_is_a_failure():
    late = Started(1042, 1, 0, NOON, NOON + timedelta(seconds=10))
    found = settlement(late, Retry(RetryKind.BUSY, "busy"), NOON, RETRY)
    assert (found.state, found.reason) == (State.FAILED, "no-time-left")


def test_a_line_that_is_down_charges_nothing_and_never_exhausts():
    late = Started(1042, 99, 99, NOON, NOON + timedelta(seconds=10))
    found = settlement(late, Retry(RetryKind.LINE_DOWN, "line-down", charged=False), NOON, RETRY)
    assert (found.state, found.charged) == (State.SCHEDULED, False)


def test_only_a_bad_address_marks_the_contact():
    assert settlement(STARTED, Failed("unallocated", bad_address=True), NOON, RETRY).bad_contact == 9
    assert settlement(STARTED, Failed("policy"), NOON, RETRY).bad_contact is None


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
