"""Names the way people say them; pure. A list of the clinic's own goes before everything else.

The list has a table for each language: what is written, in any case, and how it is said. An entry may be a
whole name or one word of names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping

from gateway.domain import RingwellError

Sayings = Mapping[str, Mapping[str, str]]

# Longer than any name or service; what is longer was put into the wrong column.
LONGEST_SLOT = 200

_TITLES = {
    "en": {"dr": "Doctor", "mr": "Mister", "mrs": "Missus", "ms": "Miz", "prof": "Professor"},
    "es": {
        "dr": "doctor",
        "dra": "doctora",
        "sr": "señor",
        "sra": "señora",
        "srta": "señorita",
        "prof": "profesor",
        "lic": "licenciado",
        "licda": "licenciada",
    },
}
_SUFFIXES = {
    "en": {"jr": "junior", "sr": "senior", "ii": "the second", "iii": "the third", "iv": "the fourth"},
    "es": {"jr": "júnior", "ii": "segundo", "iii": "tercero"},
}
# Written after names, seldom said.
_DEGREES = frozenset(
    "MD DO DDS DMD OD DPM DC PHD PSYD RN NP PA PAC APRN FNP CNM LCSW LMFT LPC PT DPT OT RD PHARMD MPH".split()
)
# What voices of a language can read beside Latin letters, as Unicode names them.
_LETTERS = {
    "ar": {"ARABIC"},
    "bg": {"CYRILLIC"},
    "el": {"GREEK"},
    "fa": {"ARABIC"},
    "he": {"HEBREW"},
    "hi": {"DEVANAGARI"},
    "hy": {"ARMENIAN"},
    "ja": {"CJK", "HIRAGANA", "KATAKANA"},
    "ka": {"GEORGIAN"},
    "kk": {"CYRILLIC"},
    "ko": {"HANGUL", "CJK"},
    "ml": {"MALAYALAM"},
    "ne": {"DEVANAGARI"},
    "ru": {"CYRILLIC"},
    "sr": {"CYRILLIC"},
    "te": {"TELUGU"},
    "th": {"THAI"},
    "uk": {"CYRILLIC"},
    "ur": {"ARABIC"},
    "zh": {"CJK"},
}
_SCRIPTS = {"CJK": "Chinese"}
_NOT_SAID = re.compile(r"[^\w\s'’.,-]|_")


class SlotError(RingwellError):
    """A placeholder cannot be filled; the message names it and never repeats its value."""


def say_name(name: str, language: str, sayings: Sayings) -> str:
    """`SMITH-JONES, Maria MD` becomes `Maria Smith Jones`; `Dr. Ito` becomes `Doctor Ito`."""
    own = sayings.get(language, {})
    if (whole := own.get(_key(name))) is not None:
        return whole
    words = _in_order(_NOT_SAID.sub(" ", name.replace("’", "'")))
    said = " ".join(_word(word, place, len(words), language, own) for place, word in enumerate(words))
    return " ".join(said.split())


def say_text(text: str, language: str, sayings: Sayings) -> str:
    """Free words such as a service; the clinic's list knows some of them better."""
    own = sayings.get(language, {})
    if not own:
        return text
    if (whole := own.get(_key(text))) is not None:
        return whole
    return " ".join(own.get(_key(word), word) for word in text.split())


def table_of(entries: Mapping[str, str]) -> dict[str, str]:
    """A list as it is looked up."""
    return {_key(written): " ".join(said.split()) for written, said in entries.items()}


def _key(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


def _in_order(name: str) -> list[str]:
    """Words in the order of speaking: practice systems write `Family, Given`; degrees are left out."""
    first, *rest = (part.split() for part in name.split(","))
    rest = [words for words in rest if words and not _are_degrees(words)]
    if len(rest) == 1 and _bare(rest[0][0]) not in _SUFFIXES["en"]:
        first, rest = [*rest[0], *first], []
    words = [*first, *(word for part in rest for word in part)]
    while len(words) > 1 and _is_degree(words[-1], words[:-1]):
        words.pop()
    return words


def _are_degrees(words: Iterable[str]) -> bool:
    return all(_bare(word).upper() in _DEGREES for word in words)


def _is_degree(word: str, others: list[str]) -> bool:
    """Do is also a name: a degree is written in capitals beside words that are not."""
    plain = word.replace(".", "")
    if plain.upper() not in _DEGREES or not (plain.isupper() or plain[0] == "P"):
        return False
    return not all(one.isupper() for one in others)


def _bare(word: str) -> str:
    return word.replace(".", "").casefold()


def _word(word: str, place: int, count: int, language: str, own: Mapping[str, str]) -> str:
    if (said := own.get(_key(word)) or own.get(_key(word.strip(".")))) is not None:
        return said
    bare = _bare(word)
    if place == 0 and count > 1 and bare in _TITLES.get(language, {}):
        return _TITLES[language][bare]
    if place == count - 1 and count > 1 and bare in _SUFFIXES.get(language, {}):
        return _SUFFIXES[language][bare]
    # Capitals are spelled out by voices, and a hyphen or a full stop is a pause.
    parts = re.split(r"[-.]+", word)
    return " ".join(_cased(part) for part in parts)


def _cased(word: str) -> str:
    if len(word) < 2 or not word.isupper():
        return word
    return "'".join(part.capitalize() for part in word.split("'"))


def checked(placeholder: str, value: str, said: str, language: str) -> str:
    """What is said for a placeholder, or SlotError."""
    if not any(character.isalnum() for character in said):
        raise SlotError(f"<{placeholder}> has no value")
    if max(len(value), len(said)) > LONGEST_SLOT:
        raise SlotError(
            f"<{placeholder}> has {max(len(value), len(said))} characters, more than {LONGEST_SLOT}"
        )
    if (letters := _foreign(said, language)) is not None:
        raise SlotError(
            f"<{placeholder}> has {letters} letters, which no voice for '{language}' can read: "
            "say in the list of names how it is said (docs/scripts.md)"
        )
    return said


def _foreign(text: str, language: str) -> str | None:
    if text.isascii():
        return None
    allowed = _LETTERS.get(language, set()) | {"LATIN", "MASCULINE", "FEMININE", "MICRO"}
    for character in text:
        if unicodedata.category(character) in ("Lu", "Ll", "Lt", "Lo"):
            script = unicodedata.name(character, "unknown").split()[0].split("-")[0]
            if script not in allowed:
                return _SCRIPTS.get(script, script.capitalize())
    return None
