"""What a patient who calls back hears, by language; the clinic's name fills the gap."""

from __future__ import annotations

from gateway.callback.talk import Line
from gateway.domain import Speech

FALLBACK = "en"
# Countries where the month is said before the day.
MONTH_FIRST = frozenset({"US", "CA"})

TEXTS: dict[str, dict[str, str]] = {
    "en": {
        Line.WELCOME: "Hello, this is {clinic}. You can hear the message that we left for you.",
        Line.OPT_OUT_WELCOME: "Hello, this is {clinic}.",
        Line.ENTER_NUMBER: "Please enter the telephone number that we contacted, then press pound.",
        "birthday-month-first": "Please enter the month and the day of your birth, four digits in all. "
        "For the fifth of March, press 0 3 0 5.",
        "birthday-day-first": "Please enter the day and the month of your birth, four digits in all. "
        "For the fifth of March, press 0 5 0 3.",
        Line.OR_DESK: "For the front desk, press 0 and pound.",
        Line.NOT_FOUND: "There is no message for you with these details.",
        Line.TOO_OFTEN: "There were too many tries. Please call again later.",
        Line.CONNECTING: "One moment, please.",
        Line.PRESS_TO_STOP: "To get no more calls, texts or emails from us, press 9.",
        Line.STOPPED: "You will not be contacted any more.",
        Line.GOODBYE: "Goodbye.",
    },
    "es": {
        Line.WELCOME: "Hola, le habla {clinic}. Puede escuchar el mensaje que le dejamos.",
        Line.OPT_OUT_WELCOME: "Hola, le habla {clinic}.",
        Line.ENTER_NUMBER: "Marque el número de teléfono al que le llamamos y después la tecla numeral.",
        "birthday-month-first": "Marque el mes y el día de su nacimiento, cuatro cifras en total. "
        "Para el cinco de marzo, marque 0 3 0 5.",
        "birthday-day-first": "Marque el día y el mes de su nacimiento, cuatro cifras en total. "
        "Para el cinco de marzo, marque 0 5 0 3.",
        Line.OR_DESK: "Para hablar con la recepción, marque 0 y la tecla numeral.",
        Line.NOT_FOUND: "No hay ningún mensaje para usted con estos datos.",
        Line.TOO_OFTEN: "Hubo demasiados intentos. Por favor, llame más tarde.",
        Line.CONNECTING: "Un momento, por favor.",
        Line.PRESS_TO_STOP: "Para no recibir más llamadas, mensajes ni correos nuestros, marque 9.",
        Line.STOPPED: "No volveremos a contactarle.",
        Line.GOODBYE: "Adiós.",
    },
}


def spoken(line: Line, clinic: str, country: str, language: str) -> Speech:
    """A line as it is voiced; in the fallback language where this one has no words."""
    tongue = language if language in TEXTS else FALLBACK
    name: str = line
    if line is Line.ENTER_BIRTHDAY:
        name = "birthday-month-first" if country in MONTH_FIRST else "birthday-day-first"
    return Speech(TEXTS[tongue][name].format(clinic=clinic), tongue)


def birthday(digits: str, country: str) -> tuple[int, int] | None:
    """(month, day) of four digits; None for what is no day of any year."""
    if len(digits) != 4 or not digits.isascii() or not digits.isdigit():
        return None
    first, second = int(digits[:2]), int(digits[2:])
    month, day = (first, second) if country in MONTH_FIRST else (second, first)
    return (month, day) if 1 <= month <= 12 and 1 <= day <= 31 else None
