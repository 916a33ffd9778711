"""What one recipient gets on one channel; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.domain import Channel, Content, Facts, FaxLetter, Mail, Text
from gateway.settings import Clinic
from gateway.wording import spoken
from gateway.wording.mail import invitation, letter
from gateway.wording.names import Sayings, SlotError
from gateway.wording.scripts import script
from gateway.wording.templates import TOKEN, texts_in
from gateway.wording.texts import Texts

NO_SAYINGS: Sayings = {}


def compose(facts: Facts, channel: Channel, clinic: Clinic, sayings: Sayings = NO_SAYINGS) -> Content:
    """The content in words; SlotError when a placeholder cannot be filled for this recipient."""
    templates = facts.broadcast.templates
    language = _language(templates, channel, facts.recipient.language, clinic.language)
    if channel is Channel.VOICE:
        return script(facts, clinic, language, sayings)
    texts = texts_in(templates, channel, language, clinic.language)
    values = _written(facts, clinic, language)
    body = fill(texts["body"], values)
    match channel:
        case Channel.EMAIL:
            subject = fill(texts["subject"], values)
            page = letter(subject, body, clinic.name)
            return Mail(subject, body, page, values["ClientName"], invitation(facts, clinic))
        case Channel.FAX:
            subject = fill(texts["subject"], values)
            file = templates["fax"].get("document")
            document = Path(file) if file else None
            number = facts.contacts[channel].address
            return FaxLetter(values["ClientName"], subject, body, document, number)
        case _:
            return Text(body)


def _language(templates: Texts, channel: Channel, wanted: str, usual: str) -> str:
    """The recipient's language where the template has texts in it, else the clinic's."""
    return wanted if f"{channel.value}.{wanted}" in templates else usual


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with each placeholder replaced by its value."""

    def value(name: str) -> str:
        found = values.get(name, "")
        if not found:
            raise SlotError(f"<{name}> has no value")
        return found

    return TOKEN.sub(lambda match: value(match[1]) if match[1] else "", text)


# --- written ---


def _written(facts: Facts, clinic: Clinic, language: str) -> dict[str, str]:
    person, visit = facts.recipient, facts.appointment
    values = {
        "ClientName": f"{person.given_name} {person.family_name}".strip(),
        "FirstName": person.given_name,
        "Practice": clinic.name,
        "CallBack": clinic.callback,
    }
    if visit is not None:
        date, time = _date_and_time(visit.starts_at, clinic.zone, language)
        values |= {
            "ServiceDate": date,
            "ServiceTime": time,
            "Service": visit.service,
            "Clinician": visit.clinician,
        }
    return values


# Many visits begin at the same moment, and babel takes longer for one than all else that a text needs.
@lru_cache(maxsize=1024)
def _date_and_time(moment: datetime, zone: str, language: str) -> tuple[str, str]:
    # The appointment happens at the clinic: its zone tells the time, wherever the recipient is.
    local = moment.astimezone(ZoneInfo(zone))
    return spoken.write_date(local, language), spoken.write_time(local, language)
