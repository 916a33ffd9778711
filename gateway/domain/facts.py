"""What a decision about a message rests on: plain data read from the store, newest truth at that moment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from gateway.domain.offsets import Timing
from gateway.domain.words import (
    BroadcastClass,
    Channel,
    MessageType,
    Party,
    Purpose,
    RecipientKind,
    State,
)


@dataclass(frozen=True, slots=True)
class Recipient:
    """A client or a member of staff; `zone` is None where none was set.

    `region`: the country and state of the postal address as ISO 3166 writes them (US-TX, or US). `through`:
    whose addresses are used, the recipient's own or those of the messaging contact, `contact_name`.
    """

    id: int
    kind: RecipientKind
    given_name: str
    family_name: str
    language: str
    zone: str | None
    preferred: Channel | None
    region: str | None = None
    through: Party = Party.CLIENT
    contact_name: str = ""

    @property
    def name(self) -> str:
        """The recipient's own name."""
        return f"{self.given_name} {self.family_name}".strip()

    @property
    def told(self) -> str:
        """The name of who is told."""
        return self.contact_name or self.name


# Read by the hundred thousand: a named tuple is made in a fifth of the time of a frozen dataclass.
class Contact(NamedTuple):
    """An address on a channel."""

    id: int
    channel: Channel
    address: str


class ConsentEntry(NamedTuple):
    """One line of the consent ledger; channel, address or party None means all of them.

    `source` is one of `Source`. `everyone`: about an address itself, whoever has it (do-not-call, bounces,
    deactivations). `document`: of the signed one, where there is one.
    """

    id: int
    given: bool
    channel: Channel | None = None
    address: str | None = None
    purpose: Purpose = Purpose.MESSAGING
    source: str = ""
    party: Party | None = None
    everyone: bool = False
    document: int | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Appointment:
    """What a reminder is about; `client` and `staff` are the numbers of whose it is."""

    id: int
    starts_at: datetime
    service: str
    clinician: str
    status: str = "booked"
    confirmed_at: datetime | None = None
    client: int | None = None
    staff: int | None = None

    def is_of(self, person: int) -> bool:
        """Whether it is this recipient's."""
        return person in (self.client, self.staff)


@dataclass(frozen=True, slots=True)
class Then:
    """A step of a cascade: another channel, this long after the step before; None: beside the others."""

    channel: Channel
    after: timedelta | None


@dataclass(frozen=True, slots=True)
class Occasion:
    """A day that a message is about: a renewal falls due, or it is a birthday. Its bounds are the clinic's.

    `id`: the renewal's, numbered in one series with appointments; of a birthday minus the year. `recipient`:
    whose renewal it is; None: a birthday.
    """

    id: int
    day: date
    starts_at: datetime
    ends_at: datetime
    name: str = ""
    status: str = "open"
    recipient: int | None = None

    def is_of(self, person: int) -> bool:
        """Whether it is this recipient's."""
        return self.recipient in (None, person)


@dataclass(frozen=True, slots=True)
class Broadcast:
    """One order to tell an audience something; `templates` holds one table of texts for each channel.

    `timing`: messages go each before what it is about. `rule`: the number of the rule that planned it;
    `rule_since`: since when there is that rule.
    `zone`: the clinic's, in which its days begin. `custom_list`: the number of the list that it is for.
    `cascade`: the steps after the first, for whoever has not answered by then. `bundle`: one message tells of
    all visits of a day. `created_at`: when it was ordered; None: it is not yet.
    """

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
    zone: str = "UTC"
    custom_list: int | None = None
    cascade: tuple[Then, ...] = ()
    timing: Timing | None = None
    rule: int | None = None
    bundle: bool = False
    rule_since: datetime | None = None
    created_at: datetime | None = None

    @property
    def is_for_later(self) -> bool:
        """Whether its moment was to come when it was ordered."""
        return self.created_at is not None and self.send_at > self.created_at


def any_notice(channel: Channel, send_at: datetime) -> Broadcast:
    """Stands where a broadcast would when there is none: whatever a client may be told, at that moment."""
    return Broadcast(
        id=0,
        name="",
        type=MessageType.CLIENT_NOTICE,
        broadcast_class=BroadcastClass.HEALTH,
        channel=channel,
        only_preference=False,
        send_at=send_at,
        starts_from=None,
        starts_until=None,
        templates={},
    )


@dataclass(frozen=True, slots=True)
class Step:
    """What became of an earlier step of the same cascade.

    `ended_at`: when it was sent, or ended without; `due_at`: when one that waits is tried.
    """

    channel: Channel
    state: State
    ended_at: datetime | None = None
    due_at: datetime | None = None


class DirectKind(StrEnum):
    """Why a text goes to one address outside a broadcast: what an answer is to, or that staff wrote it.

    A notice is an email to staff; its first line is the subject. A visit is an email about an appointment
    that moved or was cancelled; its words are made when it leaves.
    """

    STAFF = "staff"
    OPTED_OUT = "opted-out"
    OPTED_IN = "opted-in"
    HELP = "help"
    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    ASK = "ask"
    NOTICE = "notice"
    VISIT = "visit"


@dataclass(frozen=True, slots=True)
class Direct:
    """A text to one address outside any broadcast; `answers` is the reply that it answers."""

    kind: DirectKind
    body: str
    answers: int | None
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything `policy.decide` and `wording.compose` look at for one message.

    `voicemails`: those that earlier attempts left, counted where the template asks for it. `direct`: of a
    message that belongs to no broadcast; `broadcast` is then a blank one. `contacted`: when the recipient's
    numbers were called and texted in the last days, read where caps bind. `steps`: the earlier ones of a
    cascade; `overtaken`: a later one has begun. `answered`: what the recipient has said to any of them.
    `occasion`: the renewal or birthday that it is about. `columns`: what a custom list says of the recipient.
    `stop`: the one that holds the channel, where it is told; the dispatcher's own gate holds anyway.
    `together`: of the other visits that the same message tells of. `tried`: an attempt has been made.
    """

    broadcast: Broadcast
    recipient: Recipient
    contacts: Mapping[Channel, Contact] = field(default_factory=dict)
    consents: tuple[ConsentEntry, ...] = ()
    appointment: Appointment | None = None
    voicemails: int = 0
    direct: Direct | None = None
    contacted: tuple[datetime, ...] = ()
    steps: tuple[Step, ...] = ()
    answered: str | None = None
    occasion: Occasion | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    overtaken: bool = False
    stop: int | None = None
    together: tuple[Facts, ...] = ()
    tried: bool = False
