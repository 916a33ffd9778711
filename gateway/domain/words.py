"""Channels, states and the other closed sets of words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class RingwellError(Exception):
    """Something went wrong that an administrator can act on; the message is written for them."""


class ContentError(RingwellError):
    """The content of a message cannot be sent on its channel (a missing prompt, an unreadable PDF)."""


class UnsafeValueError(ContentError):
    """A value holds CR, LF or another control character and must not reach a protocol."""


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
    # Delivered without being sent again: an earlier attempt left a voicemail, and there is no other.
    State.SCHEDULED: frozenset({State.CLAIMED, State.CANCELLED, State.EXPIRED, State.DELIVERED}),
    State.QUEUED: frozenset({State.CLAIMED, State.CANCELLED, State.EXPIRED, State.DELIVERED}),
    State.CLAIMED: frozenset(
        {
            State.SENDING,
            State.QUEUED,
            State.SCHEDULED,
            State.REFUSED,
            State.EXPIRED,
            State.CANCELLED,
            State.FAILED,
            State.DELIVERED,
        }
    ),
    State.SENDING: frozenset(
        {State.ACCEPTED, State.DELIVERED, State.FAILED, State.SCHEDULED, State.EXPIRED, State.UNKNOWN}
    ),
    State.ACCEPTED: frozenset({State.DELIVERED, State.FAILED, State.SCHEDULED}),
    State.UNKNOWN: frozenset({State.ACCEPTED, State.DELIVERED, State.FAILED, State.SCHEDULED}),
    State.DELIVERED: frozenset(),
    State.FAILED: frozenset(),
    # Only when what it was refused for is given, and nothing of it was sent.
    State.REFUSED: frozenset({State.SCHEDULED}),
    # Only when its appointment is back, and nothing of it was sent.
    State.CANCELLED: frozenset({State.SCHEDULED}),
    State.EXPIRED: frozenset({State.SCHEDULED}),
}


def may_follow(new: State) -> tuple[State, ...]:
    """The states from which a message may become `new`."""
    return tuple(state for state, followers in TRANSITIONS.items() if new in followers)


class RecipientKind(StrEnum):
    """A client of the clinic, or one of its staff."""

    CLIENT = "client"
    STAFF = "staff"


class Purpose(StrEnum):
    """What a consent is for: messages at all, marketing too, or sharing one message with one's family."""

    MESSAGING = "messaging"
    MARKETING = "marketing"
    FAMILY = "family"


class Party(StrEnum):
    """Whose word a consent is: the client's own, or that of the messaging contact who is told instead."""

    CLIENT = "client"
    CONTACT = "contact"


class Source(StrEnum):
    """Where an entry of the consent ledger comes from."""

    FORM = "form"
    STAFF = "staff"
    IMPORT = "import"
    KEY = "keypress"
    TEXT = "text"
    EMAIL = "email"
    FAX = "fax"
    AMBIGUOUS = "ambiguous-cancel"
    CLARIFIED = "clarified-cancel"
    SHARED_ADDRESS = "address-opted-out"
    DO_NOT_CALL = "do-not-call"
    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    DEACTIVATED = "deactivated"
    INVALID = "invalid"
    NO_TEXTS = "no-texts"
    CORRECTED = "corrected"


# What says that an address must not be used, whoever has it; `corrected` says that it may be again.
BAD_ADDRESS = frozenset(
    {
        Source.BOUNCE,
        Source.COMPLAINT,
        Source.DEACTIVATED,
        Source.INVALID,
        Source.NO_TEXTS,
        Source.CORRECTED,
    }
)


class BroadcastClass(StrEnum):
    """The class that consent rules and caps follow (rules 1.1)."""

    HEALTH = "health-informational"
    OTHER = "other-informational"
    MARKETING = "marketing"
    EMERGENCY = "emergency"


class MessageType(StrEnum):
    """What a broadcast is about; message_types says what follows from it."""

    UPCOMING_APPOINTMENTS = "client-upcoming-appointments"
    STAFF_UPCOMING_APPOINTMENTS = "staff-upcoming-appointments"
    UPCOMING_RENEWALS = "client-upcoming-renewals"
    STAFF_UPCOMING_RENEWALS = "staff-upcoming-renewals"
    BIRTHDAYS = "client-birthdays"
    CLIENT_LIST = "client-list"
    STAFF_LIST = "staff-list"
    STAFF_NOTICE = "staff-notice"
    CLIENT_NOTICE = "client-notice"
