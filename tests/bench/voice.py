"""Calls per second from the queue, against a bare AMI pump on the same two Asterisks.

Both offer the same calls to telephones that answer at once, without answering-machine detection: some hang
up after a second, others listen to a prompt of 13.5 seconds and hang up then. The gateway's side is all of
it: claim, judge, start, call, settle, on SQLite. The pump writes Originate actions into a socket and looks
for nothing but the end of calls. The sides take turns, so that what else the machine does falls on both.
`lost` counts calls that the gateway calls delivered and the town has not seen; none may be. Beyond the edge
some are not delivered. Lines without a bar only tell how far it goes: see docs/benches.md.
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
from dataclasses import dataclass
from pathlib import Path

from gateway.asterisk.instance import Identity, Instance
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel
from gateway.daemon import tune_interpreter
from gateway.domain import Channel, Prompt, Speech
from gateway.settings import Trunk, VoiceSettings
from gateway.town.households import QUICK_AREA, QUICK_STAYS, TALK_AREA, number
from gateway.town.ledger import read_ledger
from gateway.town.town import read_address
from tests.bench.measure import report
from tests.exchange import ami_of, clinic_exchange, until, warble
from tests.line import fill, serving, settings_of


@dataclass(frozen=True, slots=True)
class Load:
    """Calls a second that are offered for some seconds, to an area, with a prompt of so many seconds.

    `bar`: of the ratio to the pump; `wanted`: calls a second that the gateway must set up.
    """

    name: str
    offered: int
    area: str
    prompt_seconds: float
    bar: float
    turn_seconds: int = 20
    turns: int = 2
    wanted: int = 0

    @property
    def calls(self) -> int:
        """Those of one turn."""
        return self.offered * self.turn_seconds

    def rate(self, calls: int, seconds: float) -> float:
        """Calls a second; the last one was set up one call's length before its end."""
        return calls / (seconds - QUICK_STAYS[self.area])


LOADS = (
    Load("set-up", 100, QUICK_AREA, 0.5, 0.95),
    Load("set-up", 150, QUICK_AREA, 0.5, 0.95, wanted=150),
    Load("set-up", 200, QUICK_AREA, 0.5, 0.0, turns=1),
    Load("talking", 30, TALK_AREA, 13.5, 0.95),
    # The edge of the exchange itself.
    Load("talking", 60, TALK_AREA, 13.5, 0.0, turns=1),
)


def _address(call: int, area: str) -> str:
    return number(1, call // 100 % 10, call % 100, area=area)


# --- the pump ---


async def pump(identity: Identity, load: Load, sound: Path) -> float:
    """Calls set up per second by writing to a socket."""
    reader, writer = await asyncio.open_connection("127.0.0.1", identity.ami_port)
    login = f"Action: Login\r\nUsername: ringwell\r\nSecret: {identity.secret}\r\n\r\n"
    writer.write(login.encode())
    begin = time.perf_counter()
    offering = asyncio.ensure_future(_offer(writer, load, sound, begin))
    ended = answered = 0
    while ended < load.calls:
        line = await reader.readline()
        ended += line.startswith(b"Event: Hangup\r")
        answered += line == b"Reason: 4\r\n"
    seconds = time.perf_counter() - begin
    await offering
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return load.rate(answered, seconds)


async def _offer(writer: asyncio.StreamWriter, load: Load, sound: Path, begin: float) -> None:
    # The household hangs up: after a prompt its caller waits for that, as the gateway does.
    silence = warble(sound.with_name("silence.wav"), QUICK_STAYS[load.area], 0)
    files = "&".join(str(file.with_suffix("")) for file in (sound, silence))
    for call in range(load.calls):
        await asyncio.sleep(begin + call / load.offered - time.perf_counter())
        lines = (
            "Action: Originate",
            f"Channel: PJSIP/{_address(call, load.area)}@trunk-town",
            "Application: Playback",
            f"Data: {files}",
            "Async: true",
            "Timeout: 30000",
        )
        writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())


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


async def compare(exchange: Instance, folder: Path, load: Load) -> None:
    """Print the median ratio of all turns of one load."""
    sound = warble(folder / f"{load.name}.wav", load.prompt_seconds)

    async def render(parts: tuple[Speech | Prompt, ...]) -> tuple[Path, ...]:
        return (sound,)

    url = f"sqlite:///{folder / f'{load.name}-{load.offered}.db'}"
    await fill(url, Channel.VOICE, load.calls * load.turns, load.area)
    trunk = Trunk(max_calls=2000, calls_per_second=load.offered, detect_machines=False)
    channel = VoiceChannel(ami_of(exchange), trunk_lines({"town": trunk}), VoiceSettings(), render)
    rates: list[tuple[float, float]] = []
    process, lost, undelivered = 0.0, 0, 0
    async with serving(url, channel, settings_of(folder, capped=False), load.area) as line:
        for _ in range(load.turns):
            raw = await pump(exchange.identity(), load, sound)
            before = await _quiet_ledger(folder)
            begin = time.process_time()
            delivered, seconds = await line.turn(load.calls)
            process += time.process_time() - begin
            rates.append((load.rate(delivered, seconds), raw))
            lost += max(0, delivered - (await _quiet_ledger(folder) - before))
            undelivered += load.calls - delivered
    report(
        "voice",
        statistics.median(ours / raw for ours, raw in rates),
        load.bar,
        load=load.name,
        offered_per_second=load.offered,
        gateway_per_second=round(statistics.median(ours for ours, _ in rates), 1),
        pump_per_second=round(statistics.median(raw for _, raw in rates), 1),
        process_us_a_call=round(process / load.calls / load.turns * 1e6),
        calls=load.calls * load.turns,
        undelivered=undelivered,
    )
    report("voice-lost", lost, 0, at_most=True, load=load.name, offered_per_second=load.offered)
    if load.wanted:
        fastest = max(ours for ours, _ in rates)
        report("voice-rate", fastest / load.wanted, 0.98, wanted_per_second=load.wanted)


async def _quiet_ledger(folder: Path) -> int:
    """Calls that the town has seen, once it has written the last one down."""
    file, seen = folder / "town" / "ledger.jsonl", -1
    while seen < (now := file.stat().st_size if file.exists() else 0):
        seen = now
        await asyncio.sleep(1.0)
    return len(read_ledger(file))


async def _compare_all() -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringwell-bench-")))
        sip = await stack.enter_async_context(town(folder / "town"))
        exchange = await stack.enter_async_context(clinic_exchange(folder / "clinic", sip))
        for load in LOADS:
            await compare(exchange, folder, load)


def main() -> None:
    """Run the bench in a folder of its own."""
    gc.freeze()
    tune_interpreter()
    asyncio.run(_compare_all())


if __name__ == "__main__":
    main()
