"""Planning 100,000 messages with full policy, against SQLAlchemy's own way to insert the same rows.

The plan reads its audience page by page, judges every recipient as the dispatcher will, and writes. The
other side only inserts what the plan wrote, all in one transaction, by the faster of SQLAlchemy's two ways
(executemany, insertmanyvalues). Both sides take turns on databases of their own.
"""

from __future__ import annotations

import gc
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from gateway import broadcast, wording
from gateway.commands.shared import run
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType
from gateway.policy import Rules
from gateway.settings import PolicySettings
from store import migrate
from store.engine import Store
from store.schema import message
from tests.bench import rows
from tests.bench.measure import report
from tests.postgres import postgres_server

SIZE = 100_000
TURNS = 3
PAGE = 1000
BAR = 5.0
RULES = Rules("America/New_York", PolicySettings())


def _wanted(now: datetime) -> Broadcast:
    return Broadcast(
        id=0,
        name="Reminders",
        type=MessageType.UPCOMING_APPOINTMENTS,
        broadcast_class=BroadcastClass.HEALTH,
        channel=Channel.SMS,
        only_preference=True,
        send_at=now,
        starts_from=None,
        starts_until=None,
        templates=wording.default_templates(MessageType.UPCOMING_APPOINTMENTS),
    )


async def _plan(store: Store) -> tuple[float, int]:
    """Seconds for one plan, and its broadcast."""
    wanted = _wanted(store.clock())
    number = await broadcast.order(store, rows.CLINIC, wanted)
    begin = time.perf_counter()
    planned = 0
    async for page in broadcast.plan(store, rows.CLINIC, broadcast.numbered(wanted, number), RULES):
        planned += len(page)
    if planned != SIZE:
        raise RuntimeError(f"{planned} of {SIZE} messages were planned")
    return time.perf_counter() - begin, number


async def _insert(store: Store, same: Sequence[dict[str, Any]]) -> float:
    """Seconds for SQLAlchemy to insert the rows, by the faster of its ways."""
    seconds = []
    for statement in (insert(message), insert(message).returning(message.c.id)):
        begin = time.perf_counter()
        await store.run(_insert_pages, statement, same)
        seconds.append(time.perf_counter() - begin)
        await store.run(lambda conn: conn.execute(delete(message)))
    return min(seconds)


def _insert_pages(conn: Connection, statement: Any, same: Sequence[dict[str, Any]]) -> None:
    for first in range(0, len(same), PAGE):
        conn.execute(statement, same[first : first + PAGE])


def _written(conn: Connection, number: int) -> list[dict[str, Any]]:
    chosen = select(message).where(message.c.broadcast == number).order_by(message.c.id)
    return [dict(row) for row in conn.execute(chosen).mappings()]


async def _measure(engine: str, plan_url: str, insert_url: str) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with Store(plan_url) as plans, Store(insert_url) as inserts:
        for store in (plans, inserts):
            await migrate.upgrade(store)
        await plans.run(rows.add_audience, 1, SIZE, tomorrow)
        if engine == "postgresql":
            await plans.run(lambda conn: conn.exec_driver_sql("ANALYZE"))
        pairs = []
        for _ in range(TURNS):
            planned, number = await _plan(plans)
            pairs.append((planned, await _insert(inserts, await plans.read(_written, number))))
            # Nothing of this turn is left for the collector to walk through in the next.
            gc.collect()
    _report(engine, pairs)


def _report(engine: str, pairs: Iterable[tuple[float, float]]) -> None:
    pairs = list(pairs)
    report(
        "plan",
        statistics.median(one / other for one, other in pairs),
        BAR,
        engine=engine,
        at_most=True,
        messages=SIZE,
        plan_seconds=round(statistics.median(one for one, _ in pairs), 2),
        insert_seconds=round(statistics.median(other for _, other in pairs), 2),
    )


def main(engines: Sequence[str] = ("sqlite", "postgresql")) -> None:
    """Print a ratio for each engine."""
    if "sqlite" in engines:
        with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder:
            run(_measure("sqlite", f"sqlite:///{folder}/plan.db", f"sqlite:///{folder}/insert.db"))
    if "postgresql" in engines:
        with postgres_server() as server:
            run(_measure("postgresql", server.create("plan"), server.create("insert")))


if __name__ == "__main__":
    main()
