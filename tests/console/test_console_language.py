"""Whatever a screen says is there in Spanish too, with the same places for values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

import httpx
import pytest
from babel.messages.extract import extract
from babel.messages.pofile import read_po

from gateway import console
from gateway.accounts.rules import MEANINGS, NAMES, SHIPPED
from gateway.console import app, composing, filters, repeating, words
from gateway.console.causes import CAUSES
from gateway.console.language import LANGUAGES, catalog, translator, wanted
from gateway.console.navigation import MENU
from gateway.domain import ReplyKind, State
from gateway.policy.words import WORDS
from gateway.settings import Settings
from gateway.settings.table import rows as settings_rows
from store.engine import Store
from tests.console.console_day import Day, busy_day

HERE = Path(console.__file__).parent
PLACE = re.compile(r"%\(\w+\)s|<[^>]+>")
# Functions of Python code that say a sentence: which of their arguments it is.
SAYING = {"say": (2,), "_": None, "gettext": None, "ngettext": (1, 2)}


def _sentences() -> Iterator[tuple[str, str]]:
    """(sentence, where it is said) of all templates and pages."""
    for path in sorted(HERE.rglob("*.html")):
        yield from _of(path, "jinja2.ext:babel_extract", {"newstyle_gettext": "true", "trimmed": "false"})
    for path in sorted(HERE.rglob("*.py")):
        yield from _of(path, "python", {})
    for sentence in _known():
        yield sentence, "a list of words"


def _of(path: Path, method: str, options: dict[str, str]) -> Iterator[tuple[str, str]]:
    with path.open("rb") as file:
        for line, found, *_ in extract(method, file, keywords=SAYING, options=options):
            for sentence in (found,) if isinstance(found, str) else found:
                if sentence:
                    yield sentence, f"{path.name}:{line}"


def _known() -> Iterable[str]:
    """What is said by its name: menus, rules, states, causes."""
    yield from (part.heading for part in MENU if part.heading)
    yield from (place.label for part in MENU for place in part.places)
    yield from NAMES.values()
    yield from MEANINGS.values()
    yield from (name for _, name, _ in SHIPPED)
    yield from app._TITLES.values()
    for table in (composing.TYPE_LABELS, composing.METHODS, composing.SEND, composing.PLACEHOLDERS):
        yield from table.values()
    yield from (*composing.UNITS.values(), *composing.VERSIONS.values(), *composing.WRONG)
    yield from (label for label, _ in composing.FIELDS.values())
    for table in (repeating.REPEATS, repeating.WEEKDAYS, repeating.UNITS):
        yield from table.values()
    yield from (*repeating.WRONG, *repeating.TOLD, *repeating.TOLD_EVERY)
    for group in words.GROUPS:
        yield from (group.label, group.hint)
    yield from words.CHANNELS.values()
    yield from (series.label for series in words.SERIES)
    yield from words.OUTCOMES.values()
    yield from words.EVIDENCE.values()
    yield from (state.value.capitalize() for state in State)
    yield from (word for word, _ in [*words._TRIED.values(), *words._DELIVERED.values()])
    yield from words._SENDING.values()
    yield from (*filters.TYPES.values(), *filters.ANSWERS.values())
    yield from (words.readable(kind) for kind in ReplyKind)
    yield from (f"{date(2026, month, 1):%b}" for month in range(1, 13))
    yield from (told for code, told in CAUSES.items() if code not in WORDS["en"])
    yield from (row.explanation for row in settings_rows(Settings()))


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_every_sentence_has_a_translation(language: str) -> None:
    known = catalog(language)
    missing = {sentence: place for sentence, place in _sentences() if sentence not in known}
    assert not missing, "\n".join(f"{place}: {sentence!r}" for sentence, place in missing.items())


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_translations_have_the_same_places_for_values(language: str) -> None:
    for english, told in catalog(language).items():
        assert sorted(PLACE.findall(english)) == sorted(PLACE.findall(told)), english


@pytest.mark.parametrize("language", [one for one in LANGUAGES if one != "en"])
def test_no_sentence_has_two_translations(language: str) -> None:
    seen: dict[str, str] = {}
    for path in sorted((HERE / "locale" / language).glob("*.po")):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                told = str(message.string)
                assert seen.setdefault(str(message.id), told) == told or not message.id, (
                    path.name,
                    message.id,
                )


def test_the_browsers_language_is_taken_where_nobody_is_signed_in() -> None:
    assert wanted("es-MX,es;q=0.9,en;q=0.8") == "es"
    assert wanted("fr,en;q=0.5") == "en"
    assert wanted("") == "en"
    assert translator("es")("Today") == "Hoy"
    assert translator("es")("never translated") == "never translated"


async def test_a_user_reads_the_board_in_spanish(browser: httpx.AsyncClient, store: Store, day: Day) -> None:
    await busy_day(day)
    await browser.post("/me/language", data={"language": "es"})
    page = (await browser.get("/")).text
    assert '<html lang="es">' in page
    assert "Necesita una persona" in page
    assert "martes, 10 de marzo de 2026" in page
    assert "Needs a person" not in page
