"""Prompts in the console: made, uploaded, heard, drawn, made active, rolled back, named, asked for."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from playwright.async_api import async_playwright, expect

from gateway.console.pages import prompts as page
from gateway.domain import MessageType, RecipientKind
from gateway.settings import Settings
from gateway.studio import pins as secrets
from store import audit, pins, prompts, register, templates
from store.audit import Wanted
from store.engine import Store
from store.people import Person
from tests.console.chromium import CHROMIUM, FLAGS
from tests.console.console_day import CLINIC
from tests.studio.world import spoken


@pytest.fixture
async def greeting(browser: httpx.AsyncClient) -> int:
    """A prompt without a recording."""
    made = await browser.post("/prompts/new", data={"name": "greeting", "title": "The <greeting>"})
    assert made.headers["location"] == "/prompts/1?done=added"
    return 1


def _octets(file: Path) -> bytes:
    return file.read_bytes()


async def _upload(
    browser: httpx.AsyncClient, file: Path | bytes, number: int = 1, **more: str
) -> httpx.Response:
    octets = file if isinstance(file, bytes) else _octets(file)
    data = {"language": "en", **more}
    return await browser.post(
        f"/prompts/{number}/upload", data=data, files={"file": ("../../evil.wav", octets)}
    )


async def _active(store: Store) -> list[int]:
    return [one.id for one in await store.read(prompts.versions, CLINIC) if one.active]


async def test_an_upload_is_played_heard_and_drawn(
    browser: httpx.AsyncClient, greeting: int, store: Store, tmp_path: Path
) -> None:
    done = await _upload(browser, spoken(tmp_path / "s.wav", 2), label="winter")
    assert done.headers["location"] == "/prompts/1?done=kept"
    (version,) = await store.read(prompts.versions, CLINIC)
    assert (version.active, version.label, version.take.author) == (True, "winter", "Ada Administrator")
    shown = (await browser.get("/prompts/1")).text
    assert "The &lt;greeting&gt;" in shown
    assert "winter" in shown
    heard = await browser.get("/prompts/versions/1/sound.wav", headers={"Range": "bytes=0-3"})
    assert (heard.status_code, heard.content) == (206, b"RIFF")
    drawn = await browser.get("/prompts/versions/1/outline.svg")
    assert drawn.headers["content-type"].startswith("image/svg+xml")
    assert drawn.text.count("M") > 100
    lines = await store.read(audit.lines, CLINIC, Wanted(), 10)
    assert ("prompt-uploaded", "prompt:1") in [(line.action, line.about) for line in lines]


async def test_one_with_something_wrong_waits_until_somebody_plays_it(
    browser: httpx.AsyncClient, greeting: int, store: Store, tmp_path: Path
) -> None:
    await _upload(browser, spoken(tmp_path / "a.wav", 2))
    short = await _upload(browser, spoken(tmp_path / "b.wav", 0.3))
    assert short.headers["location"] == "/prompts/1?done=draft"
    assert await _active(store) == [1]
    assert "Very short" in (await browser.get("/prompts/1")).text
    assert "One draft waits" in (await browser.get("/prompts")).text
    await browser.post("/prompts/versions/2/activate")
    assert await _active(store) == [2]
    await browser.post("/prompts/versions/1/activate")
    assert await _active(store) == [1]


async def test_a_draft_is_thrown_away_and_what_was_kept_is_not(
    browser: httpx.AsyncClient, greeting: int, store: Store, tmp_path: Path
) -> None:
    await _upload(browser, spoken(tmp_path / "a.wav", 2))
    await _upload(browser, spoken(tmp_path / "b.wav", 2), draft="1")
    for number in (1, 2):
        await browser.post(f"/prompts/versions/{number}/discard")
    assert [one.id for one in await store.read(prompts.versions, CLINIC)] == [1]
    assert (await browser.get("/prompts/versions/2/sound.wav")).status_code == 404


@pytest.mark.parametrize(("octets", "told"), [(b"no sound", "recording"), (b"", "recording")])
async def test_what_is_no_recording_is_told(
    browser: httpx.AsyncClient, greeting: int, octets: bytes, told: str, store: Store
) -> None:
    answer = await _upload(browser, octets)
    assert answer.status_code == 400
    assert told in answer.text
    assert "evil" not in answer.text
    assert await store.read(prompts.versions, CLINIC) == []


async def test_a_version_gets_a_name_and_the_prompt_another_title(
    browser: httpx.AsyncClient, greeting: int, store: Store, tmp_path: Path
) -> None:
    await _upload(browser, spoken(tmp_path / "a.wav", 2))
    await browser.post("/prompts/versions/1/name", data={"label": "summer hours"})
    await browser.post("/prompts/1", data={"title": "Welcome", "wording": "Hello."})
    (version,) = await store.read(prompts.versions, CLINIC)
    assert version.label == "summer hours"
    entry = await store.read(prompts.numbered, CLINIC, 1)
    assert entry is not None
    assert (entry.title, entry.wording) == ("Welcome", "Hello.")


@pytest.mark.parametrize(
    ("name", "told"), [("two words", "is no name of a prompt"), ("greeting", "of this name already")]
)
async def test_a_name_that_cannot_be_is_told_and_kept(
    browser: httpx.AsyncClient, greeting: int, name: str, told: str
) -> None:
    answer = await browser.post("/prompts/new", data={"name": name})
    assert (answer.status_code, told in answer.text) == (400, True)
    assert f'value="{name}"' in answer.text


async def test_where_it_is_used_is_told(browser: httpx.AsyncClient, greeting: int, store: Store) -> None:
    texts = {"voice": {"person": "[prompt:greeting] You have a visit.", "machine": "Bye."}}
    args = "Reminders", MessageType.UPCOMING_APPOINTMENTS, texts, "ada", store.clock()
    await store.run(templates.save, CLINIC, *args)
    for path in ("/prompts", "/prompts/1"):
        assert "Reminders" in (await browser.get(path)).text


async def test_a_member_of_staff_is_asked_to_record(
    browser: httpx.AsyncClient, greeting: int, store: Store
) -> None:
    now = store.clock()
    sam = Person(RecipientKind.STAFF, "s1", "Sam", "Ito", "en")
    number = await store.run(register.save_person, CLINIC, sam, now)
    assert "ask-staff" not in (await browser.get("/prompts/1")).text
    await store.run(pins.set_pin, CLINIC, number, "101", secrets.hashed("482913", 6), now)
    asked = await browser.post("/prompts/1/ask", data={"staff": str(number), "language": "es"})
    assert asked.headers["location"] == "/prompts/1?done=asked"
    (task,) = await store.read(prompts.tasks_of, CLINIC, number)
    assert (task.prompt.name, task.language) == ("greeting", "es")
    assert (await browser.post("/prompts/1/ask", data={"staff": "999"})).status_code == 400


async def test_without_a_line_to_the_clinics_telephones_nobody_is_called(
    browser: httpx.AsyncClient, greeting: int, tmp_path: Path
) -> None:
    await _upload(browser, spoken(tmp_path / "a.wav", 2))
    for path in ("/prompts/1/call", "/prompts/versions/1/call"):
        answer = await browser.post(path, data={"extension": "201"})
        assert (answer.status_code, "[staff_line]" in answer.text) == (400, True)


async def test_the_telephone_that_is_named_is_called(
    browser: httpx.AsyncClient, greeting: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[str, int]] = []

    async def play(settings: Settings, extension: str, version: prompts.Version) -> None:
        called.append((extension, version.id))

    async def record(settings: Settings, extension: str) -> None:
        called.append((extension, 0))

    monkeypatch.setattr(page.telephone, "play", play)
    monkeypatch.setattr(page.telephone, "record", record)
    await _upload(browser, spoken(tmp_path / "a.wav", 2))
    played = await browser.post("/prompts/versions/1/call", data={"extension": " 201 "})
    assert played.headers["location"] == "/prompts/1?done=played"
    await browser.post("/prompts/1/call", data={"extension": "202"})
    assert called == [("201", 1), ("202", 0)]


async def test_only_where_users_record_may_the_microphone_be_asked_for(
    browser: httpx.AsyncClient, greeting: int
) -> None:
    assert "microphone=(self)" in (await browser.get("/prompts/1")).headers["permissions-policy"]
    assert "microphone=()" in (await browser.get("/prompts")).headers["permissions-policy"]


async def test_what_is_not_there_is_not_found(browser: httpx.AsyncClient) -> None:
    for path in ("/prompts/9", "/prompts/versions/9/sound.wav", "/prompts/versions/9/outline.svg"):
        assert (await browser.get(path)).status_code == 404, path
    assert (await browser.post("/prompts/versions/9/activate")).status_code == 404


async def test_a_user_records_in_the_browser(link: str, store: Store, tmp_path: Path) -> None:
    await store.run(prompts.define, CLINIC, "greeting", "Greeting", "Hello.", store.clock())
    heard = f"--use-file-for-fake-audio-capture={spoken(tmp_path / 'heard.wav', 4)}"
    flags = [*FLAGS, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream", heard]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        context = await browser.new_context(permissions=["microphone"])
        page = await context.new_page()
        complaints: list[str] = []
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        await page.goto(link)
        await page.click("#open")
        await page.click("#nav-prompts")
        await page.click("#p1")
        await page.select_option("#record-language", "es")
        await page.click("#record")
        await expect(page.locator("#clock")).to_have_text("2 s", timeout=20_000)
        await page.click("#stop")
        await expect(page.locator("p.done")).to_contain_text("draft", timeout=20_000)
        await expect(page.locator("#v1 .chip").first).to_have_text("Draft")
        await browser.close()
    (version,) = await store.read(prompts.versions, CLINIC)
    assert (version.language, version.state, version.take.source) == ("es", prompts.DRAFT, prompts.UPLOAD)
    assert complaints == []
