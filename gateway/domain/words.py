"""Channels, states and the other closed sets of words."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


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
