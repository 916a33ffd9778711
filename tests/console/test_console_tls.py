"""The console from other machines: TLS of its own, or behind a proxy."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import ValidationError

from gateway.console.door import Door, Purpose
from gateway.console.serve import ConsoleError, serve
from gateway.settings import Settings
from gateway.settings.house import ConsoleSettings
from store import sessions
from store.engine import Store
from tests.channels.relay_peer import certificate
from tests.console.conftest import served
from tests.console.console_day import CLINIC


def _with(settings: Settings, **console: Any) -> Settings:
    changed = ConsoleSettings(**{"port": 0, **console})
    return settings.model_copy(update={"console": changed})


@asynccontextmanager
async def _up(store: Store, settings: Settings, door: Door) -> AsyncIterator[str]:
    """A console that listens; its address."""
    serving, url = await served(store, settings, door)
    try:
        yield url
    finally:
        serving.cancel()
        with suppress(asyncio.CancelledError):
            await serving


@pytest.fixture
async def pem(tmp_path: Path) -> Path:
    """A certificate for this machine, with its key in the same file."""
    return await asyncio.to_thread(certificate, tmp_path, "DNS:localhost,IP:127.0.0.1")


async def test_with_a_certificate_the_console_speaks_tls_and_says_to_stay_with_it(
    store: Store, settings: Settings, door: Door, pem: Path, administrator: int
) -> None:
    # Below the instance folder.
    wanted = _with(settings, certificate=pem.name, key=pem.name)
    async with _up(store, wanted, door) as url:
        assert url.startswith("https://127.0.0.1:")
        trust = ssl.create_default_context(cafile=str(pem))
        async with httpx.AsyncClient(base_url=url, verify=trust) as client:
            answer = await client.post("/enter", data={"token": door.issue(Purpose.ENTER, administrator)})
            assert answer.headers["strict-transport-security"] == "max-age=31536000"
            assert all("Secure" in one for one in answer.headers.get_list("set-cookie"))
            assert (await client.get("/")).status_code == 200


async def test_a_certificate_that_cannot_be_read_is_told_with_its_setting(
    store: Store, settings: Settings, door: Door, tmp_path: Path
) -> None:
    with pytest.raises(ConsoleError, match=r"console\.certificate"):
        await serve(store, _with(settings, certificate="none.pem", key="none.key"), print, door)
    (tmp_path / "text.pem").write_text("no certificate")
    with pytest.raises(ConsoleError, match=r"console\.certificate"):
        await serve(store, _with(settings, certificate="text.pem", key="text.pem"), print, door)


def test_a_certificate_without_its_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="go together"):
        ConsoleSettings(certificate="console.pem")


async def _sources(store: Store) -> set[str]:
    found: list[set[str]] = []

    def judge(past: Any) -> None:
        found.append({one.source for one in past})

    now = store.clock()
    wanted = sessions.Try("x", "x", "", now)
    await store.run(sessions.begin_try, CLINIC, wanted, now.replace(year=2020), judge)
    return found[0]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@pytest.mark.parametrize(("trusted", "source"), [(("127.0.0.1",), "203.0.113.9"), ((), "127.0.0.1")])
async def test_where_a_request_came_from_is_believed_of_known_proxies_alone(
    store: Store, settings: Settings, door: Door, administrator: int, trusted: tuple[str, ...], source: str
) -> None:
    port, name = _free_port(), "ringwell.clinic.example"
    wanted = _with(settings, port=port, url=f"https://{name}", proxies=trusted)
    told = {"Host": name, "X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}
    async with (
        _up(store, wanted, door) as url,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=told) as client,
    ):
        assert url == f"https://{name}"
        assert (await client.post("/sign-in", data={"login": "ada", "password": "wrong"})).status_code == 401
        assert await _sources(store) == {source}
        answer = await client.post("/enter", data={"token": door.issue(Purpose.ENTER, administrator)})
        assert all(("Secure" in one) == bool(trusted) for one in answer.headers.get_list("set-cookie"))
        other = await client.get("/sign-in", headers={"Host": "evil.example"})
        assert other.status_code == 421
