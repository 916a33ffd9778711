"""What screens say: states and outcomes in plain words. Pure; gateway.console.causes has the causes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.console.causes import CAUSES
from gateway.domain import Channel, State


@dataclass(frozen=True, slots=True)
class Group:
    """States that mean the same to the front desk: one counter on Today. Together they cover every state."""

    key: str
    label: str
    hint: str
    states: tuple[State, ...]


GROUPS = (
    Group("reached", "Delivered", "confirmed", (State.DELIVERED,)),
    Group("accepted", "Accepted", "handed over, no receipt", (State.ACCEPTED,)),
    Group("progress", "In progress", "being sent now", (State.CLAIMED, State.SENDING)),
    Group("waiting", "Waiting", "scheduled or queued", (State.SCHEDULED, State.QUEUED)),
    Group("person", "Needs a person", "failed or unknown", (State.FAILED, State.UNKNOWN)),
    Group(
        "unsent", "Not sent", "refused, expired, cancelled", (State.REFUSED, State.EXPIRED, State.CANCELLED)
    ),
)
GROUP_OF: Mapping[State, Group] = {state: group for group in GROUPS for state in group.states}

CHANNELS: Mapping[str, str] = {
    Channel.VOICE.value: "Call",
    Channel.SMS.value: "Text",
    Channel.EMAIL.value: "Email",
    Channel.FAX.value: "Fax",
}

# Chip words and tones of messages that wait for another attempt, by the cause of the last one.
_TRIED = {
    "busy": ("Busy", "busy"),
    "no-answer": ("No answer", "noanswer"),
    "hung-up-early": ("Hung up", "noanswer"),
    "machine-met": ("Machine", "noanswer"),
}
_DELIVERED = {
    "confirmed": ("Confirmed", "good"),
    "visit-cancelled": ("Cancels", "bad"),
    "desk-missed": ("Call back", "bad"),
    "transferred": ("Front desk", "good"),
    "voicemail": ("Voicemail", "info"),
    "opted-out": ("Opted out", "plain"),
}
_SENDING = {"voice": "Calling", "fax": "Faxing"}
_TONES = {"accepted": "info", "claimed": "calling", "failed": "bad", "unknown": "bad"}


@dataclass(frozen=True, slots=True)
class Chip:
    """A status: always a word, and the tone that colours it."""

    word: str
    tone: str


def chip(state: State, channel: str, cause: str | None) -> Chip:
    """How a message's state is shown."""
    if state is State.DELIVERED:
        return Chip(*_DELIVERED.get(cause or "", ("Delivered", "good")))
    if state is State.SENDING:
        return Chip(_SENDING.get(channel, "Sending"), "calling")
    if state is State.SCHEDULED and cause in _TRIED:
        return Chip(*_TRIED[cause])
    return Chip(state.value.capitalize(), _TONES.get(state.value, "plain"))


def readable(code: str) -> str:
    """A code as words: `no-such-thing` is shown as `No such thing`."""
    text = code.replace("-", " ").replace("_", " ").strip()
    return text[:1].upper() + text[1:]


Say = Callable[[str], str]


def as_it_is(text: str) -> str:
    """English, as it stands in the code."""
    return text


def cause(code: str | None, say: Say = as_it_is) -> str:
    """A cause or reason in plain words, with its detail; one we do not know is shown readable as it is."""
    known, _, detail = (code or "").partition(": ")
    told = say(CAUSES.get(known, readable(known)))
    return f"{told}: {detail}" if detail else told


def why(state: State, cause_code: str | None, reason: str | None, say: Say = as_it_is) -> str:
    """Why a message stands where it stands: the evidence first, then the rule that was applied."""
    if state in (State.CLAIMED, State.SENDING):
        # What is on record tells of the attempt before.
        return ""
    if cause_code and reason in ("attempts-exhausted", "no-time-left"):
        return f"{cause(cause_code, say)}. {cause(reason, say)}"
    if state in (State.REFUSED, State.EXPIRED, State.CANCELLED):
        return cause(reason or cause_code, say)
    return cause(cause_code or reason, say)


OUTCOMES: Mapping[str, str] = {
    "delivered": "Delivered",
    "accepted": "Accepted",
    "retry": "Not reached",
    "failed": "Failed",
    "opted-out": "Opted out",
    "unknown": "Unknown",
}


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of the outcome chart."""

    key: str
    label: str


SERIES = (
    Series("confirmed", "Confirmed"),
    Series("delivered", "Delivered"),
    Series("voicemail", "Voicemail"),
    Series("accepted", "Accepted"),
    Series("noanswer", "No answer"),
    Series("busy", "Busy"),
    Series("again", "Other retry"),
    Series("optedout", "Opted out"),
    Series("failed", "Failed"),
    Series("unknown", "Unknown"),
)
_RETRIES = {"busy": "busy", "no-answer": "noanswer", "hung-up-early": "noanswer"}
_REACHED = {"confirmed": "confirmed", "voicemail": "voicemail", "opted-out": "optedout"}


def series(outcome: str, cause_code: str) -> str:
    """The key of the chart series that an attempt's outcome belongs to."""
    match outcome:
        case "delivered":
            return _REACHED.get(cause_code, "delivered")
        case "opted-out":
            return "optedout"
        case "retry" | "failed" if cause_code in _RETRIES:
            return _RETRIES[cause_code]
        case "accepted" | "failed":
            return outcome
        case "retry":
            return "again"
    return "unknown"


EVIDENCE: Mapping[str, str] = {
    "accepted": "Parts accepted",
    "at": "Refused at",
    "cause": "Hangup cause",
    "code": "Code",
    "error": "Error",
    "key": "Key pressed",
    "machine": "Answered by",
    "message_id": "Their number for it",
    "message_ids": "Their numbers for it",
    "mode": "Fax mode",
    "pages": "Pages",
    "rate": "Bits per second",
    "reply": "Answer",
    "seconds": "Seconds",
    "segments": "Parts",
    "sip": "SIP answer",
    "stage": "Came as far as",
    "state": "State in the receipt",
    "station": "Fax station",
    "status": "Status",
    "then": "What stopped the rest",
}


def evidence(values: Mapping[str, object]) -> list[tuple[str, str]]:
    """Evidence as (label, value) pairs; whole addresses are masked."""
    return [(EVIDENCE.get(key.lower(), readable(key)), _value(key, value)) for key, value in values.items()]


def _value(key: str, value: object) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(_value(key, item) for item in value)
    if isinstance(value, Mapping):
        return ", ".join(f"{readable(str(k))} {_value(str(k), v)}" for k, v in value.items())
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.1f}"
    text = "" if value is None else str(value)
    return mask(text) if _is_address(key, text) else text


def _is_address(key: str, text: str) -> bool:
    return "@" in text or text.startswith("+") or key.lower() in ("address", "number", "to", "from", "caller")


def mask(address: str) -> str:
    """An address that staff recognise and a passer-by cannot use: +1 202 ••• 1234, j•••@example.org."""
    if "@" in address:
        name, _, domain = address.rpartition("@")
        return f"{name[:1]}•••@{domain}"
    digits = "".join(c for c in address if c.isdigit())
    if len(digits) == 11 and digits.startswith("1"):
        return f"+1 {digits[1:4]} ••• {digits[-4:]}"
    if len(digits) >= 9:
        return f"+{digits[:2]} ••• {digits[-4:]}"
    return f"••• {digits[-2:]}"
