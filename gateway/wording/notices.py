"""Emails to the clinic's own staff; they say nothing about anybody. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from gateway.settings import Clinic
from gateway.wording import spoken


class Said(StrEnum):
    """What staff are told of: how a patient answered, as far as it was understood."""

    CONFIRMED = "confirmed"
    CANCELLED = "cancelled"
    UNCLEAR = "unclear"


_SAID = {
    "en": {
        Said.CONFIRMED: (
            "A patient confirmed an appointment",
            "On {when} a patient confirmed an appointment.\nIt is in the list of appointments of Ringwell.",
        ),
        Said.CANCELLED: (
            "A patient cancelled an appointment",
            "On {when} a patient cancelled an appointment.\n"
            "It is in the inbox of conversations of Ringwell, and in its list of appointments.",
        ),
        Said.UNCLEAR: (
            "A reply waits to be read",
            "On {when} a reply came that somebody must read.\n"
            "It is in the inbox of conversations of Ringwell.",
        ),
    },
    "es": {
        Said.CONFIRMED: (
            "Un paciente ha confirmado una cita",
            "El {when} un paciente confirmó una cita.\nEstá en la lista de citas de Ringwell.",
        ),
        Said.CANCELLED: (
            "Un paciente ha cancelado una cita",
            "El {when} un paciente canceló una cita.\n"
            "Está en el buzón de conversaciones de Ringwell y en su lista de citas.",
        ),
        Said.UNCLEAR: (
            "Hay una respuesta por leer",
            "El {when} llegó una respuesta que alguien debe leer.\n"
            "Está en el buzón de conversaciones de Ringwell.",
        ),
    },
}


def answered(said: Said, at: datetime, clinic: Clinic) -> str:
    """That a patient answered: a line of subject, an empty one, then the text."""
    subject, text = _SAID["es" if clinic.language == "es" else "en"][said]
    return f"{subject}\n\n{text.format(when=_moment(at, clinic))}"


_WAITING = {
    "en": (
        "You have a message in Ringwell",
        "Another user wrote to you. The message is under Staff messages.",
    ),
    "es": (
        "Tiene un mensaje en Ringwell",
        "Otro usuario le ha escrito. El mensaje está en Mensajes del personal.",
    ),
}


def message_waits(language: str) -> str:
    """That another user wrote: a line of subject, an empty one, then the text."""
    return "\n\n".join(_WAITING["es" if language == "es" else "en"])


def message_waits_in_short(language: str) -> str:
    """The same as a text."""
    return _WAITING["es" if language == "es" else "en"][0] + "."


def _moment(at: datetime, clinic: Clinic) -> str:
    moment = at.astimezone(ZoneInfo(clinic.zone))
    return f"{spoken.write_date(moment, clinic.language)}, {spoken.write_time(moment, clinic.language)}"


def fax_came(inbox: str, pages: int, at: datetime, clinic: Clinic) -> str:
    """That a fax came: a line of subject, an empty one, then the text."""
    when = _moment(at, clinic)
    if clinic.language == "es":
        many = "1 página" if pages == 1 else f"{pages} páginas"
        place = f" para {inbox}" if inbox else ""
        return (
            f"Ha llegado un fax{place}\n\n"
            f"Ha llegado un fax de {many}{place} el {when}.\nPuede leerlo en Ringwell, en el buzón de faxes."
        )
    many = "1 page" if pages == 1 else f"{pages} pages"
    place = f" for {inbox}" if inbox else ""
    return (
        f"A fax came in{place}\n\n"
        f"A fax of {many} came in{place} on {when}.\nIt is in the fax inbox of Ringwell."
    )
