"""Template and facts become what is sent; pure. Placeholders are a fixed list, never an expression.

A template may hold `<ClientName>`-like placeholders everywhere, and `[prompt:name]` in voice texts.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from gateway.domain import (
    Channel,
    Content,
    Facts,
    FaxLetter,
    Invitation,
    Mail,
    MessageType,
    Prompt,
    RingwellError,
    Script,
    Speech,
    Text,
)
from gateway.settings import Clinic

PLACEHOLDERS = (
    "ClientName",
    "FirstName",
    "ServiceDate",
    "ServiceTime",
    "Service",
    "Clinician",
    "Practice",
    "CallBack",
)
_TOKEN = re.compile(r"<(\w+)>|\[prompt:([\w-]+)\]")

# The fields of a template on each channel.
FIELDS: Mapping[Channel, tuple[str, ...]] = {
    Channel.VOICE: ("person", "machine"),
    Channel.SMS: ("body",),
    Channel.EMAIL: ("subject", "body"),
    Channel.FAX: ("subject", "body"),
}

_REMINDER: Mapping[str, Mapping[str, str]] = {
    "voice": {
        "person": "This is <Practice>. We are calling to remind <ClientName> of an appointment on "
        "<ServiceDate> at <ServiceTime>. Press 1 to confirm. Press 9 to stop these calls. "
        "Our number is <CallBack>.",
        "machine": "This is <Practice>. Please call us at <CallBack>.",
    },
    "sms": {
        "body": "<Practice>: reminder of your appointment on <ServiceDate> at <ServiceTime>. "
        "Reply C to confirm, STOP to opt out. <CallBack>"
    },
    "email": {
        "subject": "Your appointment on <ServiceDate>",
        "body": "Dear <ClientName>,\n\nthis is a reminder of your appointment on <ServiceDate> at "
        "<ServiceTime>.\n\nIf you cannot come, please call us at <CallBack>.\n\n<Practice>",
    },
    "fax": {
        "subject": "Appointment reminder",
        "body": "To <ClientName>\n\nThis is a reminder of the appointment on <ServiceDate> at "
        "<ServiceTime>.\n\nQuestions: <CallBack>\n\n<Practice>",
    },
}
_NOTICE: Mapping[str, Mapping[str, str]] = {
    "voice": {
        "person": "This is <Practice> with a message for <ClientName>. Please call us at <CallBack>. "
        "Press 1 to confirm that you heard this. Press 9 to stop these calls.",
        "machine": "This is <Practice>. Please call us at <CallBack>.",
    },
    "sms": {"body": "<Practice>: please call us at <CallBack>. Reply STOP to opt out."},
    "email": {
        "subject": "A message from <Practice>",
        "body": "Dear <ClientName>,\n\nplease call us at <CallBack>.\n\n<Practice>",
    },
    "fax": {
        "subject": "A message for you",
        "body": "To <ClientName>\n\nPlease call us at <CallBack>.\n\n<Practice>",
    },
}


class TemplateError(RingwellError):
    """A template cannot be used; the message names the place and what is wrong."""


@dataclass(frozen=True, slots=True)
class Voice:
    """How a value is written and how it is said."""

    written: str
    spoken: str


def default_templates(type: MessageType) -> dict[str, dict[str, str]]:
    """The texts that ship: minimum content, no diagnosis, specialty or test names (rules 1.16)."""
    reminder = type in (MessageType.UPCOMING_APPOINTMENTS, MessageType.STAFF_UPCOMING_APPOINTMENTS)
    return {name: dict(texts) for name, texts in (_REMINDER if reminder else _NOTICE).items()}


def check_templates(templates: Mapping[str, Mapping[str, str]], type: MessageType) -> None:
    """Raise TemplateError for the first unknown field, placeholder or missing identification."""
    about_visits = type in (MessageType.UPCOMING_APPOINTMENTS, MessageType.STAFF_UPCOMING_APPOINTMENTS)
    for channel in Channel:
        texts = templates.get(channel.value, {})
        for field in FIELDS[channel]:
            if not texts.get(field, "").strip():
                raise TemplateError(f"template {channel}.{field}: is empty")
            _check_text(f"{channel}.{field}", texts[field], channel, about_visits)
    for field in FIELDS[Channel.VOICE]:
        if not _identifies(templates["voice"][field]):
            raise TemplateError(
                f"template voice.{field}: must name the clinic with <Practice> or open with a [prompt:…], "
                "and give <CallBack> or a prompt (47 CFR 64.1200 b)"
            )


def _check_text(place: str, text: str, channel: Channel, about_visits: bool) -> None:
    for match in _TOKEN.finditer(text):
        placeholder, prompt = match.groups()
        if prompt is not None and channel is not Channel.VOICE:
            raise TemplateError(f"template {place}: [prompt:{prompt}] can only be played in a call")
        if placeholder is not None and placeholder not in PLACEHOLDERS:
            known = ", ".join(f"<{name}>" for name in PLACEHOLDERS)
            raise TemplateError(f"template {place}: <{placeholder}> is not one of {known}")
        if placeholder in ("ServiceDate", "ServiceTime", "Service", "Clinician") and not about_visits:
            raise TemplateError(f"template {place}: <{placeholder}> needs a message type about appointments")


def _identifies(text: str) -> bool:
    tokens = [match.groups() for match in _TOKEN.finditer(text)]
    prompts = sum(1 for _, prompt in tokens if prompt)
    names = {name for name, _ in tokens if name}
    return (("Practice" in names) or prompts > 0) and (("CallBack" in names) or prompts > 0)


def compose(facts: Facts, channel: Channel, clinic: Clinic) -> Content:
    """What this recipient gets on this channel, in words."""
    texts = facts.broadcast.templates[channel.value]
    values = _values(facts, clinic)
    match channel:
        case Channel.VOICE:
            language = clinic.language
            return Script(
                person=tuple(_parts(texts["person"], values, language)),
                machine=tuple(_parts(texts["machine"], values, language)),
            )
        case Channel.SMS:
            return Text(fill(texts["body"], values))
        case Channel.EMAIL:
            body = fill(texts["body"], values)
            subject = fill(texts["subject"], values)
            page = letter(subject, body, clinic.name)
            return Mail(subject, body, page, values["ClientName"].written, _invitation(facts, clinic))
        case Channel.FAX:
            return FaxLetter(
                values["ClientName"].written,
                fill(texts["subject"], values),
                fill(texts["body"], values),
                document=Path(texts["document"]) if "document" in texts else None,
                to_number=facts.contacts[Channel.FAX].address,
            )


def _invitation(facts: Facts, clinic: Clinic) -> Invitation | None:
    """The appointment for the calendar, which says no more than that there is one (rules 1.16)."""
    visit = facts.appointment
    if visit is None or not clinic.visit_minutes:
        return None
    ends_at = visit.starts_at + timedelta(minutes=clinic.visit_minutes)
    uid = f"visit-{clinic.id}-{visit.id}"
    return Invitation(uid, visit.starts_at, ends_at, clinic.name, clinic.address)


def fill(text: str, values: Mapping[str, Voice]) -> str:
    """The text with each placeholder replaced by its written value."""
    return _TOKEN.sub(lambda match: values[match[1]].written if match[1] else "", text)


def _parts(text: str, values: Mapping[str, Voice], language: str) -> Iterator[Speech | Prompt]:
    # Fixed words and slots stay apart: the fixed ones are voiced once for everybody.
    position = 0
    for match in _TOKEN.finditer(text):
        if words := text[position : match.start()].strip():
            yield from _speakable(words, language)
        position = match.end()
        if match[2]:
            yield Prompt(match[2], language)
        else:
            yield from _speakable(values[match[1]].spoken, language)
    if words := text[position:].strip():
        yield from _speakable(words, language)


def _speakable(words: str, language: str) -> Iterator[Speech]:
    # A lone full stop between two slots is nothing to say.
    if any(character.isalnum() for character in words):
        yield Speech(words.strip(" ,;:"), language)


def _values(facts: Facts, clinic: Clinic) -> dict[str, Voice]:
    person = facts.recipient
    name = f"{person.given_name} {person.family_name}".strip()
    values = {
        "ClientName": Voice(name, name),
        "FirstName": Voice(person.given_name, person.given_name),
        "Practice": Voice(clinic.name, clinic.name),
        "CallBack": Voice(clinic.callback, say_digits(clinic.callback)),
    }
    if facts.appointment is not None:
        values |= _visit(facts, clinic)
    return values


def _visit(facts: Facts, clinic: Clinic) -> dict[str, Voice]:
    visit = facts.appointment
    assert visit is not None
    # The appointment happens at the clinic: its zone tells the time, wherever the recipient is.
    date, time = _said(visit.starts_at, clinic.zone, clinic.language)
    return {
        "ServiceDate": date,
        "ServiceTime": time,
        "Service": Voice(visit.service, visit.service),
        "Clinician": Voice(visit.clinician, visit.clinician),
    }


# Many visits begin at the same moment, and babel takes longer for one than all else that a text needs.
@lru_cache(maxsize=1024)
def _said(moment: datetime, zone: str, language: str) -> tuple[Voice, Voice]:
    """Date and time of a visit."""
    local = moment.astimezone(ZoneInfo(zone))
    return (
        Voice(write_date(local, language), say_date(local, language)),
        Voice(write_time(local, language), say_time(local, language)),
    )


def write_date(local: datetime, language: str) -> str:
    """`Tue, Nov 24, 2026` in the reader's language."""
    return _plain(format_date(local, "EEE, MMM d, y", locale=language))


