"""A store with a day in it, the console on it, and ways to look at it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.console.serve import serve
from gateway.settings import Settings
from store import migrate
from store.engine import Store
from tests.console.console_day import Clock, Day


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
async def browser(stranger: httpx.AsyncClient, door: Door) -> httpx.AsyncClient:
    """A browser that came in by token."""
    answer = await stranger.post("/enter", data={"token": door.issue()})
    assert answer.status_code == 303
    return stranger


@pytest.fixture
async def link(store: Store, settings: Settings, door: Door) -> AsyncIterator[str]:
    """A served console: the one-time link that its start prints."""
    said: asyncio.Queue[str] = asyncio.Queue()
    serving = asyncio.create_task(serve(store, settings, said.put_nowait, door))
    try:
        yield next(word for word in (await said.get()).split() if word.startswith("http"))
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving
