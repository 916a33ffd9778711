"""The words of a message: as they were sent where they are kept, else as its template says them today."""

from __future__ import annotations

from dataclasses import dataclass

from gateway import wording
from gateway.domain import Channel, Content, ContentError, FaxLetter, Mail, Prompt, Script, Text
from gateway.known import known_of
from gateway.settings import Clinic
from gateway.wording import SlotError
from store import conversations
from store import why as records
from store.engine import Store
from store.history import Entry


@dataclass(frozen=True, slots=True)
class Said:
    """`kept`: word for word what was sent."""

    subject: str
    body: str
    kept: bool


async def said(store: Store, clinic: Clinic, entry: Entry) -> Said | None:
    """The words of a message; None where its template cannot be filled any more."""
    if not entry.broadcast:
        written = (await store.read(conversations.directs, clinic.id, [entry.id])).get(entry.id)
        if written is not None and written.body:
            return Said("", written.body, True)
    asked = await store.read(records.asked_again, clinic.id, [entry.id])
    known, _ = await known_of(store, clinic.id, asked)
    try:
        return _told(wording.compose(known[0], Channel(entry.channel), clinic))
    except (SlotError, ContentError, KeyError):
        return None


def _told(content: Content) -> Said | None:
    match content:
        case Text(body=body):
            return Said("", body, False)
        case Mail(subject=subject, text=text):
            return Said(subject, text, False)
        case FaxLetter(subject=subject, text=body):
            return Said(subject, body, False)
        case Script(person=parts):
            spoken = (f"[{one.name}]" if isinstance(one, Prompt) else one.text for one in parts)
            return Said("", " ".join(spoken), False)
        case _:
            return None
