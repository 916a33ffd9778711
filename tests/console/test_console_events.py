"""The stream of changes over a real server, and the same by command line."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from gateway.console.door import Door, Purpose, entrance
from gateway.domain import Channel, State
from gateway.settings import Settings
from store import changes
from store.engine import Store
from tests.console.conftest import served
from tests.console.console_day import CLINIC, Day


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(
        instance=tmp_path,
        clinic={"name": "Riverside Family Practice", "zone": "America/New_York"},
        console={"port": 0},
        events={"enabled": True},
    )


@pytest.fixture(autouse=True)
async def written_down(store: Store) -> None:
    await store.run(changes.write_down, True)


@asynccontextmanager
async def _came_in(link: str) -> AsyncIterator[httpx.AsyncClient]:
    """A browser with a session, over sockets."""
    parts = urlsplit(link)
    async with httpx.AsyncClient(base_url=f"http://{parts.netloc}", timeout=10) as client:
        answer = await client.post("/enter", data={"token": parse_qs(parts.query)["token"][0]})
        assert answer.status_code == 303
        yield client


@pytest.fixture
async def inside(link: str) -> AsyncIterator[httpx.AsyncClient]:
    async with _came_in(link) as client:
        yield client


@asynccontextmanager
async def stream(
    inside: httpx.AsyncClient, path: str = "/api/events", **headers: str
) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    async with asyncio.timeout(60), inside.stream("GET", path, headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield _told(answer)


async def _told(answer: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    id = ""
    async for line in answer.aiter_lines():
        name, _, value = line.partition(": ")
        if name == "id":
            id = value
        elif name == "data":
            told = json.loads(value)
            assert told["id"] == id
            yield told


async def test_a_program_hears_each_change_and_goes_on_after_the_last_it_saw(
    inside: httpx.AsyncClient, day: Day
) -> None:
    await day.broadcast("Earlier", Channel.VOICE, 2)
    async with stream(inside) as told:
        _, (number,) = await day.broadcast("Tuesday appointments", Channel.VOICE, 1)
        added = await anext(told)
    assert (added["message"], added["state"], added["channel"]) == (number, "scheduled", "voice")
    await day.start(Channel.VOICE)
    await day.settle([number], State.DELIVERED, "delivered", "confirmed")
    async with stream(inside, **{"Last-Event-ID": added["id"]}) as told:
        seen = [await anext(told) for _ in range(4)]
    ours = [one for one in seen if one["message"] == number]
    assert [one["state"] for one in ours] == ["sending", "delivered"]
    assert ours[-1]["cause"] == "confirmed"
    assert "address" not in added
    async with stream(inside, "/api/events?after=0-0") as told:
        first = [await anext(told) for _ in range(3)]
    assert [one["id"] for one in first][-1] == added["id"]


async def test_a_position_that_is_none_is_refused(inside: httpx.AsyncClient) -> None:
    answer = await inside.get("/api/events?after=yesterday")
    assert (answer.status_code, answer.json()["detail"]) == (400, "after: no id of a change")


async def test_an_open_stream_ends_properly_when_the_console_stops(
    store: Store, settings: Settings, day: Day, door: Door, administrator: int
) -> None:
    await day.broadcast("Tuesday appointments", Channel.VOICE, 1)
    serving, address = await served(store, settings, door)
    link = entrance(address, door.issue(Purpose.ENTER, administrator))
    async with _came_in(link) as client, stream(client, "/api/events?after=0-0") as told:
        await anext(told)
        serving.cancel()
        assert [one async for one in told] == [], "the answer is whole: no error of the connection"
    with suppress(asyncio.CancelledError):
        await serving


async def test_the_command_line_prints_the_same_and_follows(day: Day, store: Store, tmp_path: Path) -> None:
    await day.broadcast("Tuesday appointments", Channel.VOICE, 2)
    command = [sys.executable, "-m", "gateway", "events"]
    own = {"RINGWELL_INSTANCE": str(tmp_path), "RINGWELL_CACHE": str(tmp_path / "cache")}
    env = os.environ | own | {"RINGWELL_EVENTS__ENABLED": "true"}

    async def says(*words: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(*command, *words, env=env, stdout=pipe, stderr=pipe)

    told, trouble = await (await says()).communicate()
    assert trouble == b""
    lines = [json.loads(line) for line in told.splitlines()]
    assert [(one["state"], one["channel"]) for one in lines] == [("scheduled", "voice")] * 2
    following = await says("--follow", "--after", lines[-1]["id"])
    assert following.stdout is not None
    await day.start(Channel.VOICE)
    async with asyncio.timeout(60):
        line = json.loads(await following.stdout.readline())
    assert line["state"] == "sending"
    following.terminate()
    await following.wait()
    _, wrong = await (await says("--after", "x")).communicate()
    assert b"'x' is no id of a change" in wrong
    assert await store.read(changes.newest, CLINIC)
