"""What an outcome makes of a message: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.domain import (
    VOICEMAIL_LEFT,
    Accepted,
    Delivered,
    Failed,
    OptedOut,
    Outcome,
    Retry,
    RetryKind,
    State,
    Unknown,
)
from gateway.settings import RetrySettings
from store.settle import Settlement

RECEIPT_EXPECTED = "receipt-expected"
# What a receipt says of a segment that the recipient's side declined.
REJECTED = "receipt-rejected"


@dataclass(frozen=True, slots=True)
class Started:
    """What is known of a started attempt when its outcome arrives."""

    message: int
    number: int
    charged: int
    started_at: datetime
    expires_at: datetime | None
    contact: int | None = None


def settlement(of: Started, outcome: Outcome, now: datetime, retry: RetrySettings) -> Settlement:
    """The settlement of one attempt; an exhausted or late retry becomes a failure with its cause."""
    state, reason, due_at = _follows(of, outcome, now, retry)
    return Settlement(
        message=of.message,
        number=of.number,
        state=state,
        due_at=due_at,
        reason=reason,
        outcome=_NAMES[type(outcome)],
        cause=outcome.cause,
        charged=not (isinstance(outcome, Retry) and not outcome.charged),
        started_at=of.started_at,
        evidence=outcome.evidence,
        bad_contact=of.contact if isinstance(outcome, Failed) and outcome.bad_address else None,
    )


_NAMES: dict[type, str] = {
    Delivered: "delivered",
    Accepted: "accepted",
    Retry: "retry",
    Failed: "failed",
    OptedOut: "opted-out",
    Unknown: "unknown",
}


def name_of(outcome: Outcome) -> str:
    """The outcome's word as stored."""
    return _NAMES[type(outcome)]


def _follows(
    of: Started, outcome: Outcome, now: datetime, retry: RetrySettings
) -> tuple[State, str | None, datetime | None]:
    match outcome:
        case Delivered() | OptedOut():
            return State.DELIVERED, None, None
        case Accepted(receipt_expected=expected):
            return State.ACCEPTED, RECEIPT_EXPECTED if expected else None, None
        case Failed():
            return State.FAILED, None, None
        case Unknown():
            return State.UNKNOWN, None, None
        case Retry(kind=kind, cause=cause, charged=charged):
            interval = retry.interval(kind)
            due_at = now + timedelta(seconds=interval.after_seconds)
            # Nobody was reached, but a machine has the message.
            end = State.DELIVERED if cause == VOICEMAIL_LEFT else State.FAILED
            if charged and of.charged + 1 >= interval.attempts:
                return end, "attempts-exhausted", None
            if charged and of.expires_at is not None and due_at >= of.expires_at:
                return end, "no-time-left", None
            return State.SCHEDULED, cause, due_at


def of_segments(outcomes: Sequence[tuple[str | None, str]]) -> Outcome | None:
    """What the receipts of all segments together say; None while one is missing.

    A message is delivered when all its segments are; a failed segment decides as soon as it is known,
    because the text as a whole did not arrive. It is tried again only when nothing of it arrived.
    """
    for name, cause in outcomes:
        if name == "failed":
            return Failed(cause)
    if any(name is None for name, _ in outcomes) or not outcomes:
        return None
    if all(name == "delivered" for name, _ in outcomes):
        return Delivered("receipt-delivered")
    if all(name == "retry" for name, _ in outcomes):
        return _sent_again([cause for _, cause in outcomes])
    for name, cause in outcomes:
        if name == "retry":
            return Failed(cause)
    return Unknown(next(cause for name, cause in outcomes if name != "delivered"))


def _sent_again(causes: Sequence[str]) -> Retry:
    """After the longest of the pauses that the segments ask for."""
    if REJECTED in causes:
        return Retry(RetryKind.DECLINED, REJECTED)
    return Retry(RetryKind.NO_ANSWER, causes[0])
