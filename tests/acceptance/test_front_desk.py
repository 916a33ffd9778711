"""A clinic's first morning, as people do it in a browser: from the printed link to the history.

The gateway and the town run as a clinic runs them; what the history says is compared with the town's ledger.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pyotp
import pytest
from playwright.async_api import Page, async_playwright, expect

from gateway import settings
from gateway.asterisk.provision import provision
from gateway.demo.clinic import Household, people, visits, write_csv
from gateway.demo.rehearsal import Plan, Rehearsal, rehearsal
from gateway.town.ledger import read_ledger
from tests.acceptance.world import until
from tests.console.chromium import CHROMIUM, FLAGS

FIFTY = (
    Household(10, "voice", voice=0),
    Household(24, "text"),
    Household(12, "email"),
    Household(4, "text", consent=False),
)
PASSWORD = "harbor street at noon"
# Three minutes, at 9 seconds for each click, field and file.
MOST_STEPS = 20
WAIT = 60_000
pytestmark = pytest.mark.timeout(300)


@dataclass
class Person:
    """Somebody at the front desk: every click, choice and field is a step."""

    page: Page
    steps: list[str] = field(default_factory=list)

    async def click(self, target: str) -> None:
        """Click on something."""
        self.steps.append(f"click {target}")
        await self.page.click(target)

    async def fill(self, target: str, words: str) -> None:
        """Type into a field."""
        self.steps.append(f"fill {target}")
        await self.page.fill(target, words)

    async def choose_file(self, target: str, file: Path) -> None:
        """Choose a file."""
        self.steps.append(f"file {target}")
        await self.page.set_input_files(target, file)

    async def bring_in(self, kind: str, file: Path, count: int) -> None:
        """Import a file, from the page that offers it."""
        await self.choose_file("#file", file)
        await self.click("#upload")
        await expect(self.page.locator("#good")).to_contain_text(str(count), timeout=WAIT)
        await self.click("#go")
        await expect(self.page.locator("#taken")).to_contain_text(str(count), timeout=WAIT)


@asynccontextmanager
async def _clinic(folder: Path) -> AsyncIterator[tuple[Rehearsal, Page]]:
    """A gateway that was started for the first time, and a browser."""
    await asyncio.to_thread(provision, settings.cache_folder(), lambda step, count: None)
    async with rehearsal(folder, Plan(FIFTY, console=True)) as held, async_playwright() as playwright:
        await held.start_daemon()
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        page = await browser.new_page(viewport={"width": 1280, "height": 800})
        page.set_default_timeout(WAIT)
        yield held, page
        await browser.close()


async def _link(held: Rehearsal) -> str:
    """What the first start prints."""
    await until(lambda: held.announced.exists() and "http" in held.announced.read_text())
    return next(word for word in held.announced.read_text().split() if word.startswith("http"))


async def _first_administrator(page: Page, link: str) -> None:
    await page.goto(link)
    await page.fill("#name", "Ada Brown")
    await page.fill("#login", "ada")
    await page.fill("#password", PASSWORD)
    await page.fill("#again", PASSWORD)
    await page.click("#open")
    secret = await page.locator("code.secret").inner_text()
    await page.fill("#code", pyotp.TOTP(secret).now())
    await page.click("#open")
    await page.click("#go-on")
    await expect(page.locator("h1")).to_have_text("Today")


async def test_reminders_of_fifty_appointments_from_the_first_link_to_the_history(tmp_path: Path) -> None:
    made = people(FIFTY, 1)
    async with _clinic(tmp_path) as (held, page):
        zone = ZoneInfo(held.settings.clinic.zone)
        clients, appointments = tmp_path / "our clients.csv", tmp_path / "appointments.csv"
        write_csv(clients, [client for client, _ in made])
        booked = visits(made, datetime.now(UTC).astimezone(zone))
        write_csv(appointments, booked)
        await _first_administrator(page, await _link(held))

        desk, began = Person(page), time.monotonic()
        await desk.click("#nav-clients")
        await desk.click("#import")
        await desk.click("#k-clients")
        await desk.bring_in("clients", clients, len(made))
        await desk.click("#next")
        await desk.bring_in("appointments", appointments, len(booked))
        await desk.click("#next")
        await expect(page.locator("h1")).to_have_text("Messaging")
        await desk.fill("#at_time", f"{datetime.now(zone):%H:%M}")
        await expect(page.locator("#who strong")).to_contain_text("46")
        await page.screenshot(path=tmp_path / "messaging.png", full_page=True)
        await desk.click("#send")
        await expect(page.locator("main")).to_contain_text("46")
        await page.screenshot(path=tmp_path / "confirm.png", full_page=True)
        await desk.click("#send-now")
        took = time.monotonic() - began
        print(f"{len(desk.steps)} steps in {took:.0f} s: {', '.join(desk.steps)}")
        assert len(desk.steps) <= MOST_STEPS

        # Mail systems tell only what does not arrive.
        for state, count in (("reached", 34), ("accepted", 12), ("unsent", 4)):
            await _until_listed(page, state, count)
        await expect(page.locator("tbody")).to_contain_text("Consent was withdrawn")
        await page.screenshot(path=tmp_path / "history.png", full_page=True)
        seen = Counter(entry.kind for entry in read_ledger(held.ledger))
        assert seen == {"call": 10, "text": 24, "mail": 12}


async def _until_listed(page: Page, state: str, count: int) -> None:
    """Ask the history again until it lists so many messages in this state, and no more."""
    await page.click("#nav-history")
    await page.select_option("#f-state", state)
    async with asyncio.timeout(120):
        while True:
            await page.click("#f-show")
            await page.wait_for_load_state()
            if await page.locator("tbody tr").count() == count:
                return
            await asyncio.sleep(1)
