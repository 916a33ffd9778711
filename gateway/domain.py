"""The words of Ringwell as frozen types: no I/O, no policy, no library but the standard one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class RingwellError(Exception):
    """Something went wrong that an administrator can act on; the message is written for them."""


class Channel(StrEnum):
    """A way to reach a recipient; also the contact methods that staff choose from."""

    VOICE = "voice"
    SMS = "sms"
    EMAIL = "email"
    FAX = "fax"


class State(StrEnum):
    """Where a Message stands; docs/states.md draws the transitions."""

    SCHEDULED = "scheduled"
    QUEUED = "queued"
    CLAIMED = "claimed"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    REFUSED = "refused"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    UNKNOWN = "unknown"


DUE_STATES = (State.SCHEDULED, State.QUEUED)
TERMINAL_STATES = (State.DELIVERED, State.FAILED, State.REFUSED, State.CANCELLED, State.EXPIRED)

# From each state, the states that may follow. `unknown` is left only by evidence (a late truth).
TRANSITIONS: Mapping[State, frozenset[State]] = {
    State.SCHEDULED: frozenset({State.CLAIMED, State.CANCELLED, State.EXPIRED}),
    State.QUEUED: frozenset({State.CLAIMED, State.CANCELLED, State.EXPIRED}),
    State.CLAIMED: frozenset(
        {
            State.SENDING,
            State.QUEUED,
            State.SCHEDULED,
            State.REFUSED,
            State.EXPIRED,
            State.CANCELLED,
            State.FAILED,
        }
    ),
    State.SENDING: frozenset(
        {State.ACCEPTED, State.DELIVERED, State.FAILED, State.SCHEDULED, State.EXPIRED, State.UNKNOWN}
    ),
    State.ACCEPTED: frozenset({State.DELIVERED, State.FAILED, State.SCHEDULED}),
    State.UNKNOWN: frozenset({State.ACCEPTED, State.DELIVERED, State.FAILED, State.SCHEDULED}),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset(),
    State.REFUSED: frozenset(),
    State.CANCELLED: frozenset(),
    State.EXPIRED: frozenset(),
}


def may_follow(new: State) -> tuple[State, ...]:
    """The states from which a message may become `new`."""
    return tuple(state for state, followers in TRANSITIONS.items() if new in followers)


class RecipientKind(StrEnum):
    """A client of the clinic, or one of its staff."""

    CLIENT = "client"
    STAFF = "staff"


class BroadcastClass(StrEnum):
    """The class that consent rules and caps follow (rules 1.1)."""

    HEALTH = "health-informational"
    OTHER = "other-informational"
    MARKETING = "marketing"
    EMERGENCY = "emergency"


class MessageType(StrEnum):
    """What a broadcast is about: defines its audience and its placeholders."""

    UPCOMING_APPOINTMENTS = "client-upcoming-appointments"
    STAFF_UPCOMING_APPOINTMENTS = "staff-upcoming-appointments"
    STAFF_NOTICE = "staff-notice"
    CLIENT_NOTICE = "client-notice"


# --- what is sent -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Speech:
    """Words for a synthetic voice: one part of a Script."""

    text: str
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Prompt:
    """A named own-voice recording: one part of a Script."""

    name: str


@dataclass(frozen=True, slots=True)
class Script:
    """What a call plays: parts for a person, and for an answering machine."""

    person: tuple[Speech | Prompt, ...]
    machine: tuple[Speech | Prompt, ...]


@dataclass(frozen=True, slots=True)
class Sounds:
    """A Script rendered: telephone-rate WAV files in the order in which they are played."""

    person: tuple[Path, ...]
    machine: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Text:
    """A text message."""

    body: str


@dataclass(frozen=True, slots=True)
class Mail:
    """An email with both parts; `html` is a whole document."""

    subject: str
    text: str
    html: str
    to_name: str = ""


@dataclass(frozen=True, slots=True)
class FaxLetter:
    """A fax before rendering: a text or a PDF for the body, and what the cover page says."""

    to_name: str
    subject: str
    text: str = ""
    pdf: Path | None = None


@dataclass(frozen=True, slots=True)
class FaxImage:
    """A fax rendered: one TIFF-F holding cover and body."""

    tiff: Path
    pages: int


Content = Script | Sounds | Text | Mail | FaxLetter | FaxImage


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try to deliver one Message; its id travels with it wherever a protocol carries one."""

    clinic: int
    message: int
    number: int
    address: str
    content: Content
    expires_at: datetime | None = None

    @property
    def id(self) -> str:
        """Stable over restarts, e.g. `rw-1-1042-2`: clinic 1, message 1042, second attempt."""
        return attempt_id(self.clinic, self.message, self.number)


def attempt_id(clinic: int, message: int, number: int) -> str:
    """The name of an attempt as it travels in ActionID, ChannelId and Message-ID."""
    return f"rw-{clinic}-{message}-{number}"


def parse_attempt_id(text: str) -> tuple[int, int, int] | None:
    """(clinic, message, number) of an attempt id, or None when the text is not one."""
    parts = text.split("-")
    if len(parts) != 4 or parts[0] != "rw" or not all(p.isascii() and p.isdigit() for p in parts[1:]):
        return None
    return int(parts[1]), int(parts[2]), int(parts[3])


# --- what became of it ------------------------------------------------------------------------------


class RetryKind(StrEnum):
    """Which interval of the retry settings applies (rules, section 7)."""

    BUSY = "busy"
    NO_ANSWER = "no-answer"
    TEMPORARY = "temporary"
    DECLINED = "declined"
    LINE_DOWN = "line-down"


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel's own evidence says that the recipient has it."""

    cause: str
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The next hop took responsibility; a Receipt may follow. `remote_ids`: one for each segment."""

    cause: str
    remote_ids: tuple[str, ...] = ()
    receipt_expected: bool = False
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Retry:
    """Not reached; may be tried again. `charged=False`: nothing left the building, no attempt is counted."""

    kind: RetryKind
    cause: str
    charged: bool = True
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Failed:
    """Will not arrive. `bad_address`: the address itself is at fault and must not be tried again."""

    cause: str
    bad_address: bool = False
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OptedOut:
    """Delivered up to the point where the recipient asked to be left alone."""

    cause: str
    evidence: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Unknown:
    """May or may not have arrived; never sent again on a guess."""

    cause: str
    evidence: Mapping[str, object] = field(default_factory=dict)


Outcome = Delivered | Accepted | Retry | Failed | OptedOut | Unknown


# --- what comes back --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Receipt:
    """Late evidence on an attempt.

    Known by `attempt` where the protocol carries it back, else by `remote_id`, else (a response that was
    lost in a crash) by `address`, and then only if exactly one open attempt on the channel has it.
    """

    channel: Channel
    outcome: Outcome
    at: datetime
    attempt: str = ""
    remote_id: str = ""
    address: str = ""


class ReplyKind(StrEnum):
    """What a recipient told us."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    OPT_OUT = "opt-out"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Reply:
    """A text from a recipient or a key pressed in a call. `attempt` is set where it is certain."""

    channel: Channel
    kind: ReplyKind
    address: str
    at: datetime
    text: str = ""
    attempt: str = ""


Event = Receipt | Reply
