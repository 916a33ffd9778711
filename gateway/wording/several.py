"""Several visits in one message; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from gateway.domain import Channel, Facts
from gateway.wording.texts import Texts

# How a visit is named in a list, written and said.
AT: Mapping[str, str] = {"en": "{date} at {time}", "es": "el {date} a las {time}"}
SAID_AT: Mapping[str, str] = {"en": "{date} at {time}", "es": "el {date} a {time}"}
_PLACEHOLDER = "<Appointments>"
_FIELD = {Channel.VOICE: "person", Channel.SMS: "body", Channel.EMAIL: "body", Channel.FAX: "body"}

# In place of the words that name one visit.
_LISTS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "en": (
        ("of your appointment on <ServiceDate> at <ServiceTime>", "of your appointments: <Appointments>"),
        ("of an appointment on <ServiceDate> at <ServiceTime>", "of these appointments: <Appointments>"),
        ("of the appointment on <ServiceDate> at <ServiceTime>", "of these appointments: <Appointments>"),
        ("Your appointment on <ServiceDate>", "Your appointments on <ServiceDate>"),
    ),
    "es": (
        ("su cita el <ServiceDate> a las <ServiceTime>", "sus citas: <Appointments>"),
        ("su cita el <ServiceDate> a <ServiceTime>", "sus citas: <Appointments>"),
        ("la cita el <ServiceDate> a las <ServiceTime>", "estas citas: <Appointments>"),
        ("Su cita el <ServiceDate>", "Sus citas el <ServiceDate>"),
    ),
}


def visits_of(facts: Facts) -> list[tuple[str, datetime]]:
    """(name, start) of each visit that a message tells of; no name where all are of one client."""
    found = [(one.recipient, one.appointment) for one in (facts, *facts.together)]
    several = len({person.id for person, _ in found}) > 1
    told = [(visit.starts_at, visit.id, person.name) for person, visit in found if visit is not None]
    return [(name if several else "", starts_at) for starts_at, _, name in sorted(told)]


def for_several(texts: Texts, language: str) -> dict[str, dict[str, str]]:
    """The texts that ship, with the list of visits in place of one."""
    return {
        name: {field: _listed(text, language) for field, text in fields.items()}
        for name, fields in texts.items()
    }


def _listed(text: str, language: str) -> str:
    for one, several in _LISTS.get(language, _LISTS["en"]):
        text = text.replace(one, several)
    return text


def without_appointments(templates: Texts) -> str | None:
    """The first text that would tell of one visit only; None: each has the list."""
    for name, fields in templates.items():
        channel = name.partition(".")[0]
        field = _FIELD[Channel(channel)] if channel in list(Channel) else ""
        # A fax may carry a document instead.
        if field in fields and not fields.get("document") and _PLACEHOLDER not in fields[field]:
            return f"{name}.{field}"
    return None
