"""What screens say: states, outcomes and causes in plain words. Pure, and the only place with such words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

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

CAUSES: Mapping[str, str] = {
    # delivered
    "played": "Heard the message",
    "confirmed": "Heard the message and confirmed",
    "voicemail": "Left on the answering machine",
    "opted-out": "Asked not to be contacted again",
    "receipt-delivered": "The phone company reports delivery",
    "delivered": "Delivered",
    "fax-received": "All pages were received",
    # accepted
    "relayed": "The mail system took it",
    "accepted": "The next system took it",
    "submitted": "The phone company took it",
    "receipt-expected": "Waiting for the receipt",
    "unconfirmed": "Taken, but no receipt ever came",
    # tried, not reached
    "busy": "The line was busy",
    "no-answer": "Nobody answered",
    "hung-up-early": "Hung up before the message was heard",
    "declined": "The call was declined",
    "congestion": "The telephone network was full",
    "throttled": "The phone company asked us to slow down",
    "line-down": "Our line was down",
    "temporary": "A passing fault; it is tried again",
    "greylisted": "The mail system asked us to come back later",
    "mailbox-full": "The mailbox is full",
    "protocol-error": "The fax machines did not understand each other",
    # failed
    "unallocated": "The number does not exist",
    "bad-number": "The number does not exist",
    "number-changed": "The number has changed",
    "mailbox-unknown": "The mailbox does not exist",
    "undeliverable": "The phone company could not deliver it",
    "rejected": "The receiving system refused it",
    "receipt-expired": "The phone company gave up delivering it",
    "blocked": "The call was blocked as unwanted",
    "not-a-fax": "No fax machine answered",
    "content-error": "The content could not be prepared",
    "preparation-failed": "The content could not be prepared",
    "attempts-exhausted": "Every allowed attempt was used",
    "no-time-left": "No time was left for another attempt",
    # unknown
    "interrupted": "Interrupted while sending: it may or may not have arrived",
    "response-lost": "The answer was lost: it may or may not have arrived",
    "timeout": "No answer in time: it may or may not have arrived",
    "internal-error": "A fault inside Ringwell: see the log",
    # decided before sending
    "no-consent": "No consent on record",
    "consent-withdrawn": "Consent was withdrawn",
    "no-address": "No address on record for this channel",
    "bad-address": "The address on record does not work",
    "address-changed": "The address changed after planning",
    "outside-window": "Outside the calling hours",
    "broadcast-time": "Waiting for the broadcast's time",
    "window-after-expiry": "The calling hours open too late",
    "expired": "Too late: the appointment has begun",
    "appointment-cancelled": "The appointment was cancelled",
    "ambiguous-cancel": "An unclear reply to an earlier message: look at it first",
    "broadcast-cancelled": "The broadcast was cancelled",
}

# Chip words and tones of messages that wait for another attempt, by the cause of the last one.
_TRIED = {
    "busy": ("Busy", "busy"),
    "no-answer": ("No answer", "noanswer"),
    "hung-up-early": ("Hung up", "noanswer"),
}
_DELIVERED = {
    "confirmed": ("Confirmed", "good"),
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


def cause(code: str | None) -> str:
    """A cause or reason in plain words; one we do not know is shown readable as it is."""
    return CAUSES.get(code, readable(code)) if code else ""


def why(state: State, cause_code: str | None, reason: str | None) -> str:
    """Why a message stands where it stands: the evidence first, then the rule that was applied."""
    if state in (State.CLAIMED, State.SENDING):
        # What is on record tells of the attempt before.
        return ""
    if cause_code and reason in ("attempts-exhausted", "no-time-left"):
        return f"{cause(cause_code)}. {cause(reason)}"
    if state in (State.REFUSED, State.EXPIRED, State.CANCELLED):
        return cause(reason or cause_code)
    return cause(cause_code or reason)


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
    "cause": "Hangup cause",
    "tech_cause": "SIP answer",
    "techcause": "SIP answer",
    "digits": "Keys pressed",
    "digit": "Key pressed",
    "seconds": "Seconds",
    "played": "Played",
    "amd": "Answered by",
    "pages": "Pages",
    "remote_id": "Their number for it",
    "remote_ids": "Their numbers for it",
    "error": "Error",
    "status": "Status",
    "code": "Code",
    "reply": "Answer",
    "segments": "Segments",
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
