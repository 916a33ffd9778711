"""Dates, times and telephone numbers the way people say them; pure.

English and Spanish are said in words, so that every voice says them alike. Other languages get the long forms
of their country (CLDR), and their voice makes words of the figures.
"""

from __future__ import annotations

import re
from datetime import datetime
from functools import lru_cache

import phonenumbers
from babel.dates import format_date, format_time

_EN = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen "
    "seventeen eighteen nineteen"
).split()
_EN_TENS = "twenty thirty forty fifty".split()
_EN_ORDINALS = (
    "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth "
    "fifteenth sixteenth seventeenth eighteenth nineteenth twentieth"
).split()
_ES = (
    "cero uno dos tres cuatro cinco seis siete ocho nueve diez once doce trece catorce quince dieciséis "
    "diecisiete dieciocho diecinueve veinte veintiuno veintidós veintitrés veinticuatro veinticinco "
    "veintiséis veintisiete veintiocho veintinueve"
).split()
_ES_TENS = "treinta cuarenta cincuenta".split()

# Of a number from abroad, and of what is dialled after it.
_PLUS = {"en": "plus", "es": "más"}
_EXTENSION = {"en": "extension", "es": "extensión"}


def say_date(local: datetime, language: str) -> str:
    """`Tuesday, November twenty-fourth`; `martes, veinticuatro de noviembre`."""
    if language not in ("en", "es"):
        return plain(format_date(local, "EEEE, d MMMM", locale=language))
    weekday = format_date(local, "EEEE", locale=language)
    month = format_date(local, "MMMM", locale=language)
    if language == "en":
        return f"{weekday}, {month} {_ordinal(local.day)}"
    return f"{weekday}, {'primero' if local.day == 1 else spanish(local.day)} de {month}"


def say_time(local: datetime, language: str) -> str:
    """`nine thirty A M`, `twelve noon`; `las nueve y media de la mañana`."""
    if language == "en":
        return _english_time(local.hour, local.minute)
    if language == "es":
        return _spanish_time(local.hour, local.minute)
    return plain(format_time(local, "short", locale=language))


def _english_time(hour: int, minute: int) -> str:
    if minute == 0 and hour % 12 == 0:
        return "twelve noon" if hour else "twelve midnight"
    half = "P M" if hour >= 12 else "A M"
    minutes = f" oh {english(minute)}" if 0 < minute < 10 else f" {english(minute)}" if minute else ""
    return f"{english(hour % 12 or 12)}{minutes} {half}"


def _spanish_time(hour: int, minute: int) -> str:
    twelve = hour % 12 or 12
    said = "la una" if twelve == 1 else f"las {spanish(twelve)}"
    minutes = {0: "", 15: " y cuarto", 30: " y media"}.get(minute, f" y {spanish(minute)}")
    return f"{said}{minutes} {_spanish_part(hour, minute)}"


def _spanish_part(hour: int, minute: int) -> str:
    if hour == 12 and minute == 0:
        return "del mediodía"
    if 12 <= hour < 20:
        return "de la tarde"
    if hour >= 20 or (hour == 0 and minute == 0):
        return "de la noche"
    return "de la madrugada" if hour < 6 else "de la mañana"


def english(number: int) -> str:
    """0 to 59 in words."""
    if number < 20:
        return _EN[number]
    tens, rest = _EN_TENS[number // 10 - 2], number % 10
    return f"{tens}-{_EN[rest]}" if rest else tens


def _ordinal(day: int) -> str:
    if day <= 20:
        return _EN_ORDINALS[day - 1]
    if day == 30:
        return "thirtieth"
    return f"{_EN_TENS[day // 10 - 2]}-{_EN_ORDINALS[day % 10 - 1]}"


def spanish(number: int) -> str:
    """0 to 59 in words."""
    if number < 30:
        return _ES[number]
    tens, rest = _ES_TENS[number // 10 - 3], number % 10
    return f"{tens} y {_ES[rest]}" if rest else tens


@lru_cache(maxsize=256)
def say_number(number: str, country: str, language: str) -> str:
    """A telephone number digit by digit, in its country's groups: `2 1 2, 5 5 5, 0 1 0 0`."""
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return say_digits(number)
    extension, parsed.extension = parsed.extension, None
    at_home = parsed.country_code == phonenumbers.country_code_for_region(country)
    form = phonenumbers.PhoneNumberFormat
    written = phonenumbers.format_number(parsed, form.NATIONAL if at_home else form.INTERNATIONAL)
    groups = [" ".join(group) for group in re.findall(r"[0-9]+", written)]
    said = ", ".join(groups)
    if not at_home:
        said = f"{_PLUS.get(language, '+')} {said}"
    if extension:
        said = f"{said}, {_EXTENSION.get(language, '')} {' '.join(extension)}"
    return said


def say_digits(text: str) -> str:
    """Figures one by one: `2 0 4`."""
    return " ".join(character for character in text if character.isdigit())


def write_date(local: datetime, language: str) -> str:
    """`Tue, Nov 24, 2026` in the reader's language."""
    form = "EEE, MMM d, y" if language == "en" else "EEE, d MMM y"
    return plain(format_date(local, form, locale=language))


def write_time(local: datetime, language: str) -> str:
    """`9:30 AM`, with ordinary spaces so that a text stays in GSM-7."""
    return plain(format_time(local, "short", locale=language))


def plain(text: str) -> str:
    """With ordinary spaces."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")
