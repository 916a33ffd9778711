"""What a decision about a message rests on: plain data read from the store, newest truth at that moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.domain.words import BroadcastClass, Channel, MessageType, RecipientKind


@dataclass(frozen=True, slots=True)
class Recipient:
    """A client or a member of staff; `zone` is None where the clinic's own applies."""

    id: int
    kind: RecipientKind
    given_name: str
    family_name: str
    language: str
    zone: str | None
    preferred: Channel | None


@dataclass(frozen=True, slots=True)
class Contact:
    """An address on a channel; `bad_cause` says why it must not be used any more."""

    id: int
    channel: Channel
    address: str
    bad_cause: str | None = None


@dataclass(frozen=True, slots=True)
class ConsentEntry:
    """One line of the consent ledger; channel or address None means all of them."""

    id: int
    given: bool
    channel: Channel | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a reminder is about."""

    id: int
    starts_at: datetime
    service: str
    clinician: str
    status: str = "booked"


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One order to tell an audience something; `templates` holds one table of texts for each channel."""

    id: int
    name: str
    type: MessageType
    broadcast_class: BroadcastClass
    channel: Channel
    only_preference: bool
    send_at: datetime
    starts_from: datetime | None
    starts_until: datetime | None
    templates: Mapping[str, Mapping[str, str]]
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything `policy.decide` and `wording.compose` look at for one message.

    `voicemails`: those that earlier attempts left, counted where the template asks for it.
    """

    broadcast: Broadcast
    recipient: Recipient
    contacts: Mapping[Channel, Contact] = field(default_factory=dict)
    consents: tuple[ConsentEntry, ...] = ()
    appointment: Appointment | None = None
    voicemails: int = 0
