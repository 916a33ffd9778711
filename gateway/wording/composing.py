"""What one recipient gets on one channel; pure."""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.domain import (
    Action,
    Channel,
    Content,
    Desk,
    Facts,
    FaxLetter,
    Mail,
    Parts,
    Prompt,
    Script,
    Speech,
    Text,
)
from gateway.settings import Clinic
from gateway.wording import names, spoken
from gateway.wording.names import Sayings, SlotError
from gateway.wording.templates import TOKEN, menu_of, other_languages
from gateway.wording.texts import DESK, Texts

NO_SAYINGS: Sayings = {}


def compose(facts: Facts, channel: Channel, clinic: Clinic, sayings: Sayings = NO_SAYINGS) -> Content:
    """The content in words; SlotError when a placeholder cannot be filled for this recipient."""
    templates = facts.broadcast.templates
    language = _language(templates, channel, facts.recipient.language, clinic.language)
    if channel is Channel.VOICE:
        return _script(facts, clinic, language, sayings)
    texts = _texts(templates, channel, language, clinic.language)
    values = _written(facts, clinic, language)
    body = fill(texts["body"], values)
    match channel:
        case Channel.EMAIL:
            subject = fill(texts["subject"], values)
            return Mail(subject, body, letter(subject, body, clinic.name), values["ClientName"])
        case Channel.FAX:
            subject = fill(texts["subject"], values)
            return FaxLetter(values["ClientName"], subject, body, to_number=facts.contacts[channel].address)
        case _:
            return Text(body)


def _language(templates: Texts, channel: Channel, wanted: str, usual: str) -> str:
    """The recipient's language where the template has texts in it, else the clinic's."""
    return wanted if f"{channel.value}.{wanted}" in templates else usual


def _texts(templates: Texts, channel: Channel, language: str, usual: str) -> Mapping[str, str]:
    return templates[channel.value if language == usual else f"{channel.value}.{language}"]


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


@lru_cache(maxsize=1024)
def _said_date_and_time(moment: datetime, zone: str, language: str) -> tuple[str, str]:
    local = moment.astimezone(ZoneInfo(zone))
    return spoken.say_date(local, language), spoken.say_time(local, language)


# --- spoken ---


def _script(facts: Facts, clinic: Clinic, language: str, sayings: Sayings) -> Script:
    templates = facts.broadcast.templates
    menu = menu_of(templates)
    texts = _texts(templates, Channel.VOICE, language, clinic.language)
    values = _Said(facts, clinic, language, sayings)
    other: Parts = ()
    if Action.LANGUAGE in menu.values():
        second = clinic.language if language != clinic.language else other_languages(templates)[0]
        second_texts = _texts(templates, Channel.VOICE, second, clinic.language)
        other = parts(second_texts["person"], _Said(facts, clinic, second, sayings))
    return Script(
        person=parts(texts["person"], values),
        machine=parts(texts["machine"], values),
        menu=menu,
        other=other,
        desk=_desk(facts, clinic, language, sayings) if Action.TRANSFER in menu.values() else None,
    )


def _desk(facts: Facts, clinic: Clinic, language: str, sayings: Sayings) -> Desk:
    """Staff are told in the clinic's language, the patient in theirs."""

    def said(field: str, tongue: str) -> Parts:
        known = tongue if tongue in DESK else "en"
        return parts(DESK[known][field], _Said(facts, clinic, known, sayings))

    return Desk(
        announcement=said("announcement", clinic.language),
        connecting=said("connecting", language),
        away=said("away", language),
    )


class _Said:
    """How each placeholder is said to one recipient in one language."""

    def __init__(self, facts: Facts, clinic: Clinic, language: str, sayings: Sayings) -> None:
        self._facts, self._clinic, self._sayings = facts, clinic, sayings
        self.language = language

    def __getitem__(self, placeholder: str) -> str:
        value, said = self._say(placeholder)
        return names.checked(placeholder, value, said, self.language)

    def _say(self, placeholder: str) -> tuple[str, str]:
        person, visit = self._facts.recipient, self._facts.appointment
        clinic, language, sayings = self._clinic, self.language, self._sayings
        match placeholder:
            case "ClientName":
                name = f"{person.given_name} {person.family_name}".strip()
                return name, names.say_name(name, language, sayings)
            case "FirstName":
                return person.given_name, names.say_name(person.given_name, language, sayings)
            case "Practice":
                return clinic.name, names.say_text(clinic.name, language, sayings)
            case "CallBack":
                return clinic.callback, spoken.say_number(clinic.callback, clinic.country, language)
        if visit is None:
            return "", ""
        match placeholder:
            case "Service":
                return visit.service, names.say_text(visit.service, language, sayings)
            case "Clinician":
                return visit.clinician, names.say_name(visit.clinician, language, sayings)
        date, time = _said_date_and_time(visit.starts_at, clinic.zone, language)
        return ("", date) if placeholder == "ServiceDate" else ("", time)


def parts(text: str, values: _Said) -> Parts:
    """The text as what is played, one after the other."""
    return tuple(_parts(text, values))


def _parts(text: str, values: _Said) -> Iterator[Speech | Prompt]:
    # Fixed words and slots stay apart: the fixed ones are voiced once for everybody.
    language = values.language
    position = 0
    for match in TOKEN.finditer(text):
        yield from _speakable(text[position : match.start()], language)
        position = match.end()
        yield Prompt(match[2], language) if match[2] else Speech(values[match[1]], language)
    yield from _speakable(text[position:], language)


def _speakable(words: str, language: str) -> Iterator[Speech]:
    # A lone full stop between two slots is nothing to say.
    if any(character.isalnum() for character in words):
        yield Speech(words.strip().strip(" ,;:"), language)


# --- mail ---


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
