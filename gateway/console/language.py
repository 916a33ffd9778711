"""What screens say in the user's language: English in the code, other languages in catalogs beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

from gateway.policy.words import WORDS

LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Español"}
USUAL = "en"
_CATALOGS = Path(__file__).parent / "locale"


@cache
def catalog(language: str) -> Mapping[str, str]:
    """English to this language, of all parts of the console."""
    # The reasons of verdicts are in every language already: the command line tells them, too.
    reasons, told = WORDS["en"], WORDS.get(language, {})
    found: dict[str, str] = {reasons[code]: said for code, said in told.items() if code in reasons}
    for path in sorted((_CATALOGS / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                # A sentence with a number has two of each: for one, and for more.
                ids = (message.id,) if isinstance(message.id, str) else message.id
                strings = (message.string,) if isinstance(message.string, str) else message.string or ()
                found |= {one: said for one, said in zip(ids, strings, strict=True) if one and said}
    return found


def translator(language: str) -> Callable[[str], str]:
    """Says an English sentence in a language; one that has no translation stays as it is."""
    words = catalog(language)
    return lambda text: words.get(text, text)


def wanted(accepted: str) -> str:
    """The language that a browser asks for, of those there are."""
    for part in accepted.split(","):
        name = part.partition(";")[0].strip()[:2].lower()
        if name in LANGUAGES:
            return name
    return USUAL
