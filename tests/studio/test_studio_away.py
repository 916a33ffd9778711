"""The studio goes away in the middle of a recording; strangers knock at its door."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk.agi import agi_address
from gateway.town.town import Town
from tests.exchange import until
from tests.studio.world import World, clinic, enter, record, spoken, studio, versions_of

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("away")
    async with Town(folder / "town") as town, clinic(folder / "clinic", town, calls=2) as made:
        yield made


def _recording(world: World) -> bool:
    """Whether the exchange is writing somebody's words down."""
    return any(file.stat().st_size > 16_000 for file in (world.settings.folder / "studio").glob("*.wav"))


async def test_what_is_being_recorded_when_the_gateway_stops_waits_as_a_draft(
    world: World, tmp_path: Path
) -> None:
    await world.staff("31")
    prompt = await world.prompt("stopped")
    voice = spoken(tmp_path / "voice.wav", 6)
    async with studio(world):
        steps = (*enter("31"), "hear", f"press:{prompt}#", "hear", "press:5", *record(voice), "stay:60")
        calling = asyncio.create_task(world.dial(*steps))
        await until(lambda: _recording(world), 60)
    call = await calling
    assert call.left == "other"
    (draft,) = await world.versions(prompt)
    assert (draft.state, "cut-off" in draft.take.findings) == ("draft", True)
    assert draft.take.seconds > 0.8


async def test_what_a_killed_gateway_left_waits_as_a_draft_after_the_start(
    world: World, tmp_path: Path
) -> None:
    staff, prompt = await world.staff("32"), await world.prompt("killed")
    spool = world.settings.folder / "studio"
    spool.mkdir(exist_ok=True)
    voice = spoken(tmp_path / "voice.wav", 2).read_bytes()
    left = spool / f"{staff}-{prompt}-en-0123456789abcdef.wav"
    # The exchange was killed as well: sizes in the header were never filled in.
    left.write_bytes(voice[:4] + bytes(4) + voice[8:40] + bytes(4) + voice[44:])
    (spool / f"{staff}-{prompt}-en-0123456789abcde0.wav").write_bytes(b"")
    async with studio(world):
        (draft,) = await versions_of(world, prompt)
        await until(lambda: not list(spool.glob("*.wav")))
    assert (draft.state, draft.take.staff) == ("draft", staff)
    assert draft.take.seconds == pytest.approx(2, abs=0.4)


async def test_a_call_while_the_studio_is_away_ends(world: World) -> None:
    call = await world.dial("hear", "stay:30")
    assert call.left == "other"


STRANGERS = {
    "no secret": b"agi_network: yes\nagi_network_script: \n\n",
    "another secret": b"agi_network: yes\nagi_network_script: 0123456789\n\n",
    "nonsense": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "an endless line": b"a" * 1_000_000,
    "endless lines": b"a: b\n" * 10_000,
    "nothing": b"",
}


@pytest.mark.parametrize("stranger", STRANGERS)
async def test_strangers_at_the_door_are_turned_away(world: World, stranger: str) -> None:
    async with studio(world) as opened:
        address = agi_address(world.exchange.folder)
        reader, writer = await _connected(address.port)
        writer.write(STRANGERS[stranger])
        if writer.can_write_eof():
            writer.write_eof()
        with contextlib.suppress(ConnectionError):
            assert await asyncio.wait_for(reader.read(), 10) == b""
        await _close(writer)
        await until(lambda: opened.calls == 0)


async def _close(writer: asyncio.StreamWriter) -> None:
    writer.close()
    with contextlib.suppress(ConnectionError):
        await writer.wait_closed()


async def test_more_callers_than_the_settings_allow_are_not_taken(world: World) -> None:
    async with studio(world) as opened:
        address = agi_address(world.exchange.folder)
        kept = [await _connected(address.port) for _ in range(2)]
        await until(lambda: opened.calls == 2)
        reader, writer = await _connected(address.port)
        assert await asyncio.wait_for(reader.read(), 10) == b""
        for one in (writer, *(writer for _, writer in kept)):
            await _close(one)
        await until(lambda: opened.calls == 0)


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    async with asyncio.timeout(60):
        while True:
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                await asyncio.sleep(0.05)


async def test_a_taken_port_is_waited_for(world: World, caplog: pytest.LogCaptureFixture) -> None:
    address = agi_address(world.exchange.folder)
    with socket.create_server(("127.0.0.1", address.port)):
        async with studio(world):
            await until(lambda: "cannot listen on port" in caplog.text)
