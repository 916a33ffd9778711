"""What screens say in the user's language: English in the code, other languages in catalogs beside it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LANGUAGES: Mapping[str, str] = {"en": "English", "es": "Español"}
USUAL = "en"
_CATALOGS = Path(__file__).parent / "locale"


@cache
def catalog(language: str) -> Mapping[str, str]:
    """English to this language, of all parts of the console."""
    found: dict[str, str] = {}
    for path in sorted((_CATALOGS / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                # A sentence with a number has two of each: for one, and for more.
                ids = (message.id,) if isinstance(message.id, str) else message.id
                told = (message.string,) if isinstance(message.string, str) else message.string or ()
                found |= {one: said for one, said in zip(ids, told, strict=True) if one and said}
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
