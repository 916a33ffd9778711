"""Texts a second through the channel, against a bare smpplib loop, to the same smpp34 server.

The server has a process of its own; both sides run in turns in another, so that what else the machine does
falls on both. Neither side asks anything of a queue: that is another bench.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event

import smpp34
import smpplib.client
import smpplib.exceptions

from gateway.asterisk.instance import free_port
from gateway.channels.sms import SmsChannel
from gateway.domain import Accepted, Attempt, Text
from gateway.settings import Bind
from tests.bench.measure import report

WINDOW = 100
TURN, TURNS = 4_000, 7
BODY = (
    "Example Clinic: reminder of your appointment on Tue, Nov 24, 2026 at 9:30 AM. "
    "Reply C to confirm, STOP to opt out. +12025550100"
)
SOURCE, DESTINATION = "12025550100", "12125550000"


def _serve(port: int, listening: Event) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(_accept_all(port, listening))


async def _accept_all(port: int, listening: Event) -> None:
    server = smpp34.Server("127.0.0.1", port, inbound_capacity=4096)
    await server.start()
    listening.set()
    taken = 0
    while True:
        event = await server.next()
        if isinstance(event, smpp34.SubmitSmEvent):
            taken += 1
            event.accept(f"{taken:x}")


@contextmanager
def server() -> Iterator[int]:
    """The port of a server that accepts every text."""
    spawn = multiprocessing.get_context("spawn")
    port, listening = free_port(), spawn.Event()
    process = spawn.Process(target=_serve, args=(port, listening), daemon=True)
    process.start()
    if not listening.wait(30):
        raise RuntimeError("the SMSC did not start")
    try:
        yield port
    finally:
        process.kill()
        process.join()


class BareLoop:
    """smpplib as it is: one thread submits, another listens."""

    def __init__(self, port: int) -> None:
        self._room = threading.Semaphore(WINDOW)
        self._client = smpplib.client.Client("127.0.0.1", port, timeout=60)
        self._client.set_message_sent_handler(lambda pdu: self._room.release())
        self._client.connect()
        self._client.bind_transceiver(system_id="bench", password="secret")
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def _listen(self) -> None:
        with suppress(smpplib.exceptions.ConnectionError, OSError):
            self._client.listen()

    def turn(self) -> float:
        """Texts a second."""
        begin = time.perf_counter()
        for _ in range(TURN):
            self._room.acquire()
            self._client.send_message(
                source_addr_ton=1,
                source_addr_npi=1,
                source_addr=SOURCE,
                dest_addr_ton=1,
                dest_addr_npi=1,
                destination_addr=DESTINATION,
                short_message=BODY.encode(),
                registered_delivery=1,
            )
        for _ in range(WINDOW):
            self._room.acquire()
        elapsed = time.perf_counter() - begin
        self._room.release(WINDOW)
        return TURN / elapsed

    def close(self) -> None:
        """Hang up."""
        self._client.disconnect()
        self._listener.join(5)


async def _channel_turn(channel: SmsChannel) -> float:
    """Texts a second, started as the dispatcher does: as many as there are slots."""
    begin = time.perf_counter()
    left, refused = TURN, 0

    async def send(number: int) -> None:
        nonlocal refused
        outcome = await channel.send(Attempt(1, number, 1, f"+{DESTINATION}", Text(BODY)))
        refused += not isinstance(outcome, Accepted)

    async with asyncio.TaskGroup() as group:
        while left:
            for _ in range(min(left, await channel.slots())):
                group.create_task(send(left))
                left -= 1
    if refused:
        raise RuntimeError(f"{refused} of {TURN} texts were not accepted")
    return TURN / (time.perf_counter() - begin)


async def _turns(port: int) -> list[tuple[float, float]]:
    bare = await asyncio.to_thread(BareLoop, port)
    channel = SmsChannel(Bind(port=port, window=WINDOW, per_second=1_000_000.0))
    run = asyncio.create_task(channel.run())
    rates = []
    for _ in range(TURNS + 1):
        rates.append((await _channel_turn(channel), await asyncio.to_thread(bare.turn)))
    run.cancel()
    await asyncio.wait([run])
    bare.close()
    return rates[1:]


def main() -> None:
    """Print both rates and their ratio."""
    with server() as port:
        rates = asyncio.run(_turns(port))
    report(
        "sms-channel",
        statistics.median(channel / bare for channel, bare in rates),
        0.0,
        channel_per_second=round(statistics.median(channel for channel, _ in rates)),
        smpplib_per_second=round(statistics.median(bare for _, bare in rates)),
        window=WINDOW,
    )


if __name__ == "__main__":
    main()
