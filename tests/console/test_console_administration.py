"""The administrator's pages in a real browser: settings while one types, lines and doctor while one looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import pytest
from playwright.async_api import Browser, Page, expect

from gateway.console.door import Door, Purpose, entrance
from gateway.console.running import Running
from gateway.console.serve import serve
from gateway.domain import Line, LineKind, LineLook, LineState
from gateway.settings import Settings
from store import switches
from store.engine import Store
from tests.console.console_day import CLINIC, Clock
from tests.console.test_console_lines import Gateway


@pytest.fixture
def gateway() -> Gateway:
    up = LineLook("smsc.example.org:2775", LineState.UP, "", 3, 10, 20.0)
    return Gateway([Line(LineKind.BIND, "main", up)])


@pytest.fixture
async def page(
    chromium: Browser, store: Store, settings: Settings, door: Door, administrator: int, gateway: Gateway
) -> AsyncIterator[Page]:
    """A browser of the administrator at a served console of that gateway, which complains of nothing."""
    said: asyncio.Queue[str] = asyncio.Queue()
    running = Running(gateway.look, gateway.examine, gateway.test)
    serving = asyncio.create_task(serve(store, settings, said.put_nowait, door, running=running))
    url = (await said.get()).split()[1]
    complaints: list[str] = []
    context = await chromium.new_context(base_url=url)
    opened = await context.new_page()
    opened.on("console", lambda one: complaints.append(one.text) if one.type == "error" else None)
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    await opened.goto(entrance(url, await asyncio.to_thread(door.issue, Purpose.ENTER, administrator)))
    await opened.click("#open")
    await expect(opened.locator("h1")).to_have_text("Today")
    yield opened
    await context.close()
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    # The browser tells of each refusal, also of those that the page explains.
    assert [one for one in complaints if "400 (Bad Request)" not in one] == []


async def test_the_table_of_settings_follows_what_is_typed(page: Page) -> None:
    await page.goto("/settings")
    await expect(page.locator("#word")).to_be_focused()
    name, store = page.get_by_role("link", name="clinic.name"), page.get_by_role("link", name="store.url")
    await expect(store).to_be_visible()
    await page.keyboard.type("Messaging")
    await expect(name).to_be_visible()
    await expect(store).to_be_hidden()
    await page.keyboard.type("zzz")
    await expect(page.locator("#none")).to_be_visible()
    await page.fill("#word", "HIPAA")
    await expect(page.locator("#none")).to_be_hidden()
    await page.reload()
    await expect(page.locator("#word")).to_have_value("HIPAA")
    await expect(name).to_be_hidden()


async def test_a_setting_is_changed_by_keyboard_alone(page: Page) -> None:
    await page.goto("/settings?word=policy.caps.a_day")
    await page.get_by_role("link", name="policy.caps.a_day", exact=True).press("Enter")
    await page.fill("#value", "many")
    await page.press("#value", "Enter")
    await expect(page.locator("#wrong")).to_contain_text("many")
    await page.fill("#value", "2")
    await page.fill("#note", "complaints")
    await page.press("#note", "Enter")
    await expect(page.locator(".done")).to_be_visible()
    await expect(page.locator("#value-now")).to_have_text("2")


async def test_an_open_page_of_lines_is_live(
    page: Page, gateway: Gateway, store: Store, clock: Clock
) -> None:
    await page.goto("/lines")
    state = page.locator("#bind-main-state")
    await expect(state).to_have_text("Up")
    down = LineLook("smsc.example.org:2775", LineState.DOWN, "the SMSC hung up", 0, 10)
    gateway.lines[0] = Line(LineKind.BIND, "main", down)
    await expect(state).to_have_text("Down")
    await expect(state).to_have_class("chip bad")
    await expect(page.locator("#bind-main-trouble")).to_have_text("the SMSC hung up")
    # Somebody else switches it off meanwhile.
    args = LineKind.BIND, "main", "invoices", "Ben", clock()
    await store.run(switches.turn_off, CLINIC, *args)
    await expect(page.locator("#bind-main-on")).to_be_visible()
    await page.press("#bind-main-on", "Enter")
    await expect(page.locator("#bind-main-open")).to_be_visible()


async def test_the_doctor_tells_when_it_is_done(page: Page, gateway: Gateway) -> None:
    await page.goto("/doctor")
    await page.click("#examine")
    await expect(page.locator("#progress")).to_have_attribute("value", "1")
    gateway.go.set()
    await expect(page.locator("#ill")).to_have_text("One thing needs care")
