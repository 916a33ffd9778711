"""Voices in the console: what is installed, a sentence to try, how names are said."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.settings import Settings
from store.engine import Store
from tests.console.conftest import come_in


async def test_a_sentence_is_said_and_heard(browser: httpx.AsyncClient) -> None:
    shown = (await browser.get("/voices")).text
    assert "Speaks in calls" in shown
    page = (await browser.post("/voices", data={"text": "Hello <there>.", "language": "en"})).text
    assert "Hello &lt;there&gt;." in page
    found = re.search(r"/voices/sound/[0-9a-f]{32}\.wav", page)
    assert found is not None
    heard = await browser.get(found[0])
    assert (heard.headers["content-type"], heard.content[:4]) == ("audio/wav", b"RIFF")


@pytest.mark.parametrize(
    ("text", "language", "told"),
    [
        (" ", "en", "at most 300 characters"),
        ("x" * 301, "en", "at most 300 characters"),
        ("Hola", "xx", "no voice for language"),
    ],
)
async def test_what_cannot_be_said_is_told(
    browser: httpx.AsyncClient, text: str, language: str, told: str
) -> None:
    answer = await browser.post("/voices", data={"text": text, "language": language})
    assert answer.status_code == 400
    assert told in answer.text


async def test_a_sound_that_was_never_made_is_not_found(browser: httpx.AsyncClient) -> None:
    for name in ("0" * 32 + ".wav", "..%2f..%2fetc", "0" * 32 + ".html"):
        assert (await browser.get(f"/voices/sound/{name}")).status_code == 404


@pytest.fixture
async def with_names(
    store: Store, settings: Settings, door: Door, administrator: int, tmp_path: Path
) -> AsyncIterator[tuple[httpx.AsyncClient, Path]]:
    """A console whose clinic keeps a list of names, and that list."""
    file = tmp_path / "names.toml"
    voice = settings.voice.model_copy(update={"names": file})
    transport = httpx.ASGITransport(create_app(store, settings.model_copy(update={"voice": voice}), door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        yield await come_in(client, door, administrator), file


async def test_the_clinics_list_of_names_is_shown(with_names: tuple[httpx.AsyncClient, Path]) -> None:
    client, file = with_names
    assert "The list is empty." in (await client.get("/voices")).text
    file.write_text('[en]\n"Nguyen" = "Win"\n')
    assert "Win" in (await client.get("/voices")).text
    file.write_text("[en\n")
    broken = await client.get("/voices")
    assert (broken.status_code, "cannot read" in broken.text) == (200, True)
