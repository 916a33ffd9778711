"""A message as an invented recipient would get it: its words, and how long a call takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from gateway.domain import (
    Appointment,
    Broadcast,
    BroadcastClass,
    Channel,
    Contact,
    Facts,
    MessageType,
    Parts,
    Recipient,
    RecipientKind,
    Script,
    Speech,
)
from gateway.domain.message_types import TYPES, Audience
from gateway.render import Part, seconds
from gateway.settings import Settings
from gateway.wording.texts import about_visits
from store.renewals import occasion
from voices.errors import VoiceError
from voices.library import VoiceLibrary

VERSIONS = ("person", "machine", "other language", "announced to staff", "connecting", "nobody there")

# Of numbers that nobody has.
_ADDRESSES = {
    Channel.VOICE: Contact(1, Channel.VOICE, "+12025550123"),
    Channel.SMS: Contact(2, Channel.SMS, "+12025550123"),
    Channel.EMAIL: Contact(3, Channel.EMAIL, "maria@clinic.example"),
    Channel.FAX: Contact(4, Channel.FAX, "+12025550124"),
}


@dataclass(frozen=True, slots=True)
class Said:
    """One sound of a version; `trouble` says why it cannot be had."""

    version: str
    language: str
    words: str
    seconds: float
    trouble: str = ""


def example(
    texts: Mapping[str, Mapping[str, str]],
    type: MessageType,
    settings: Settings,
    language: str,
    name: str = "",
    columns: Sequence[str] = (),
) -> Facts:
    """An invented recipient with an appointment tomorrow at half past nine, or a renewal on that day.

    `columns`: of a custom list; each has its own name as value.
    """
    given, _, family = (name or "Maria Gonzalez").partition(" ")
    now = datetime.now(UTC)
    morning = now.astimezone(ZoneInfo(settings.clinic.zone)).replace(
        hour=9, minute=30, second=0, microsecond=0
    )
    visit = Appointment(1, (morning + timedelta(days=1)).astimezone(UTC), "Check-up", "Dr. Ito")
    order = Broadcast(
        id=0,
        name="preview",
        type=type,
        broadcast_class=BroadcastClass.HEALTH,
        channel=Channel.VOICE,
        only_preference=False,
        send_at=now,
        starts_from=None,
        starts_until=None,
        templates=texts,
    )
    person = Recipient(1, RecipientKind.CLIENT, given, family, language, None, None)
    if TYPES[type].audience is Audience.RENEWALS:
        tomorrow = (morning + timedelta(days=1)).date()
        due = occasion(1, tomorrow, settings.clinic.zone, "License")
        return Facts(order, person, _ADDRESSES, occasion=due)
    values = {column: column for column in columns}
    return Facts(order, person, _ADDRESSES, appointment=visit if about_visits(type) else None, columns=values)


def versions(script: Script) -> Iterator[tuple[str, Parts]]:
    """Each version that has parts."""
    desk = script.desk
    around = (desk.announcement, desk.connecting, desk.away) if desk else ((), (), ())
    for name, parts in zip(VERSIONS, (script.person, script.machine, script.other, *around), strict=True):
        if parts:
            yield name, parts


async def said_of(library: VoiceLibrary, version: str, part: Part) -> Said:
    """A part with its words and seconds."""
    words = part.text if isinstance(part, Speech) else f"[prompt:{part.name}]"
    try:
        return Said(version, part.language, words, await seconds(library, (part,)))
    except VoiceError as error:
        return Said(version, part.language, words, 0.0, str(error))
