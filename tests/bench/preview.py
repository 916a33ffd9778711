"""A preview of 100,000 recipients from the store: seconds, and how much the process grew meanwhile.

Everybody has two addresses, consent and an appointment; every second one was texted before, so that caps
have something to count. Nothing is written. Memory is that of the process after the first tenth, and after
the whole: a preview that keeps its pages would grow by hundreds of megabytes.
`python -m tests.bench.preview 1000000` previews so many.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from gateway import broadcast
from gateway.commands.shared import run
from gateway.policy import Rules
from gateway.settings import Settings
from store import migrate
from store.engine import Store
from tests.bench import rows
from tests.bench.measure import report
from tests.bench.plan import wanted_at
from tests.postgres import postgres_server

SIZE = 100_000
# Seconds for each 100,000, and megabytes that the process may grow after the first tenth.
BAR_SECONDS, BAR_MEGABYTES = 10.0, 50.0
RULES = Rules.of(Settings())


async def _measure(engine: str, url: str, size: int) -> None:
    now = datetime.now(UTC)
    async with Store(url) as store:
        await migrate.upgrade(store)
        await store.run(rows.add_audience, 1, size, now + timedelta(days=1))
        await store.run(rows.add_messages, 1, size // 2, "delivered", now - timedelta(hours=30))
        if engine == "postgresql":
            await store.run(lambda conn: conn.exec_driver_sql("ANALYZE"))
        begin, seen, early = time.perf_counter(), 0, 0.0
        async for page in broadcast.preview(store, rows.CLINIC, wanted_at(now), RULES):
            seen += len(page)
            early = early or (_megabytes() if seen >= size / 10 else 0.0)
        seconds = time.perf_counter() - begin
    if seen != size:
        raise RuntimeError(f"{seen} of {size} recipients were previewed")
    per_size = seconds * SIZE / size
    more = {"engine": engine, "at_most": True, "recipients": size}
    report("preview", per_size / BAR_SECONDS, 1.0, **more, seconds=round(seconds, 2))
    grown = _megabytes() - early
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    report("preview-memory", grown / BAR_MEGABYTES, 1.0, **more, grown_mb=round(grown, 1), peak_mb=peak)


def _megabytes() -> float:
    """What the process holds in memory now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1_000_000


def main(engines: Sequence[str] = ("sqlite", "postgresql"), size: int = SIZE) -> None:
    """Print seconds and growth for each engine."""
    if "sqlite" in engines:
        with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder:
            run(_measure("sqlite", f"sqlite:///{folder}/preview.db", size))
    if "postgresql" in engines:
        with postgres_server() as server:
            run(_measure("postgresql", server.create("preview"), size))


if __name__ == "__main__":
    main(size=int(sys.argv[1]) if len(sys.argv) > 1 else SIZE)
