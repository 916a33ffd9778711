"""Live pages over a real server: who may listen, what is told, how it ends."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from gateway.console.door import Door, Purpose, entrance
from gateway.console.hub import Hub, Snapshot
from gateway.console.serve import ConsoleError, serve
from gateway.domain import Channel, State
from gateway.settings import Settings
from store.engine import Store, StoreAwayError
from tests.console.conftest import served
from tests.console.console_day import Clock, Day, busy_day


async def _enter(link: str) -> tuple[str, str]:
    """(address of the live socket, cookie) after coming in by the printed link."""
    parts = urlsplit(link)
    token = parse_qs(parts.query)["token"][0]
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"http://{parts.netloc}/enter", data={"token": token})
    assert answer.status_code == 303
    return f"ws://{parts.netloc}/live", answer.headers["set-cookie"].split(";")[0]


def _open(url: str, cookie: str, origin: str | None = None) -> connect:
    own = "http://" + urlsplit(url).netloc
    return connect(url, additional_headers={"Cookie": cookie, "Origin": origin or own}, open_timeout=10)


async def _until(socket: ClientConnection, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    async with asyncio.timeout(60):
        while True:
            told: dict[str, Any] = json.loads(await socket.recv())
            if wanted(told):
                return told


async def _closed(url: str, cookie: str, origin: str | None = None) -> int | None:
    async with _open(url, cookie, origin) as listening:
        with pytest.raises(ConnectionClosed) as closed:
            async with asyncio.timeout(60):
                await listening.recv()
    return closed.value.rcvd.code if closed.value.rcvd else None


async def test_a_listener_is_told_everything_then_only_what_changes(link: str, day: Day) -> None:
    made = await busy_day(day)
    url, cookie = await _enter(link)
    async with _open(url, cookie) as listening:
        first = await _until(listening, lambda told: "cells" in told)
        assert first["cells"]["t-reached"] == "12"
        await day.settle(made["sending"][:1], State.DELIVERED, "delivered", "confirmed")
        then = await _until(listening, lambda told: "t-reached" in told["cells"])
    assert then["cells"]["t-reached"] == "13"
    assert then["cells"]["b1-progress"] == "2"
    assert "t-accepted" not in then["cells"]


async def test_a_new_broadcast_changes_the_shape(link: str, day: Day) -> None:
    await day.broadcast("One", Channel.SMS, 1)
    url, cookie = await _enter(link)
    async with _open(url, cookie) as listening:
        first = await _until(listening, lambda told: True)
        await day.broadcast("Two", Channel.SMS, 1)
        await _until(listening, lambda told: told["shape"] != first["shape"])


async def test_a_foreign_page_may_not_listen(link: str) -> None:
    url, cookie = await _enter(link)
    assert await _closed(url, cookie, "http://evil.example") == 1008


async def test_a_stranger_may_not_listen(link: str) -> None:
    url, _ = await _enter(link)
    assert await _closed(url, "ringwell=guess") == 1008


async def test_an_open_page_is_let_go_when_its_session_is_over(link: str, clock: Clock, day: Day) -> None:
    url, cookie = await _enter(link)
    async with _open(url, cookie) as listening:
        await _until(listening, lambda told: True)
        clock.move(minutes=16)
        await day.broadcast("After", Channel.SMS, 1)
        with pytest.raises(ConnectionClosed) as closed:
            await _until(listening, lambda told: False)
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1008


async def test_stopping_closes_listeners_first_and_is_quick(
    store: Store, settings: Settings, door: Door, administrator: int
) -> None:
    serving, address = await served(store, settings, door)
    link = entrance(address, door.issue(Purpose.ENTER, administrator))
    url, cookie = await _enter(link)
    async with _open(url, cookie) as listening:
        await _until(listening, lambda told: True)
        serving.cancel()
        async with asyncio.timeout(60):
            with pytest.raises(asyncio.CancelledError):
                await serving
        with pytest.raises(ConnectionClosed) as closed:
            await listening.recv()
    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1001
    port = urlsplit(url).port
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection("127.0.0.1", port)


async def test_a_port_in_use_is_told_with_its_setting(store: Store, settings: Settings, door: Door) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        console = settings.console.model_copy(update={"port": taken.getsockname()[1]})
        with pytest.raises(ConsoleError, match=r"console\.port"):
            await serve(store, settings.model_copy(update={"console": console}), print, door)


async def test_the_running_console_can_be_found_by_another_process(link: str, door: Door) -> None:
    address = door.address()
    assert address is not None
    assert link.startswith(f"{address}/enter?token=")


class _Looks:
    """A source of snapshots that counts, and that can be away."""

    def __init__(self) -> None:
        self.count = 0
        self.away = False
        self.looked = asyncio.Event()

    async def __call__(self) -> Snapshot:
        self.looked.set()
        if self.away:
            raise StoreAwayError("the database is away: test")
        self.count += 1
        return Snapshot("shape", {"a": str(self.count), "b": "same"})


@pytest.fixture
async def looks() -> _Looks:
    return _Looks()


async def _run(hub: Hub) -> asyncio.Task[None]:
    return asyncio.create_task(hub.run())


async def test_nobody_watching_costs_no_look_at_the_store(looks: _Looks) -> None:
    hub = Hub(looks, 0.001)
    running = await _run(hub)
    watcher = hub.join()
    await watcher.texts.get()
    hub.leave(watcher)
    before = looks.count
    for _ in range(50):
        await asyncio.sleep(0)
    looks.looked.clear()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(looks.looked.wait(), 0.1)
    assert looks.count <= before + 1
    running.cancel()


async def test_all_watchers_are_told_the_same_text(looks: _Looks) -> None:
    hub = Hub(looks, 0.001)
    watchers = [hub.join(), hub.join()]
    running = await _run(hub)
    texts = [[await watcher.texts.get() for _ in range(3)] for watcher in watchers]
    running.cancel()
    assert texts[0] == texts[1]
    assert json.loads(texts[0][0] or "")["cells"] == {"a": "1", "b": "same"}
    assert json.loads(texts[0][1] or "")["cells"] == {"a": "2"}


async def test_a_watcher_that_does_not_listen_is_dropped_and_the_others_go_on(looks: _Looks) -> None:
    hub = Hub(looks, 0.001)
    slow, quick = hub.join(), hub.join()
    running = await _run(hub)
    async with asyncio.timeout(60):
        while not slow.dropped:
            assert await quick.texts.get()
        for _ in range(20):
            assert await quick.texts.get()
    running.cancel()
    left = [slow.texts.get_nowait() for _ in range(slow.texts.qsize())]
    assert left[-1] is None


async def test_a_lost_store_is_told_once_and_then_everything_again(
    looks: _Looks, caplog: pytest.LogCaptureFixture
) -> None:
    hub = Hub(looks, 0.001)
    watcher = hub.join()
    running = await _run(hub)
    assert await watcher.texts.get()
    looks.away = True
    async with asyncio.timeout(60):
        while json.loads(await watcher.texts.get() or "") != {"away": True}:
            pass
        for _ in range(5):
            looks.looked.clear()
            await looks.looked.wait()
    assert watcher.texts.empty()
    looks.away = False
    back = json.loads(await watcher.texts.get() or "")
    running.cancel()
    assert set(back["cells"]) == {"a", "b"}
    assert caplog.text.count("the database is away") == 1


async def test_who_comes_after_the_end_is_let_go_at_once(looks: _Looks) -> None:
    hub = Hub(looks)
    hub.close()
    assert hub.join().texts.get_nowait() is None
