"""Texts a second from the queue to their receipts, against a bare smpplib loop, to the same SMSC.

The gateway's side is all of it: claim, judge, start, send, settle and intake on SQLite, one bind, a receipt
for each text after half a second. The bare loop submits and counts receipts, and keeps nothing. Both run in
turns in one process, the SMSC in another, so that what else the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import cProfile
import gc
import logging
import pstats
import statistics
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import smpplib.client
import smpplib.exceptions

from gateway.channels.sms import SmsChannel
from gateway.daemon import tune_interpreter
from gateway.domain import Channel
from gateway.settings import Bind
from tests.bench.measure import report
from tests.bench.smsc import server
from tests.line import Line, fill, serving, settings_of

WINDOW = 100
RECEIPTS_AFTER = 0.5
TURN, TURNS = 10_000, 5
# Where this must get: texts a second, and how much of a core the writer thread may take for them.
GOAL_PER_SECOND, GOAL_WRITER = 4_000, 0.25
# So many lines of the profile.
SHOWN = 12
SOURCE = "12025550100"
BODY = (
    "Example Clinic: reminder of your appointment on Tue, Nov 24, 2026 at 9:30 AM. "
    "Reply C to confirm, STOP to opt out. +12025550100"
)


class BareLoop:
    """smpplib as it is: one thread submits, another listens."""

    def __init__(self, port: int) -> None:
        self._room = threading.Semaphore(WINDOW)
        self._receipts = threading.Semaphore(0)
        self._client = smpplib.client.Client("127.0.0.1", port, timeout=60)
        # It reports every bind that ends.
        self._client.logger.setLevel(logging.CRITICAL)
        self._client.set_message_sent_handler(lambda pdu: self._room.release())
        self._client.set_message_received_handler(lambda pdu: self._receipts.release())
        self._client.connect()
        self._client.bind_transceiver(system_id="bench", password="secret")
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with suppress(smpplib.exceptions.ConnectionError, OSError):
            self._client.listen()

    def turn(self) -> float:
        """Texts a second, receipts included."""
        begin = time.perf_counter()
        for number in range(TURN):
            self._room.acquire()
            self._client.send_message(
                source_addr_ton=1,
                source_addr_npi=1,
                source_addr=SOURCE,
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=f"1{2000000000 + number}",
                short_message=BODY.encode(),
                registered_delivery=1,
            )
        for _ in range(TURN):
            self._receipts.acquire()
        return _rate(time.perf_counter() - begin)

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._listener.join(5)


def _rate(seconds: float) -> float:
    """The last receipt comes so long after its text."""
    return TURN / (seconds - RECEIPTS_AFTER)


@dataclass(frozen=True)
class Turn:
    """One turn of the gateway; what a core did in its writer thread, and in the whole process, for a text."""

    per_second: float
    writer_share: float
    writer_us: float
    process_us: float


async def _gateway_turn(line: Line) -> Turn:
    writer, process = await line.writer_seconds(), time.process_time()
    delivered, seconds = await line.turn(TURN)
    if delivered != TURN:
        raise RuntimeError(f"{delivered} of {TURN} texts were delivered")
    writer, process = await line.writer_seconds() - writer, time.process_time() - process
    sending = seconds - RECEIPTS_AFTER
    return Turn(_rate(seconds), writer / sending, writer / TURN * 1e6, process / TURN * 1e6)


async def _turns(port: int, folder: Path) -> list[tuple[Turn, float]]:
    url = f"sqlite:///{folder / 'store.db'}"
    await fill(url, Channel.SMS, TURN * (TURNS + 1))
    channel = SmsChannel([Bind(port=port, window=WINDOW, per_second=1_000_000.0)])
    bare = await asyncio.to_thread(BareLoop, port)
    try:
        async with serving(url, channel, settings_of(folder)) as line:
            pairs = [
                (await _gateway_turn(line), await asyncio.to_thread(bare.turn)) for _ in range(TURNS + 1)
            ]
    finally:
        bare.close()
    return pairs[1:]


async def _profiled(port: int, folder: Path) -> cProfile.Profile:
    """One turn of which every function of the writer thread is counted."""
    url = f"sqlite:///{folder / 'profile.db'}"
    await fill(url, Channel.SMS, TURN)
    channel = SmsChannel([Bind(port=port, window=WINDOW, per_second=1_000_000.0)])
    profile = cProfile.Profile(time.thread_time)
    async with serving(url, channel, settings_of(folder)) as line:
        await line.store.run(lambda _: profile.enable())
        await line.turn(TURN)
        await line.store.run(lambda _: profile.disable())
    return profile


def _report_profile(profile: cProfile.Profile) -> None:
    """Where the writer thread's time goes, a line for each of its dearest functions."""
    found = pstats.Stats(profile).get_stats_profile()
    whole = sum(one.tottime for one in found.func_profiles.values())
    dearest = sorted(found.func_profiles.items(), key=lambda item: -item[1].tottime)[:SHOWN]
    for name, one in dearest:
        share, us = one.tottime / whole, one.tottime / TURN * 1e6
        report("sms-profile", share, 0.0, function=name, us_a_text=round(us, 1), calls=one.ncalls)


def main() -> None:
    """Print the ratio to the bare loop, whether both goals are reached, and the writer's profile."""
    gc.freeze()
    tune_interpreter()
    with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder, server(RECEIPTS_AFTER) as port:
        pairs = asyncio.run(_turns(port, Path(folder)))
        profile = asyncio.run(_profiled(port, Path(folder)))
    turns = [turn for turn, _ in pairs]
    writer_us = statistics.median(turn.writer_us for turn in turns)
    rate = statistics.median(turn.per_second for turn in turns)
    report(
        "sms",
        statistics.median(turn.per_second / bare for turn, bare in pairs),
        0.0,
        gateway_per_second=round(rate),
        smpplib_per_second=round(statistics.median(bare for _, bare in pairs)),
        process_us_a_text=round(statistics.median(turn.process_us for turn in turns)),
        writer_us_a_text=round(writer_us),
        window=WINDOW,
        texts=TURN * TURNS,
    )
    report("sms-rate", rate / GOAL_PER_SECOND, 1.0, wanted_per_second=GOAL_PER_SECOND)
    # As much of a core as the rate that is wanted takes: a quicker machine works off more, not for less.
    report("sms-writer", writer_us * GOAL_PER_SECOND / 1e6, GOAL_WRITER, at_most=True)
    _report_profile(profile)


if __name__ == "__main__":
    main()
