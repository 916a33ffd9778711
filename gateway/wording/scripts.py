"""What a call plays to one recipient; pure."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from gateway.domain import Action, Channel, Desk, Facts, Occasion, Parts, Prompt, Script, Speech
from gateway.settings import Clinic
from gateway.wording import names, spoken
from gateway.wording.names import Sayings
from gateway.wording.placeholders import TOKEN
from gateway.wording.several import SAID_AT, visits_of
from gateway.wording.templates import menu_of, on_machine, other_languages, texts_in
from gateway.wording.texts import DESK


def script(facts: Facts, clinic: Clinic, language: str, sayings: Sayings) -> Script:
    """The script in this language; SlotError when a placeholder cannot be said."""
    templates = facts.broadcast.templates
    menu = menu_of(templates)
    texts = texts_in(templates, Channel.VOICE, language, clinic.language)
    values = Said(facts, clinic, language, sayings)
    other: Parts = ()
    if Action.LANGUAGE in menu.values():
        second = clinic.language if language != clinic.language else other_languages(templates)[0]
        second_texts = texts_in(templates, Channel.VOICE, second, clinic.language)
        other = parts(second_texts["person"], Said(facts, clinic, second, sayings))
    return Script(
        person=parts(texts["person"], values),
        machine=parts(texts["machine"], values),
        menu=menu,
        other=other,
        desk=_desk(facts, clinic, language, sayings) if Action.TRANSFER in menu.values() else None,
        on_machine=on_machine(templates, facts.voicemails),
    )


def _desk(facts: Facts, clinic: Clinic, language: str, sayings: Sayings) -> Desk:
    """Staff are told in the clinic's language, the patient in theirs."""

    def said(field: str, tongue: str) -> Parts:
        known = tongue if tongue in DESK else "en"
        return parts(DESK[known][field], Said(facts, clinic, known, sayings))

    return Desk(
        announcement=said("announcement", clinic.language),
        connecting=said("connecting", language),
        away=said("away", language),
    )


class Said:
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
                return person.name, names.say_name(person.name, language, sayings)
            case "ContactName":
                return person.told, names.say_name(person.told, language, sayings)
            case "FirstName":
                return person.given_name, names.say_name(person.given_name, language, sayings)
            case "Practice":
                return clinic.name, names.say_text(clinic.name, language, sayings)
            case "CallBack":
                return clinic.callback, spoken.say_number(clinic.callback, clinic.country, language)
        if placeholder in self._facts.columns:
            value = self._facts.columns[placeholder]
            return value, names.say_text(value, language, sayings)
        if self._facts.occasion is not None:
            return self._say_occasion(placeholder, self._facts.occasion)
        if visit is None:
            return "", ""
        match placeholder:
            case "Service":
                return visit.service, names.say_text(visit.service, language, sayings)
            case "Appointments":
                return "", self._say_visits()
            case "Clinician":
                return visit.clinician, names.say_name(visit.clinician, language, sayings)
        date, time = _date_and_time(visit.starts_at, clinic.zone, language)
        return ("", date) if placeholder == "ServiceDate" else ("", time)

    def _say_visits(self) -> str:
        at = SAID_AT.get(self.language, SAID_AT["en"])
        told = []
        for name, moment in visits_of(self._facts):
            date, time = _date_and_time(moment, self._clinic.zone, self.language)
            who = f"{names.say_name(name, self.language, self._sayings)}, " if name else ""
            told.append(f"{who}{at.format(date=date, time=time)}")
        return "; ".join(told)

    def _say_occasion(self, placeholder: str, occasion: Occasion) -> tuple[str, str]:
        if placeholder == "Renewal":
            return occasion.name, names.say_text(occasion.name, self.language, self._sayings)
        date, _ = _date_and_time(occasion.starts_at, self._clinic.zone, self.language)
        return ("", date) if placeholder == "RenewalDate" else ("", "")


@lru_cache(maxsize=1024)
def _date_and_time(moment: datetime, zone: str, language: str) -> tuple[str, str]:
    local = moment.astimezone(ZoneInfo(zone))
    return spoken.say_date(local, language), spoken.say_time(local, language)


def parts(text: str, values: Said) -> Parts:
    """The text as what is played, one after the other."""
    return tuple(_parts(text, values))


def _parts(text: str, values: Said) -> Iterator[Speech | Prompt]:
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
