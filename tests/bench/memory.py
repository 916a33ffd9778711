"""Resident memory of the daemon with 1,000,000 queued messages, all of them due, while it sends texts.

The daemon runs as it is installed, on SQLite, with its console, its exchange with a trunk, a relay, and a
bind to an SMSC that delivers everything. What is counted is the highest value while it works its way through
the first messages, without its other processes, the exchange among them.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psutil
from sqlalchemy import Connection, func, select

from gateway.asterisk.instance import free_port
from gateway.domain import Channel
from store.engine import Store
from store.schema import message
from tests.bench import rows
from tests.bench.measure import report
from tests.bench.smsc import server
from tests.line import fill

SIZE = 1_000_000
SENT = 50_000
RECEIPTS_AFTER = 0.5
PATIENCE = 90.0
BAR_MEGABYTES = 300

CONFIG = """
instance = "{folder}"
[console]
port = 0
[policy.sms]
opens = "00:00"
closes = "00:00"
[trunks.bench]
port = {nobody}
[relays.bench]
host = "127.0.0.1"
port = {nobody}
[binds.bench]
port = {port}
window = 100
per_second = 100000.0
"""


async def _fill(url: str) -> None:
    await fill(url, Channel.SMS, SIZE)
    async with Store(url) as store:
        earlier = store.clock() - timedelta(hours=1)
        await store.run(rows.add_messages, 1, SIZE, "queued", earlier)


@contextmanager
def _daemon(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    config = folder / "ringwell.toml"
    config.write_text(CONFIG.format(folder=folder, port=port, nobody=free_port()))
    command = [sys.executable, "-m", "gateway", "run", "--config", str(config)]
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    try:
        yield running
        if running.poll() is not None:
            raise RuntimeError(f"the daemon ended: {(folder / 'log').read_text()[-2000:]}")
    finally:
        running.terminate()
        try:
            running.wait(30)
        except subprocess.TimeoutExpired:
            running.kill()
            running.wait()


def _sent(conn: Connection) -> int:
    accepted = message.c.state.in_(["accepted", "delivered"])
    return int(conn.execute(select(func.count()).where(message.c.id <= 2 * SENT, accepted)).scalar_one())


@dataclass(frozen=True)
class Watched:
    """The highest resident memory in bytes; texts sent meanwhile."""

    highest: int
    sent: int
    seconds: float


async def _watch(daemon: subprocess.Popen[bytes], url: str) -> Watched:
    """Look until enough was sent."""
    process = psutil.Process(daemon.pid)
    highest = sent = 0
    begin = time.monotonic()
    async with Store(url) as store:
        while sent < SENT and time.monotonic() < begin + PATIENCE and daemon.poll() is None:
            for _ in range(10):
                highest = max(highest, process.memory_info().rss)
                await asyncio.sleep(0.1)
            sent = await store.read(_sent)
    return Watched(highest, sent, time.monotonic() - begin)


def main() -> None:
    """Print the memory as a part of what is allowed."""
    with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as name:
        folder = Path(name)
        url = f"sqlite:///{folder / 'ringwell.sqlite3'}"
        asyncio.run(_fill(url))
        with server(RECEIPTS_AFTER) as port, _daemon(folder, port) as daemon:
            seen = asyncio.run(_watch(daemon, url))
    megabytes = seen.highest / 1_000_000
    report(
        "memory",
        megabytes / BAR_MEGABYTES,
        1.0,
        at_most=True,
        megabytes=round(megabytes),
        megabytes_allowed=BAR_MEGABYTES,
        queued=SIZE,
        sent=seen.sent,
        seconds=round(seen.seconds, 1),
    )


if __name__ == "__main__":
    main()
