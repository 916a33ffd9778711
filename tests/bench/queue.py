"""Claim to settle through the store's own code, against the same transactions by hand.

Both sides run in turns in one process, each on a database of its own with the same rows, so that what else
the machine does falls on both.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

from gateway.domain import Channel, Limited, State
from store import migrate, queue, settle
from store.engine import Store
from store.queue import Claimed
from store.settle import Settlement
from tests.bench import rows
from tests.bench.measure import report
from tests.bench.raw_postgres import RawPostgres
from tests.bench.raw_sqlite import RawSqlite
from tests.postgres import Server, postgres_server

BATCH = 100
# Batches in one turn and turns of each side: 2 x 20 x 30 x 100 = 120,000 messages an engine.
TURN, TURNS = 20, 30
SETTLED = 1_000_000
LEASE = timedelta(minutes=1)
BARS = {"sqlite": 0.33, "postgresql": 0.35}
BESIDE_BAR = 0.90
OWNER = "bench/1"


class Worker(Protocol):
    """Whoever takes a batch down the line."""

    async def batch(self, most: int) -> int:
        """Claim, start and settle up to `most` messages; how many there were."""
        ...


class ThroughStore:
    """The store's own functions, one transaction each."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def limits(self, claimed: Sequence[Claimed], now: datetime) -> Mapping[int, Limited]:
        """Within what the claimed ones may be started: nothing limits them."""
        return {}

    async def batch(self, most: int) -> int:
        """Claim, start and settle up to `most` messages; how many there were."""
        run, now = self._store.run, self._store.clock()
        claimed = await run(queue.claim, rows.CLINIC, Channel.SMS, OWNER, now, now + LEASE, most)
        now = self._store.clock()
        ids = [item.id for item in claimed]
        limited = self.limits(claimed, now)
        started = await run(queue.start, rows.CLINIC, OWNER, ids, 1, now, now + LEASE, limited)
        now = self._store.clock()
        settlements = [
            Settlement(
                id,
                number,
                State.DELIVERED,
                outcome="delivered",
                cause="receipt-delivered",
                charged=True,
                started_at=now,
                evidence={"remote_id": f"{id:x}"},
            )
            for id, number in started.items()
        ]
        await run(settle.settle, rows.CLINIC, OWNER, settlements, now)
        return len(started)


async def _turn(worker: Worker) -> float:
    """Messages per second over one turn."""
    begin = time.perf_counter()
    done = sum([await worker.batch(BATCH) for _ in range(TURN)])
    if done != TURN * BATCH:
        raise RuntimeError(f"{done} of {TURN * BATCH} messages went down the line")
    return done / (time.perf_counter() - begin)


async def compare(one: Worker, other: Worker, turns: int = TURNS) -> tuple[float, float, float]:
    """Median rates of both, in turns after a warm-up, and the median of the ratios turn by turn."""
    await _turn(one), await _turn(other)
    rates = [(await _turn(one), await _turn(other)) for _ in range(turns)]
    ratio = statistics.median(a / b for a, b in rates)
    return statistics.median(a for a, _ in rates), statistics.median(b for _, b in rates), ratio


async def filled(url: str, settled: int) -> None:
    """A database with work for one side, beside that many settled rows."""
    queued = BATCH * TURN * (TURNS + 1)
    earlier = datetime.now(UTC) - timedelta(hours=1)
    async with Store(url) as store:
        await migrate.upgrade(store)
        if settled:
            await store.run(rows.add_messages, 1, settled, "delivered", earlier - timedelta(days=30))
        await store.run(rows.add_messages, settled + 1, queued, "queued", earlier)
        if store.url.get_backend_name() == "postgresql":
            await store.run(lambda conn: conn.exec_driver_sql("ANALYZE"))


def _raw_is_bar(engine: str, store: float, raw: float, ratio: float) -> None:
    report(
        "queue",
        ratio,
        BARS[engine],
        engine=engine,
        store_per_second=round(store),
        raw_per_second=round(raw),
        batch=BATCH,
    )


def _beside(engine: str, full: float, empty: float, ratio: float) -> None:
    report(
        "queue-beside-settled-rows",
        ratio,
        BESIDE_BAR,
        engine=engine,
        settled_rows=SETTLED,
        per_second=round(full),
        per_second_alone=round(empty),
    )


async def _sqlite(folder: Path) -> None:
    urls = {name: f"sqlite:///{folder}/{name}.db" for name in ("store", "raw", "alone", "beside")}
    for name, url in urls.items():
        await filled(url, SETTLED if name == "beside" else 0)
    raw = RawSqlite(folder / "raw.db", rows.CLINIC, OWNER)
    async with Store(urls["store"]) as store:
        _raw_is_bar("sqlite", *await compare(ThroughStore(store), raw))
    raw.close()
    await _both_sizes("sqlite", urls["beside"], urls["alone"])


async def _postgres(server: Server) -> None:
    urls = {name: server.create(name) for name in ("store", "raw", "alone", "beside")}
    for name, url in urls.items():
        await filled(url, SETTLED if name == "beside" else 0)
    server.sql("CHECKPOINT")
    raw = await RawPostgres.open(urls["raw"], rows.CLINIC, OWNER)
    async with Store(urls["store"]) as store:
        _raw_is_bar("postgresql", *await compare(ThroughStore(store), raw))
    await raw.close()
    await _both_sizes("postgresql", urls["beside"], urls["alone"])


async def _both_sizes(engine: str, beside: str, alone: str) -> None:
    async with AsyncExitStack() as stack:
        full = await stack.enter_async_context(Store(beside))
        empty = await stack.enter_async_context(Store(alone))
        _beside(engine, *await compare(ThroughStore(full), ThroughStore(empty)))


def main(engines: Sequence[str] = ("sqlite", "postgresql")) -> None:
    """Print four ratios: each engine against raw, and with 1,000,000 settled rows beside."""
    if "sqlite" in engines:
        with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder:
            asyncio.run(_sqlite(Path(folder)))
    if "postgresql" in engines:
        with postgres_server() as server:
            asyncio.run(_postgres(server))


if __name__ == "__main__":
    main()
