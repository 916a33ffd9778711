"""A store with a day in it, the console on it, and ways to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, async_playwright

from gateway.accounts.making import make_first
from gateway.console.access import csrf_token
from gateway.console.app import create_app
from gateway.console.door import Door, Purpose, entrance
from gateway.console.serve import serve
from gateway.settings import Settings
from store import migrate
from store.engine import Store
from tests.console.chromium import CHROMIUM, FLAGS
from tests.console.console_day import CLINIC, Clock, Day


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        instance=tmp_path,
        clinic={"name": "Riverside Family Practice", "zone": "America/New_York"},
        console={"port": 0},
    )


@pytest.fixture
async def store(settings: Settings, clock: Clock) -> AsyncIterator[Store]:
    async with Store(settings.store_url, clock) as opened:
        await migrate.upgrade(opened)
        yield opened


@pytest.fixture
def day(store: Store, clock: Clock) -> Day:
    return Day(store, clock)


@pytest.fixture
def door(tmp_path: Path, clock: Clock) -> Door:
    return Door(tmp_path / "console", clock)


@pytest.fixture
async def stranger(store: Store, settings: Settings, door: Door) -> AsyncIterator[httpx.AsyncClient]:
    """A browser without a session, wired to the application itself."""
    transport = httpx.ASGITransport(create_app(store, settings, door))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8480") as client:
        yield client


@pytest.fixture
async def administrator(store: Store, clock: Clock) -> int:
    """The number of the first user, who may do everything."""
    number = await store.run(make_first, CLINIC, "ada", "Ada Administrator", "en", clock())
    assert number is not None
    return number


@pytest.fixture
async def browser(stranger: httpx.AsyncClient, door: Door, administrator: int) -> httpx.AsyncClient:
    """A browser that came in by a link of the administrator's."""
    return await come_in(stranger, door, administrator)


async def come_in(client: httpx.AsyncClient, door: Door, user: int) -> httpx.AsyncClient:
    """The client, signed in as this user; what it sends carries the token of its forms."""
    answer = await client.post("/enter", data={"token": door.issue(Purpose.ENTER, user)})
    assert answer.status_code == 303, answer.text
    secret = next(cookie.value for cookie in client.cookies.jar if not cookie.name.endswith("-known"))
    client.headers["X-CSRF-Token"] = csrf_token(secret or "")
    return client


@pytest.fixture
async def link(store: Store, settings: Settings, door: Door, administrator: int) -> AsyncIterator[str]:
    """A served console: a link that opens it for the administrator."""
    serving, url = await served(store, settings, door)
    try:
        yield entrance(url, await asyncio.to_thread(door.issue, Purpose.ENTER, administrator))
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


async def served(store: Store, settings: Settings, door: Door) -> tuple[asyncio.Task[None], str]:
    """A console that listens: its task, and its address."""
    said: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve(store, settings, said.put_nowait, door))
    return serving, (await said.get()).split()[1]


@pytest.fixture
async def chromium() -> AsyncIterator[Browser]:
    """A browser that is started for one test."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        await browser.close()
