"""What became of an attempt, and what comes back later."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from gateway.domain.words import Channel


class RetryKind(StrEnum):
    """Which interval of the retry settings applies (rules, section 7)."""

    BUSY = "busy"
    NO_ANSWER = "no-answer"
    PASSING = "passing"
    TEMPORARY = "temporary"
    MAIL = "mail"
    DECLINED = "declined"
    LINE_DOWN = "line-down"
    FAX_BUSY = "fax-busy"
    FAX_NO_ANSWER = "fax-no-answer"
    FAX_ERROR = "fax-error"


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


# The cause of an Unknown: some parts of a message left, and it is certain or likely that others did not.
PARTLY_SENT = "partly-sent"
# The cause of a Failed: a receipt says that nobody has the number, or that it never takes texts.
NO_TEXTS_THERE = "receipt-no-such-number"
# The cause of a Retry: a machine has the message, and a person is still to be reached.
VOICEMAIL_LEFT = "voicemail-left"
# The cause of a delivery to a machine, also of one that an earlier attempt made.
VOICEMAIL = "voicemail"

Outcome = Delivered | Accepted | Retry | Failed | OptedOut | Unknown


@dataclass(frozen=True, slots=True)
class Receipt:
    """Late evidence on an attempt.

    Known by `attempt` where the protocol carries it back, else by `remote_id`, else (a response that was
    lost in a crash) by `address`, and then only if exactly one open attempt on the channel has it.
    `other_address`: another that the receipt names, where it is not clear which is the recipient's.
    """

    channel: Channel
    outcome: Outcome
    at: datetime
    attempt: str = ""
    remote_id: str = ""
    address: str = ""
    other_address: str = ""


# The words of an opt-out that a mail system passed on as a complaint.
COMPLAINT = "complaint"


class ReplyKind(StrEnum):
    """What a recipient told us."""

    CONFIRM = "confirm"
    CANCEL = "cancel"
    NOT_COMING = "not-coming"
    OPT_OUT = "opt-out"
    OPT_IN = "opt-in"
    HELP = "help"
    REPEAT = "repeat"
    TRANSFER = "transfer"
    LANGUAGE = "language"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class About:
    """The appointment that a calendar answered about, and when it was to begin, where that is said."""

    clinic: int
    visit: int
    starts_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """A text from a recipient or a key pressed in a call. `attempt` is set where it is certain.

    `about`: of the answer of a calendar; it binds only when its sender was told of that appointment.
    """

    channel: Channel
    kind: ReplyKind
    address: str
    at: datetime
    text: str = ""
    attempt: str = ""
    about: About | None = None


@dataclass(frozen=True, slots=True)
class ReplyPart:
    """A segment of a long text from a recipient: part `number` (from 1) of `total`, in `coding`."""

    channel: Channel
    address: str
    at: datetime
    reference: int
    total: int
    number: int
    octets: bytes
    coding: str


Event = Receipt | Reply | ReplyPart
