"""Mails a second through the channel into a sink in a process of its own, unsigned and signed.

The bars are for a relay that is the clinic's own and takes many connections (WIDE). What the settings give
that nobody changed, 4 connections of 100 mails each, is printed beside it: a stranger's relay wants no more.
Postfix's smtp-source sends into the same sink, where that is installed.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from pathlib import Path

from gateway.asterisk.instance import free_port
from gateway.channels.email import EmailChannel
from gateway.domain import Accepted, Attempt, Mail
from gateway.settings import Clinic, DkimKey, Relay
from gateway.wording.mail import letter
from tests.bench.measure import report

CONNECTIONS = 20
WIDE = {"connections": CONNECTIONS, "per_destination": 100, "messages_per_connection": 10_000}
TURN, TURNS = 4_000, 5
BAR, BAR_SIGNED = 3_000, 1_000
TEXT = (
    "Dear Jane Doe,\n\nthis is a reminder of your appointment on Tue, Nov 24, 2026 at 9:30 AM.\n\n"
    "If you cannot come, please call us at +12025550100.\n\nExample Clinic"
)
MAIL = Mail(
    "Your appointment on Tue, Nov 24, 2026",
    TEXT,
    letter("Your appointment", TEXT, Clinic(), "en"),
    "Jane Doe",
)


class Sink(asyncio.Protocol):
    """Says yes to everything, as little as SMTP allows."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""
        self._in_data = False
        transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            line, found, rest = self._rest.partition(end)
            if not found:
                return
            self._rest = rest
            self._transport.write(b"250 2.0.0 Taken\r\n" if self._in_data else self._answer(line[:4].upper()))
            self._in_data = not self._in_data and line[:4].upper() == b"DATA"

    def _answer(self, verb: bytes) -> bytes:
        match verb:
            case b"EHLO":
                return b"250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n"
            case b"DATA":
                return b"354 Go on\r\n"
            case b"QUIT":
                return b"221 Bye\r\n"
            case _:
                return b"250 2.0.0 OK\r\n"


def _serve(port: int, listening: Event) -> None:
    async def serve() -> None:
        server = await asyncio.get_running_loop().create_server(Sink, "127.0.0.1", port)
        listening.set()
        await server.serve_forever()

    asyncio.run(serve())


@contextmanager
def sink() -> Iterator[int]:
    """The port of a sink in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    port, listening = free_port(), spawn.Event()
    process = spawn.Process(target=_serve, args=(port, listening), daemon=True)
    process.start()
    if not listening.wait(30):
        raise RuntimeError("the sink did not start")
    try:
        yield port
    finally:
        process.kill()
        process.join()


async def ours(port: int, dkim: dict[str, DkimKey], limits: dict[str, int]) -> float:
    """Mails a second through the channel: each turn sends TURN mails, as many at once as there are slots."""
    relay = Relay.model_validate({"port": port, "security": "none"} | limits)
    channel = EmailChannel({"main": relay}, "Example Clinic", dkim=dkim)
    run = asyncio.create_task(channel.run())
    rates = []
    for turn in range(TURNS):
        begin = time.perf_counter()
        await _turn(channel, turn * TURN)
        rates.append(TURN / (time.perf_counter() - begin))
    run.cancel()
    await asyncio.wait([run])
    return statistics.median(rates)


async def _turn(channel: EmailChannel, first: int) -> None:
    sends: set[asyncio.Task[object]] = set()
    sent = 0
    while sent < TURN:
        for _ in range(min(await channel.slots(), TURN - sent)):
            sent += 1
            attempt = Attempt(1, first + sent, 1, f"jane{sent % 1000}@home{sent % 7}.example", MAIL)
            sends.add(asyncio.create_task(channel.send(attempt)))
    done = await asyncio.gather(*sends)
    assert all(isinstance(outcome, Accepted) for outcome in done)


def postfix(port: int, size: int) -> float | None:
    """What smtp-source reaches, None where it is not installed."""
    program = shutil.which("smtp-source", path="/usr/sbin:/usr/bin:/sbin")
    if program is None:
        return None
    options = ["-s", str(CONNECTIONS), "-m", str(TURN), "-l", str(size), "-d"]
    begin = time.perf_counter()
    subprocess.run(
        [program, *options, "-f", "a@clinic.example", "-t", "b@home.example", f"127.0.0.1:{port}"], check=True
    )
    return TURN / (time.perf_counter() - begin)


def main() -> None:
    """Print what the channel reaches beside its bars."""
    with sink() as port, tempfile.TemporaryDirectory() as folder:
        key = Path(folder) / "key.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "Ed25519", "-out", str(key)], check=True)
        keys = {"bench": DkimKey(file=key)}
        rate, usual = (asyncio.run(ours(port, {}, limits)) for limits in (WIDE, {}))
        signed, usual_signed = (asyncio.run(ours(port, keys, limits)) for limits in (WIDE, {}))
        source = postfix(port, 2_000)
    beside = {"smtp_source": round(source), "ratio_to_smtp_source": round(rate / source, 2)} if source else {}
    beside["per_second_with_default_limits"] = round(usual)
    report("mail", rate / BAR, 1.0, per_second=round(rate), bar_per_second=BAR, **beside)
    beside = {"bar_per_second": BAR_SIGNED, "per_second_with_default_limits": round(usual_signed)}
    report("mail-signed-ed25519", signed / BAR_SIGNED, 1.0, per_second=round(signed), **beside)


if __name__ == "__main__":
    main()