def say_date(local: datetime, language: str) -> str:
    """`Tuesday, November 24` in the listener's language."""
    return _plain(format_date(local, "EEEE, MMMM d", locale=language))


def write_time(local: datetime, language: str) -> str:
    """`9:30 AM`, with ordinary spaces so that a text stays in GSM-7."""
    return _plain(format_time(local, "short", locale=language))


def say_time(local: datetime, language: str) -> str:
    """The time as it is read aloud."""
    return write_time(local, language).replace(":00 ", " ")


def say_digits(number: str) -> str:
    """A telephone number digit by digit, in groups: `2 0 2, 5 5 5, 0 1 0 0`."""
    digits = "".join(character for character in number if character.isdigit())
    if number.startswith("+1") and len(digits) == 11:
        digits = digits[1:]
    groups = (digits[:3], digits[3:6], digits[6:]) if len(digits) == 10 else (digits,)
    return ", ".join(" ".join(group) for group in groups)


def _plain(text: str) -> str:
    return text.replace("\u202f", " ").replace("\u00a0", " ")


def letter(subject: str, body: str, clinic: str) -> str:
    """A plain HTML letter around the text; everything from data is escaped."""
    paragraphs = "".join(
        f'<p style="margin:0 0 16px">{html.escape(part).replace(chr(10), "<br>")}</p>'
        for part in body.split("\n\n")
    )
    return (
        f'<!doctype html><html><head><meta charset="utf-8"><title>{html.escape(subject)}</title></head>'
        '<body style="margin:0;background:#f4f6f8"><div style="max-width:560px;margin:0 auto;padding:24px;'
        'background:#ffffff;font:16px/1.5 sans-serif;color:#1d2939">'
        f'<div style="font-weight:bold;color:#0b3b4f;margin-bottom:16px">{html.escape(clinic)}</div>'
        f"{paragraphs}</div></body></html>"
    )
