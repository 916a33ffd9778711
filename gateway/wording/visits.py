"""What a mail says of an appointment that moved or was cancelled; no more than that there is one. Pure."""

from __future__ import annotations

from collections.abc import Mapping

# (subject, body) by language; {name}, {date}, {time}, {callback} and {clinic} are filled in.
MOVED: Mapping[str, tuple[str, str]] = {
    "en": (
        "The appointment is on {date}",
        "Dear {name},\n\nthe appointment has changed: it is on {date} at {time}.\n\n"
        "If that does not suit you, please call us at {callback}.\n\n{clinic}",
    ),
    "es": (
        "La cita es el {date}",
        "{name}:\n\nLa cita ha cambiado: es el {date} a las {time}.\n\n"
        "Si no le conviene, por favor llámenos al {callback}.\n\n{clinic}",
    ),
}
CANCELLED: Mapping[str, tuple[str, str]] = {
    "en": (
        "The appointment on {date} is cancelled",
        "Dear {name},\n\nthe appointment on {date} at {time} is cancelled.\n\n"
        "For another one please call us at {callback}.\n\n{clinic}",
    ),
    "es": (
        "La cita del {date} está cancelada",
        "{name}:\n\nLa cita del {date} a las {time} está cancelada.\n\n"
        "Para otra, por favor llámenos al {callback}.\n\n{clinic}",
    ),
}
