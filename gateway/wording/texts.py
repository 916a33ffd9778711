"""The texts that ship: minimum content, no diagnosis, specialty or test names (rules 1.16)."""

from __future__ import annotations

from collections.abc import Mapping

from gateway.domain import MessageType
from gateway.domain.message_types import TYPES, Audience

Texts = Mapping[str, Mapping[str, str]]

_REMINDER: Mapping[str, Texts] = {
    "en": {
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
    },
    "es": {
        "voice": {
            "person": "Le llama <Practice>. Le recordamos a <ClientName> su cita el <ServiceDate> a "
            "<ServiceTime>. Marque 1 para confirmar. Marque 9 para no recibir más llamadas. "
            "Nuestro número es <CallBack>.",
            "machine": "Le llama <Practice>. Por favor, llámenos al <CallBack>.",
        },
        "sms": {
            "body": "<Practice>: le recordamos su cita el <ServiceDate> a las <ServiceTime>. "
            "Responda C para confirmar, STOP para no recibir más. <CallBack>"
        },
        "email": {
            "subject": "Su cita el <ServiceDate>",
            "body": "<ClientName>:\n\nLe recordamos su cita el <ServiceDate> a las <ServiceTime>.\n\n"
            "Si no puede venir, por favor llámenos al <CallBack>.\n\n<Practice>",
        },
        "fax": {
            "subject": "Recordatorio de cita",
            "body": "Para <ClientName>\n\nLe recordamos la cita el <ServiceDate> a las <ServiceTime>.\n\n"
            "Preguntas: <CallBack>\n\n<Practice>",
        },
    },
}
_NOTICE: Mapping[str, Texts] = {
    "en": {
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
    },
    "es": {
        "voice": {
            "person": "Le llama <Practice> con un mensaje para <ClientName>. "
            "Por favor, llámenos al <CallBack>. "
            "Marque 1 para confirmar que lo oyó. Marque 9 para no recibir más llamadas.",
            "machine": "Le llama <Practice>. Por favor, llámenos al <CallBack>.",
        },
        "sms": {"body": "<Practice>: por favor llámenos al <CallBack>. Responda STOP para no recibir más."},
        "email": {
            "subject": "Un mensaje de <Practice>",
            "body": "<ClientName>:\n\nPor favor, llámenos al <CallBack>.\n\n<Practice>",
        },
        "fax": {
            "subject": "Un mensaje para usted",
            "body": "Para <ClientName>\n\nPor favor, llámenos al <CallBack>.\n\n<Practice>",
        },
    },
}
# Neither says what is to be renewed: anybody may read it.
_RENEWAL: Mapping[str, Texts] = {
    "en": {
        "voice": {
            "person": "This is <Practice> with a reminder for <ClientName>: a renewal is due on "
            "<RenewalDate>. Please call us at <CallBack>. Press 1 to confirm that you heard this. "
            "Press 9 to stop these calls.",
            "machine": "This is <Practice>. Please call us at <CallBack>.",
        },
        "sms": {
            "body": "<Practice>: a renewal is due on <RenewalDate>. Please call us at <CallBack>. "
            "Reply STOP to opt out."
        },
        "email": {
            "subject": "A renewal is due on <RenewalDate>",
            "body": "Dear <ClientName>,\n\nthis is a reminder that a renewal is due on <RenewalDate>.\n\n"
            "Please call us at <CallBack>.\n\n<Practice>",
        },
        "fax": {
            "subject": "Renewal reminder",
            "body": "To <ClientName>\n\nThis is a reminder that a renewal is due on <RenewalDate>.\n\n"
            "Questions: <CallBack>\n\n<Practice>",
        },
    },
    "es": {
        "voice": {
            "person": "Le llama <Practice> con un recordatorio para <ClientName>: una renovación vence "
            "el <RenewalDate>. Por favor, llámenos al <CallBack>. Marque 1 para confirmar que lo oyó. "
            "Marque 9 para no recibir más llamadas.",
            "machine": "Le llama <Practice>. Por favor, llámenos al <CallBack>.",
        },
        "sms": {
            "body": "<Practice>: una renovación vence el <RenewalDate>. Llámenos al <CallBack>. "
            "Responda STOP para no recibir más."
        },
        "email": {
            "subject": "Una renovación vence el <RenewalDate>",
            "body": "<ClientName>:\n\nLe recordamos que una renovación vence el <RenewalDate>.\n\n"
            "Por favor, llámenos al <CallBack>.\n\n<Practice>",
        },
        "fax": {
            "subject": "Recordatorio de renovación",
            "body": "Para <ClientName>\n\nLe recordamos que una renovación vence el <RenewalDate>.\n\n"
            "Preguntas: <CallBack>\n\n<Practice>",
        },
    },
}
_BIRTHDAY: Mapping[str, Texts] = {
    "en": {
        "voice": {
            "person": "This is <Practice>. We wish <ClientName> a happy birthday. Our number is <CallBack>. "
            "Press 9 to stop these calls. Press 1 if you are glad to hear from us.",
            "machine": "This is <Practice>. We wish you all the best. Our number is <CallBack>.",
        },
        "sms": {"body": "<Practice> wishes you a happy birthday, <FirstName>! Reply STOP to opt out."},
        "email": {
            "subject": "Happy birthday from <Practice>",
            "body": "Dear <ClientName>,\n\nhappy birthday, and all the best for the year to come."
            "\n\n<Practice>",
        },
        "fax": {
            "subject": "Happy birthday",
            "body": "To <ClientName>\n\nHappy birthday, and all the best for the year to come.\n\n<Practice>",
        },
    },
    "es": {
        "voice": {
            "person": "Le llama <Practice>. Le deseamos a <ClientName> un feliz cumpleaños. "
            "Nuestro número es <CallBack>. Marque 9 para no recibir más llamadas. "
            "Marque 1 si le alegra oírnos.",
            "machine": "Le llama <Practice>. Le deseamos lo mejor. Nuestro número es <CallBack>.",
        },
        "sms": {
            "body": "<Practice> le desea un feliz cumpleaños, <FirstName>. Responda STOP para no recibir más."
        },
        "email": {
            "subject": "Feliz cumpleaños de parte de <Practice>",
            "body": "<ClientName>:\n\nLe deseamos un feliz cumpleaños.\n\n<Practice>",
        },
        "fax": {
            "subject": "Feliz cumpleaños",
            "body": "Para <ClientName>\n\nLe deseamos un feliz cumpleaños.\n\n<Practice>",
        },
    },
}
_SHIPPED = {
    Audience.APPOINTMENTS: _REMINDER,
    Audience.RENEWALS: _RENEWAL,
    Audience.BIRTHDAYS: _BIRTHDAY,
}
# Around a transfer: the announcement is for staff alone.
DESK: Mapping[str, Mapping[str, str]] = {
    "en": {
        "announcement": "A patient whom we called asks for you: <ClientName>.",
        "connecting": "One moment please.",
        "away": "Nobody can take your call now. Please call us at <CallBack>.",
    },
    "es": {
        "announcement": "Un paciente a quien llamamos quiere hablar con usted: <ClientName>.",
        "connecting": "Un momento, por favor.",
        "away": "Ahora nadie puede atenderle. Por favor, llámenos al <CallBack>.",
    },
}


def about_visits(type: MessageType) -> bool:
    """Whether messages of this type are about an appointment each."""
    return TYPES[type].audience is Audience.APPOINTMENTS


def default_templates(type: MessageType, language: str = "en") -> dict[str, dict[str, str]]:
    """The texts that ship, in English where a language has none."""
    shipped = _SHIPPED.get(TYPES[type].audience, _NOTICE)
    return {name: dict(texts) for name, texts in shipped.get(language, shipped["en"]).items()}
