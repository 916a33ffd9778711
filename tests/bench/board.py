"""The live board: 50 viewers and 100 changes a second, and what that takes of a core.

The console runs in a process of its own on a SQLite store with 1,000,000 messages, 10,000 of them of today's
broadcast. Another process settles 100 of those a second and holds the viewers' connections; what it spends is
not counted. The ratio is the processor time of the console's process over the time that passed.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil
from sqlalchemy import Connection, text
from websockets.asyncio.client import ClientConnection, connect

from gateway.accounts.making import make_first
from gateway.console.door import Door, Purpose, entrance
from gateway.console.serve import serve
from gateway.domain import Channel, State
from gateway.settings import Settings
from store import broadcasts, migrate, queue, settle
from store.engine import Store
from store.settle import Settlement
from tests import line
from tests.bench import rows
from tests.bench.measure import report

HISTORY, TODAY = 990_000, 10_000
VIEWERS, CHANGES_A_SECOND = 50, 100
SECONDS, BAR = 30.0, 0.15
OWNER = "bench/00000001"


def _fill(conn: Connection, now: datetime) -> None:
    """Old broadcasts, and one of today whose messages wait."""
    long_ago = now - timedelta(days=3)
    rows.add_audience(conn, 1, 1000, now + timedelta(days=1))
    rows.add_messages(conn, 1, HISTORY, "delivered", long_ago)
    rows.add_messages(conn, HISTORY + 1, TODAY, "queued", now - timedelta(hours=1))
    conn.execute(text("UPDATE message SET recipient = 1 + id % 1000"))
    for _ in range((HISTORY + TODAY) // rows.A_BROADCAST + 2):
        broadcasts.order(conn, rows.CLINIC, line.order(Channel.SMS, long_ago), long_ago)
    newest = broadcasts.order(conn, rows.CLINIC, line.order(Channel.SMS, now), now)
    broadcasts.activate(conn, rows.CLINIC, newest)
    conn.execute(text(f"UPDATE message SET broadcast = {newest} WHERE id > {HISTORY}"))


async def _console(folder: Path) -> None:
    """The process that is measured: the console, and nothing else."""
    settings = Settings(instance=folder, console={"port": 0})
    async with Store(settings.store_url) as store:
        await serve(store, settings, lambda said: print(said, flush=True))


@asynccontextmanager
async def _started(folder: Path) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """The console's process and its address."""
    command = [sys.executable, "-m", "tests.bench.board", str(folder)]
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        yield process, (await process.stdout.readline()).decode().split()[1]
    finally:
        process.terminate()
        await process.wait()


async def _viewers(stack: AsyncExitStack, url: str, token: str) -> list[ClientConnection]:
    parts = urlsplit(entrance(url, token))
    async with httpx.AsyncClient() as client:
        answer = await client.post(f"{url}/enter", data={"token": token})
    cookie = answer.headers["set-cookie"].split(";")[0]
    headers = {"Cookie": cookie, "Origin": url}
    live = f"ws://{parts.netloc}/live"
    return [
        await stack.enter_async_context(connect(live, additional_headers=headers)) for _ in range(VIEWERS)
    ]


async def _heard(viewer: ClientConnection, told: list[int]) -> None:
    """Count what a viewer is told."""
    async for said in viewer:
        told.append(len(json.loads(said).get("cells", ())))


async def _changes(store: Store) -> int:
    """Start and settle 100 messages a second; how many they were."""
    done, step = 0, CHANGES_A_SECOND // 10
    until = time.perf_counter() + SECONDS
    while (begin := time.perf_counter()) < until:
        now = store.clock()
        lease = now + timedelta(minutes=1)
        claimed = await store.run(queue.claim, rows.CLINIC, Channel.SMS, OWNER, now, lease, step)
        ids = [item.id for item in claimed]
        await store.run(queue.start, rows.CLINIC, OWNER, ids, 10**9, now, lease)
        settled = [
            Settlement(
                number, 1, State.DELIVERED, outcome="delivered", cause="receipt-delivered", charged=True
            )
            for number in ids
        ]
        await store.run(settle.settle, rows.CLINIC, OWNER, settled, store.clock())
        done += len(ids)
        await asyncio.sleep(max(0.0, 0.1 - (time.perf_counter() - begin)))
    return done


async def measure(folder: Path) -> None:
    """Print the line."""
    settings = Settings(instance=folder)
    async with Store(settings.store_url) as store:
        await migrate.upgrade(store)
        await store.run(_fill, datetime.now(UTC))
        number = await store.run(make_first, rows.CLINIC, "bench", "Bench", "en", store.clock())
        token = Door(folder / "console").issue(Purpose.ENTER, number or 1)
        async with _started(folder) as (process, url), AsyncExitStack() as stack:
            told: list[int] = []
            viewers = await _viewers(stack, url, token)
            listening = [asyncio.create_task(_heard(viewer, told)) for viewer in viewers]
            # The first look tells everything to everybody.
            while len(told) < VIEWERS:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            told.clear()
            watched = psutil.Process(process.pid)
            before, begin = sum(watched.cpu_times()[:2]), time.perf_counter()
            done = await _changes(store)
            passed = time.perf_counter() - begin
            spent = sum(watched.cpu_times()[:2]) - before
            for task in listening:
                task.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*listening)
    report(
        "board",
        spent / passed,
        BAR,
        at_most=True,
        viewers=VIEWERS,
        changes_per_second=round(done / passed, 1),
        texts_to_each=round(len(told) / VIEWERS / passed, 2),
        messages=HISTORY + TODAY,
        today=TODAY,
    )


def main() -> None:
    """Measure, or be the console's process."""
    if len(sys.argv) > 1:
        asyncio.run(_console(Path(sys.argv[1])))
        return
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(measure(Path(folder)))


if __name__ == "__main__":
    main()
