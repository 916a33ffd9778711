"""Plain data for tests of pure decisions."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from gateway import wording
from gateway.domain import (
    Appointment,
    Broadcast,
    BroadcastClass,
    Channel,
    ConsentEntry,
    Contact,
    Facts,
    MessageType,
    Recipient,
    RecipientKind,
)
from gateway.policy import Rules
from gateway.settings import PolicySettings

# A Tuesday, eleven in the morning in New York.
NOON = datetime(2026, 11, 24, 16, 0, tzinfo=UTC)
RULES = Rules("America/New_York", PolicySettings())

BROADCAST = Broadcast(
    id=1,
    name="Reminders",
    type=MessageType.UPCOMING_APPOINTMENTS,
    broadcast_class=BroadcastClass.HEALTH,
    channel=Channel.VOICE,
    only_preference=True,
    send_at=NOON,
    starts_from=NOON,
    starts_until=NOON + timedelta(days=2),
    templates=wording.default_templates(MessageType.UPCOMING_APPOINTMENTS),
)
PERSON = Recipient(7, RecipientKind.CLIENT, "Rosa", "Costa", "en", None, None)
ADDRESSES = {
    Channel.VOICE: "+12125550000",
    Channel.SMS: "+12125550000",
    Channel.EMAIL: "rosa@example.org",
    Channel.FAX: "+12125558000",
}


def facts(**changes: object) -> Facts:
    """A willing client with an appointment tomorrow morning and an address on every channel."""
    usual = Facts(
        broadcast=BROADCAST,
        recipient=PERSON,
        contacts={
            channel: Contact(number, channel, address)
            for number, (channel, address) in enumerate(ADDRESSES.items(), 1)
        },
        consents=(ConsentEntry(1, given=True),),
        appointment=Appointment(3, NOON + timedelta(hours=22), "Check-up", "Dr. Ito", client=PERSON.id),
    )
    return replace(usual, **changes)  # type: ignore[arg-type]
