"""Calls set up per second from the queue, against a bare AMI pump on the same two Asterisks.

Both offer the same calls to telephones that answer at once and hang up after a second, without
answering-machine detection. The gateway's side is all of it: claim, judge, start, call, settle, on SQLite.
The pump writes Originate actions into a socket and looks for nothing but the end of calls. The sides take
turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from gateway.asterisk.instance import Identity, Instance
from gateway.channels.voice import VoiceChannel
from gateway.daemon import tune_interpreter
from gateway.domain import Channel, Prompt, Speech
from gateway.settings import Trunk, VoiceSettings
from gateway.town.households import QUICK_AREA, number
from gateway.town.town import read_address
from tests.bench.measure import report
from tests.exchange import ami_of, clinic_exchange, until, warble
from tests.line import fill, serving, settings_of

# Calls a second that are offered, with the bar where there is one.
BARS = {100: 0.9, 150: 0.0}
TURN_SECONDS = 10
TURNS = 3
CALL_SECONDS = 1.0


def _address(call: int) -> str:
    return number(1, call // 100 % 10, call % 100, area=QUICK_AREA)


def _rate(calls: int, seconds: float) -> float:
    """The last call was set up one call's length before its end."""
    return calls / (seconds - CALL_SECONDS)


# --- the pump ---


async def pump(identity: Identity, offered: int) -> float:
    """Calls set up per second by writing to a socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", identity.ami_port)
    login = f"Action: Login\r\nUsername: ringwell\r\nSecret: {identity.secret}\r\n\r\n"
    writer.write(login.encode())
    begin = time.perf_counter()
    offering = asyncio.ensure_future(_offer(writer, offered, begin))
    ended = answered = 0
    while ended < offered * TURN_SECONDS:
        line = await reader.readline()
        ended += line.startswith(b"Event: Hangup\r")
        answered += line == b"Reason: 4\r\n"
    seconds = time.perf_counter() - begin
    await offering
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return _rate(answered, seconds)


async def _offer(writer: asyncio.StreamWriter, offered: int, begin: float) -> None:
    for call in range(offered * TURN_SECONDS):
        await asyncio.sleep(begin + call / offered - time.perf_counter())
        writer.write(
            f"Action: Originate\r\nChannel: PJSIP/{_address(call)}@trunk\r\nApplication: Wait\r\n"
            f"Data: 30\r\nAsync: true\r\nTimeout: 30000\r\n\r\n".encode()
        )


# --- the gateway ---


@asynccontextmanager
async def town(folder: Path) -> AsyncIterator[int]:
    """A town in a process of its own; the port of its exchange."""
    arguments = ("-m", "gateway.town", "--folder", str(folder))
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, stdout=asyncio.subprocess.DEVNULL, env=os.environ
    )
    try:
        await until(lambda: read_address(folder) is not None, 60)
        address = read_address(folder)
        assert address is not None
        yield address.sip
    finally:
        process.terminate()
        await process.wait()


async def compare(exchange: Instance, folder: Path, offered: int) -> None:
    """Print the median ratio of all turns at one rate."""
    sound = warble(folder / "sound.wav", 0.5)

    async def render(parts: tuple[Speech | Prompt, ...]) -> tuple[Path, ...]:
        return (sound,)

    calls = offered * TURN_SECONDS
    url = f"sqlite:///{folder / f'{offered}.db'}"
    await fill(url, Channel.VOICE, calls * TURNS)
    trunk = Trunk(max_calls=1000, calls_per_second=offered, detect_machines=False)
    channel = VoiceChannel(ami_of(exchange), trunk, VoiceSettings(), render)
    rates: list[tuple[float, float]] = []
    process = 0.0
    async with serving(url, channel, settings_of(folder)) as line:
        for _ in range(TURNS):
            raw = await pump(exchange.identity(), offered)
            begin = time.process_time()
            rates.append((_rate(*await line.turn(calls)), raw))
            process += time.process_time() - begin
    report(
        "voice",
        statistics.median(ours / raw for ours, raw in rates),
        BARS[offered],
        offered_per_second=offered,
        gateway_per_second=round(statistics.median(ours for ours, _ in rates), 1),
        pump_per_second=round(statistics.median(raw for _, raw in rates), 1),
        process_us_a_call=round(process / calls / TURNS * 1e6),
        calls=calls * TURNS,
    )


async def _compare_all() -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringwell-bench-")))
        sip = await stack.enter_async_context(town(folder / "town"))
        exchange = await stack.enter_async_context(clinic_exchange(folder / "clinic", sip))
        for offered in BARS:
            await compare(exchange, folder, offered)


def main() -> None:
    """Run the bench in a folder of its own."""
    gc.freeze()
    tune_interpreter()
    asyncio.run(_compare_all())


if __name__ == "__main__":
    main()
