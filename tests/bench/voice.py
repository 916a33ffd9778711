"""Calls set up per second by the voice channel, against a bare AMI pump on the same two Asterisks.

Both offer 100 calls/s to telephones that answer at once and hang up after a second, without
answering-machine detection. The pump writes Originate actions into a socket and looks for nothing but the
end of calls. The sides take turns, so that what else the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import contextlib
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
from gateway.domain import Attempt, Delivered, Prompt, Script
from gateway.settings import Trunk, VoiceSettings
from gateway.town.households import QUICK_AREA, number
from gateway.town.town import read_address
from tests.bench.measure import report
from tests.exchange import ami_of, clinic_exchange, renderer, running, until

OFFERED = 100
TURN_CALLS = 1000
TURNS = 3
CALL_SECONDS = 1.0
BAR = 0.9


def _address(call: int) -> str:
    return number(1, call // 100 % 10, call % 100, area=QUICK_AREA)


def _rate(calls: int, seconds: float) -> float:
    """The last call was set up one call's length before its end."""
    return calls / (seconds - CALL_SECONDS)


# --- the pump ---


async def pump(identity: Identity, calls: int) -> float:
    """Calls set up per second by writing to a socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", identity.ami_port)
    login = f"Action: Login\r\nUsername: ringwell\r\nSecret: {identity.secret}\r\n\r\n"
    writer.write(login.encode())
    begin = time.perf_counter()
    offering = asyncio.ensure_future(_offer(writer, calls, begin))
    ended = answered = 0
    while ended < calls:
        line = await reader.readline()
        ended += line.startswith(b"Event: Hangup\r")
        answered += line == b"Reason: 4\r\n"
    seconds = time.perf_counter() - begin
    await offering
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return _rate(answered, seconds)


async def _offer(writer: asyncio.StreamWriter, calls: int, begin: float) -> None:
    for call in range(calls):
        await asyncio.sleep(begin + call / OFFERED - time.perf_counter())
        writer.write(
            f"Action: Originate\r\nChannel: PJSIP/{_address(call)}@trunk\r\nApplication: Wait\r\n"
            f"Data: 30\r\nAsync: true\r\nTimeout: 30000\r\n\r\n".encode()
        )


# --- the product ---


async def product(channel: VoiceChannel, calls: int, turn: int) -> float:
    """Calls set up per second through the voice channel, each followed to its outcome."""
    content = await channel.prepare(Script((Prompt("0.5"),), (Prompt("0.5"),)))
    sends: list[asyncio.Task[object]] = []
    begin = time.perf_counter()
    while len(sends) < calls:
        for _ in range(min(await channel.slots(), calls - len(sends))):
            call = len(sends)
            attempt = Attempt(1, call, turn, _address(call), content)
            sends.append(asyncio.create_task(channel.send(attempt)))
        await asyncio.sleep(0)
    outcomes = await asyncio.gather(*sends)
    seconds = time.perf_counter() - begin
    await channel.acknowledge([f"rw-1-{call}-{turn}" for call in range(calls)])
    return _rate(sum(isinstance(outcome, Delivered) for outcome in outcomes), seconds)


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


async def compare(exchange: Instance, folder: Path) -> None:
    """Print the median ratio of all turns."""
    trunk = Trunk(max_calls=1000, calls_per_second=OFFERED, detect_machines=False)
    ami = ami_of(exchange)
    channel = VoiceChannel(ami, trunk, VoiceSettings(), renderer(folder))
    rates: list[tuple[float, float]] = []
    async with running(channel.run):
        await ami.up()
        for turn in range(1, TURNS + 1):
            raw = await pump(exchange.identity(), TURN_CALLS)
            rates.append((await product(channel, TURN_CALLS, turn), raw))
    report(
        "voice",
        statistics.median(ours / raw for ours, raw in rates),
        BAR,
        offered_per_second=OFFERED,
        product_per_second=round(statistics.median(ours for ours, _ in rates), 1),
        pump_per_second=round(statistics.median(raw for _, raw in rates), 1),
        calls=TURN_CALLS * TURNS,
    )


async def main() -> None:
    """Run the bench in a folder of its own."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringwell-bench-")))
        sip = await stack.enter_async_context(town(folder / "town"))
        exchange = await stack.enter_async_context(clinic_exchange(folder / "clinic", sip))
        await compare(exchange, folder)


if __name__ == "__main__":
    asyncio.run(main())
