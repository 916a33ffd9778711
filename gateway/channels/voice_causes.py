"""What a call's result means (rules, sections 5 and 7): pure tables, SIP status before Q.850 cause."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.asterisk.results import CallResult
from gateway.domain import (
    VOICEMAIL,
    VOICEMAIL_LEFT,
    Delivered,
    Failed,
    OptedOut,
    Outcome,
    Retry,
    RetryKind,
    Unknown,
)

BUSY = Retry(RetryKind.BUSY, "busy")
NO_ANSWER = Retry(RetryKind.NO_ANSWER, "no-answer")
UNREACHABLE = Retry(RetryKind.NO_ANSWER, "unreachable")
DECLINED = Retry(RetryKind.DECLINED, "declined")
# By analytics of the networks, as unwanted: of our calls as such, not of this one (rules 1.14).
BLOCKED = Retry(RetryKind.DECLINED, "blocked-by-analytics")
TEMPORARY = Retry(RetryKind.TEMPORARY, "network-trouble")
HUNG_UP_EARLY = Retry(RetryKind.NO_ANSWER, "hung-up-early")
CUT_OFF = Retry(RetryKind.NO_ANSWER, "cut-off")
MACHINE_MET = Retry(RetryKind.NO_ANSWER, "machine-met")
MACHINE_HAS_IT = Retry(RetryKind.NO_ANSWER, VOICEMAIL_LEFT)
NO_SUCH_NUMBER = Failed("no-such-number", bad_address=True)


def _down(cause: str) -> Retry:
    return Retry(RetryKind.LINE_DOWN, cause, charged=False)


CONGESTION = _down("trunk-congested")
REFUSES_US = _down("trunk-refuses-us")
# Of this number or of us: gateway.channels.pace tells by the calls beside it.
FORBIDDEN = Retry(RetryKind.TEMPORARY, "number-forbidden")
NO_MEDIA = _down("trunk-refuses-media")
SILENT = _down("trunk-silent")

BY_SIP: Mapping[int, Outcome] = {
    401: REFUSES_US,
    403: FORBIDDEN,
    404: NO_SUCH_NUMBER,
    407: REFUSES_US,
    408: NO_ANSWER,
    410: NO_SUCH_NUMBER,
    480: UNREACHABLE,
    484: NO_SUCH_NUMBER,
    486: BUSY,
    487: NO_ANSWER,
    488: NO_MEDIA,
    503: CONGESTION,
    600: BUSY,
    603: DECLINED,
    604: NO_SUCH_NUMBER,
    606: NO_MEDIA,
    607: BLOCKED,
    608: BLOCKED,
}

BY_CAUSE: Mapping[int, Outcome] = {
    0: NO_ANSWER,
    1: NO_SUCH_NUMBER,
    16: NO_ANSWER,
    17: BUSY,
    18: NO_ANSWER,
    19: NO_ANSWER,
    20: UNREACHABLE,
    21: DECLINED,
    22: NO_SUCH_NUMBER,
    28: NO_SUCH_NUMBER,
    34: CONGESTION,
    38: CONGESTION,
    41: CONGESTION,
    42: CONGESTION,
    44: CONGESTION,
    58: NO_MEDIA,
    65: NO_MEDIA,
    66: NO_MEDIA,
}

# Asterisk's own word where the trunk's silence ended the call.
_TIMED_OUT = (0, 18, 19)

BY_STAGE: Mapping[str, Outcome] = {
    "confirmed": Delivered("confirmed"),
    "visit-cancelled": Delivered("visit-cancelled"),
    "transferring": Delivered("desk-missed"),
    "transferred": Delivered("transferred"),
    "opted-out": OptedOut("opted-out"),
    "played": Delivered("played"),
    "left": Delivered(VOICEMAIL),
    "left-more": MACHINE_HAS_IT,
    "met-later": MACHINE_MET,
    "met-hang-up": Failed("machine-met"),
    "broken": Retry(RetryKind.TEMPORARY, "sound-missing"),
    "answered": HUNG_UP_EARLY,
    "detecting": HUNG_UP_EARLY,
    "playing": HUNG_UP_EARLY,
    "machine": HUNG_UP_EARLY,
    "leaving": HUNG_UP_EARLY,
}

# Stages in which the message was not heard yet; none: it rang.
UNHEARD = {stage for stage, end in BY_STAGE.items() if end is HUNG_UP_EARLY} | {""}


def outcome(result: CallResult) -> Outcome:
    """The outcome of a call, with its evidence."""
    if result.cut and result.stage in UNHEARD:
        return with_evidence(CUT_OFF, evidence(result))
    if not result.stage:
        return with_evidence(unanswered(result), evidence(result))
    return with_evidence(BY_STAGE.get(result.stage, Unknown("strange-report")), evidence(result))


def unanswered(result: CallResult) -> Outcome:
    """The outcome of a call that nobody answered."""
    if result.blocked:
        return BLOCKED
    if result.sip >= 300:
        return BY_SIP.get(result.sip) or BY_CAUSE.get(result.cause, TEMPORARY)
    if result.sip == 0 and result.cause in _TIMED_OUT:
        # Not even "trying" came back: there is no trunk there, and no telephone rang.
        return SILENT
    return BY_CAUSE.get(result.cause, TEMPORARY)


def evidence(result: CallResult) -> dict[str, object]:
    """What the exchange said of a call; no number and no name."""
    found = {
        "stage": result.stage or "unanswered",
        "key": result.key,
        "machine": result.machine,
        "cause": result.cause,
        "sip": result.sip,
        "seconds": result.seconds,
        "trunk": result.trunk,
    }
    return {name: value for name, value in found.items() if value != ""}


def with_evidence(bare: Outcome, found: Mapping[str, object]) -> Outcome:
    """The same outcome carrying this evidence."""
    match bare:
        case Delivered(cause=cause):
            return Delivered(cause, found)
        case OptedOut(cause=cause):
            return OptedOut(cause, found)
        case Retry(kind=kind, cause=cause, charged=charged):
            return Retry(kind, cause, charged, found)
        case Failed(cause=cause, bad_address=bad_address):
            return Failed(cause, bad_address, found)
        case Unknown(cause=cause):
            return Unknown(cause, found)
        case _:
            return bare
