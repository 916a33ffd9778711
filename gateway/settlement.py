"""What an outcome makes of a message: pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.domain import (
    NO_TEXTS_THERE,
    VOICEMAIL,
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
from gateway.settings import RetrySettings, Settings
from store.settle import Day, Settlement
from store.verdicts import Judged

RECEIPT_EXPECTED = "receipt-expected"
# What a receipt says of a segment that the recipient's side declined.
REJECTED = "receipt-rejected"


@dataclass(frozen=True, slots=True)
class Started:
    """What is known of a started attempt when its outcome arrives; `voicemails`: those of earlier ones.

    `judged`: the verdict that let it go.
    """

    message: int
    number: int
    charged: int
    started_at: datetime
    expires_at: datetime | None
    zone: str | None = None
    voicemails: int = 0
    judged: Judged | None = None


@dataclass(frozen=True, slots=True)
class Retries:
    """When to try again, and whose midnight ends a day where the recipient's is not known."""

    settings: RetrySettings
    zone: str

    @classmethod
    def of(cls, settings: Settings) -> Retries:
        """The rules an installation has set."""
        return cls(settings.retry, settings.clinic.zone)


def settlement(of: Started, outcome: Outcome, now: datetime, retries: Retries) -> Settlement:
    """The settlement of one attempt; an exhausted or late retry becomes a failure with its cause."""
    state, reason, due_at = _follows(of, outcome, now, retries)
    # Nobody was reached in the end, but a machine has the message.
    on_machine = state is State.FAILED and bool(of.voicemails or outcome.cause == VOICEMAIL_LEFT)
    return Settlement(
        message=of.message,
        number=of.number,
        state=State.DELIVERED if on_machine else state,
        ends_as=VOICEMAIL if on_machine else None,
        due_at=due_at,
        reason=reason,
        outcome=_NAMES[type(outcome)],
        cause=outcome.cause,
        charged=not (isinstance(outcome, Retry) and not outcome.charged),
        started_at=of.started_at,
        evidence=outcome.evidence,
        bad_address=isinstance(outcome, Failed) and outcome.bad_address,
        day=_day(of, outcome, retries) if state is State.SCHEDULED else None,
        judged=of.judged,
    )


def end_of(message: int, number: int, outcome: Delivered | Failed, now: datetime) -> Settlement:
    """The settlement of an attempt that is on record and has come to its end."""
    state = State.DELIVERED if isinstance(outcome, Delivered) else State.FAILED
    return Settlement(
        message=message,
        number=number,
        state=state,
        outcome=_NAMES[type(outcome)],
        cause=outcome.cause,
        charged=True,
        started_at=now,
        evidence=outcome.evidence,
    )


def _day(of: Started, outcome: Outcome, retries: Retries) -> Day | None:
    """The day whose attempts are counted; none where nothing limits them, or none was made."""
    if not isinstance(outcome, Retry) or not outcome.charged:
        return None
    most = retries.settings.interval(outcome.kind).per_day
    return Day(*_local_day(of.started_at, of.zone or retries.zone), most) if most else None


def _local_day(moment: datetime, zone: str) -> tuple[datetime, datetime]:
    """From midnight to midnight in this zone (UTC); 24 hours where this machine does not know it."""
    try:
        here = ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError):
        return moment - timedelta(hours=24), moment + timedelta(hours=24)
    date = moment.astimezone(here).date()
    midnights = (datetime.combine(day, time(), here) for day in (date, date + timedelta(days=1)))
    starts, ends = (midnight.astimezone(UTC) for midnight in midnights)
    return starts, ends


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
    of: Started, outcome: Outcome, now: datetime, retries: Retries
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
            interval = retries.settings.interval(kind)
            due_at = now + timedelta(seconds=interval.pause(of.charged))
            if of.expires_at is not None and due_at >= of.expires_at:
                # A pause that grew past the appointment: a shorter one may still be in time.
                due_at = now + timedelta(seconds=interval.pause(0))
            if kind is RetryKind.DECLINED:
                # Final for today, whatever the interval says (rules, section 7).
                due_at = max(due_at, _local_day(of.started_at, of.zone or retries.zone)[1])
            if charged and of.charged + 1 >= interval.attempts:
                return State.FAILED, "attempts-exhausted", None
            if charged and of.expires_at is not None and due_at >= of.expires_at:
                return State.FAILED, "no-time-left", None
            return State.SCHEDULED, cause, due_at


def of_segments(outcomes: Sequence[tuple[str | None, str]]) -> Outcome | None:
    """What the receipts of all segments together say; None while one is missing.

    A message is delivered when all its segments are; a failed segment decides as soon as it is known,
    because the text as a whole did not arrive. It is tried again only when nothing of it arrived.
    """
    for name, cause in outcomes:
        if name == "failed":
            return Failed(cause, bad_address=cause == NO_TEXTS_THERE)
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
