"""What one recipient gets on one channel; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.domain import Channel, Content, Direct, DirectKind, Facts, FaxLetter, File, Mail, Text
from gateway.settings import Clinic
from gateway.wording import spoken, visits
from gateway.wording.answers import subject_of_answer
from gateway.wording.mail import invitation, letter, letter_text
from gateway.wording.names import Sayings, SlotError
from gateway.wording.placeholders import TOKEN
from gateway.wording.scripts import script
from gateway.wording.several import AT, visits_of
from gateway.wording.templates import FILES, texts_in
from gateway.wording.texts import Texts

NO_SAYINGS: Sayings = {}


def compose(facts: Facts, channel: Channel, clinic: Clinic, sayings: Sayings = NO_SAYINGS) -> Content:
    """The content in words; SlotError when a placeholder cannot be filled for this recipient."""
    if facts.direct is not None and facts.direct.kind is DirectKind.VISIT:
        return _visit(facts, clinic)
    if facts.direct is not None:
        # Somebody's own words: nothing in them is a placeholder.
        return _letter(facts, facts.direct, clinic) if channel is Channel.EMAIL else Text(facts.direct.body)
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
            page, plain = letter(subject, body, clinic, language), letter_text(body, clinic)
            event = invitation(facts, clinic)
            enclosed = tuple(File(name, Path(file)) for name, file in templates.get(FILES, {}).items())
            return Mail(subject, plain, page, values["ContactName"], event, files=enclosed)
        case Channel.FAX:
            subject = fill(texts["subject"], values)
            file = templates["fax"].get("document")
            document = Path(file) if file else None
            number = facts.contacts[channel].address
            return FaxLetter(values["ContactName"], subject, body, document, number, language)
        case _:
            return Text(body)


def _letter(facts: Facts, direct: Direct, clinic: Clinic) -> Mail:
    if direct.kind is DirectKind.NOTICE:
        return _notice(direct.body, clinic)
    language = facts.recipient.language or clinic.language
    subject = subject_of_answer(clinic, language)
    page = letter(subject, direct.body, clinic, language)
    return Mail(subject, letter_text(direct.body, clinic), page)


def _visit(facts: Facts, clinic: Clinic) -> Mail:
    visit, wanted = facts.appointment, (facts.recipient.language, clinic.language)
    if visit is None:
        raise SlotError("the appointment is not known any more")
    language = next((one for one in wanted if one in visits.MOVED), "en")
    values = _written(facts, clinic, language)
    slots = {"name": values["ClientName"], "date": values["ServiceDate"], "time": values["ServiceTime"]}
    slots |= {"clinic": clinic.name, "callback": clinic.callback}
    texts = visits.MOVED if visit.status == "booked" else visits.CANCELLED
    subject, body = (text.format_map(slots) for text in texts[language])
    page, plain = letter(subject, body, clinic, language), letter_text(body, clinic)
    return Mail(subject, plain, page, values["ContactName"], invitation(facts, clinic))


def _notice(told: str, clinic: Clinic) -> Mail:
    subject, _, body = told.partition("\n")
    body = body.strip()
    return Mail(subject, letter_text(body, clinic), letter(subject, body, clinic, clinic.language))


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
        "ClientName": person.name,
        "ContactName": person.told,
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
            "Appointments": _written_visits(facts, clinic, language),
        }
    if facts.occasion is not None:
        values |= {
            "Renewal": facts.occasion.name,
            "RenewalDate": _date_and_time(facts.occasion.starts_at, clinic.zone, language)[0],
        }
    return {**facts.columns, **values} if facts.columns else values


def _written_visits(facts: Facts, clinic: Clinic, language: str) -> str:
    """Each visit of the message; with names where they are of several people."""
    at = AT.get(language, AT["en"])
    lines = []
    for name, moment in visits_of(facts):
        date, time = _date_and_time(moment, clinic.zone, language)
        lines.append(f"{name}{': ' if name else ''}{at.format(date=date, time=time)}")
    return "; ".join(lines)


# Many visits begin at the same moment, and babel takes longer for one than all else that a text needs.
@lru_cache(maxsize=1024)
def _date_and_time(moment: datetime, zone: str, language: str) -> tuple[str, str]:
    # The appointment happens at the clinic: its zone tells the time, wherever the recipient is.
    local = moment.astimezone(ZoneInfo(zone))
    return spoken.write_date(local, language), spoken.write_time(local, language)
