"""What answers to texts say; in GSM-7, so that each is one text (rules 1.7, 1.8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.domain import DirectKind
from gateway.settings import Clinic

_ANSWERS: Mapping[str, Mapping[DirectKind, str]] = {
    "en": {
        DirectKind.OPTED_OUT: "{clinic}: you are opted out and get no more messages from us. "
        "Reply START to get them again. {callback}",
        DirectKind.OPTED_IN: "{clinic}: you get our messages again. Reply STOP to opt out, HELP for help. "
        "{callback}",
        DirectKind.HELP: "{clinic}: messages about your appointments. Call {callback}. "
        "Msg&data rates may apply. Reply STOP to opt out.",
        DirectKind.CONFIRMED: "{clinic}: thank you, your appointment is confirmed.",
        DirectKind.CANCELLED: "{clinic}: your appointment is cancelled. For another one call {callback}.",
        DirectKind.ASK: "{clinic}: reply C1 to cancel your visit, STOP to stop all messages.",
    },
    "es": {
        DirectKind.OPTED_OUT: "{clinic}: ya no recibe mensajes nuestros. "
        "Responda START para recibirlos de nuevo. {callback}",
        DirectKind.OPTED_IN: "{clinic}: recibe de nuevo nuestros mensajes. "
        "Responda STOP para no recibirlos, HELP para ayuda. {callback}",
        DirectKind.HELP: "{clinic}: mensajes sobre sus citas. Llame al {callback}. "
        "Pueden aplicarse tarifas. Responda STOP para no recibir mensajes.",
        DirectKind.CONFIRMED: "{clinic}: gracias, su cita queda confirmada.",
        DirectKind.CANCELLED: "{clinic}: su cita queda cancelada. Para otra llame al {callback}.",
        DirectKind.ASK: "{clinic}: responda C1 para cancelar su cita, STOP para no recibir mensajes.",
    },
}

_OF_SEVERAL: Mapping[str, Mapping[DirectKind, str]] = {
    "en": {
        DirectKind.CONFIRMED: "{clinic}: thank you, your {count} visits are confirmed.",
        DirectKind.CANCELLED: "{clinic}: your {count} visits are cancelled. For another one call {callback}.",
        DirectKind.ASK: "{clinic}: reply {word} to cancel your {count} visits, or write which one. "
        "STOP stops all messages.",
    },
    "es": {
        DirectKind.CONFIRMED: "{clinic}: gracias, sus {count} citas quedan confirmadas.",
        DirectKind.CANCELLED: "{clinic}: sus {count} citas quedan canceladas. Para otra llame al {callback}.",
        DirectKind.ASK: "{clinic}: responda {word} para cancelar sus {count} citas, o escriba la fecha de "
        "una. STOP para no recibir mensajes.",
    },
}


@dataclass(frozen=True, slots=True)
class Answered:
    """How many visits an answer is about, and the word that cancels them."""

    count: int = 1
    word: str = "C1"


_SUBJECTS = {"en": "A message from {clinic}", "es": "Un mensaje de {clinic}"}


def subject_of_answer(clinic: Clinic, language: str | None = None) -> str:
    """The subject of a mail in which staff answer one."""
    known = next((one for one in (language, clinic.language) if one and one in _SUBJECTS), "en")
    return _SUBJECTS[known].format(clinic=clinic.name)


def answer(
    kind: DirectKind, clinic: Clinic, language: str | None = None, about: Answered | None = None
) -> str:
    """The words of an answer, in this language where there are some, else in the clinic's or English."""
    known = next((one for one in (language, clinic.language) if one and one in _ANSWERS), "en")
    about = about or Answered()
    several = _OF_SEVERAL[known].get(kind) if about.count > 1 else None
    return (several or _ANSWERS[known][kind]).format(
        clinic=clinic.name, callback=clinic.callback, count=about.count, word=about.word
    )
