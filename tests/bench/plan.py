"""Planning 100,000 messages with full policy, against SQLAlchemy's own way to insert the same rows.

The plan reads its audience page by page, judges every recipient as the dispatcher will, and writes messages
and verdicts. The other side only inserts what the plan wrote, 100,000 in one transaction, by the faster of
SQLAlchemy's two ways (executemany, insertmanyvalues). Both sides take turns on databases of their own.
`python -m tests.bench.plan 1000000` plans so many, once; the sides take turns at every 100,000, and each
turn prints the ratio so far. Further words name engines.
"""

from __future__ import annotations

import gc
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Table, delete, insert, select

from gateway import broadcast, wording
from gateway.commands.shared import run
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType
from gateway.policy import Rules
from gateway.settings import PolicySettings
from store import migrate
from store.engine import Store
from store.schema import message, verdict
from tests.bench import rows
from tests.bench.measure import report
from tests.postgres import postgres_server

SIZE = 100_000
TURNS = 3
PAGE = 1000
BAR = 5.0
RULES = Rules("America/New_York", PolicySettings())


def wanted_at(now: datetime) -> Broadcast:
    """Reminders by text to everybody with an appointment, sent at that moment."""
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


async def _turns(plans: Store, inserts: Store, size: int) -> AsyncIterator[tuple[float, float]]:
    """Plan, and insert what was planned at every SIZE messages: the seconds of both sides."""
    wanted = wanted_at(plans.clock())
    number = await broadcast.order(plans, rows.CLINIC, wanted)
    begin, planned, after = time.perf_counter(), 0, 0
    async for page in broadcast.plan(plans, rows.CLINIC, broadcast.numbered(wanted, number), RULES):
        planned += len(page)
        if planned % SIZE == 0:
            seconds = time.perf_counter() - begin
            inserted, after = await _insert(inserts, plans, number, after)
            yield seconds, inserted
            begin = time.perf_counter()
    if planned != size:
        raise RuntimeError(f"{planned} of {size} messages were planned")


async def _insert(inserts: Store, plans: Store, number: int, after: int) -> tuple[float, int]:
    """Seconds for SQLAlchemy to insert the next rows by the faster of its ways; and the last number."""
    pages = await plans.read(_written, number, after)
    seconds = []
    for returning in (False, True):
        await inserts.run(_remove, after)
        begin = time.perf_counter()
        await inserts.run(_insert_pages, pages, returning)
        seconds.append(time.perf_counter() - begin)
    return min(seconds), pages[-1][1][-1]["message"]


Rows = list[dict[str, Any]]


def _insert_pages(conn: Connection, pages: Sequence[tuple[Table, Rows]], returning: bool) -> None:
    for table, page in pages:
        into = insert(table)
        conn.execute(into.returning(table.c.clinic) if returning else into, page)


def _remove(conn: Connection, after: int) -> None:
    conn.execute(delete(message).where(message.c.id > after))
    conn.execute(delete(verdict).where(verdict.c.message > after))


def _written(conn: Connection, number: int, after: int) -> list[tuple[Table, Rows]]:
    """The next rows of a plan, in pages as it wrote them."""
    told = select(message).where(message.c.broadcast == number, message.c.id > after)
    told = told.order_by(message.c.id).limit(SIZE)
    messages = [dict(row) for row in conn.execute(told).mappings()]
    if not messages:
        return []
    first, last = messages[0]["id"], messages[-1]["id"]
    kept = select(verdict).where(verdict.c.message.between(first, last)).order_by(verdict.c.message)
    judged = [dict(row) for row in conn.execute(kept).mappings()]
    if len(judged) != len(messages):
        raise RuntimeError(f"{len(judged)} verdicts on {len(messages)} messages")
    both = ((message, messages), (verdict, judged))
    starts = range(0, len(messages), PAGE)
    return [(table, all_rows[start : start + PAGE]) for start in starts for table, all_rows in both]


async def _measure(engine: str, plan_url: str, insert_url: str, size: int) -> None:
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    async with Store(plan_url) as plans, Store(insert_url) as inserts:
        for store in (plans, inserts):
            await migrate.upgrade(store)
        await plans.run(rows.add_audience, 1, size, tomorrow)
        if engine == "postgresql":
            await plans.run(lambda conn: conn.exec_driver_sql("ANALYZE"))
        if size > SIZE:
            so_far, done = (0.0, 0.0), 0
            async for planned, inserted in _turns(plans, inserts, size):
                so_far = (so_far[0] + planned, so_far[1] + inserted)
                done += SIZE
                _report(engine, [so_far], done)
            return
        pairs = []
        for _ in range(TURNS):
            pairs += [pair async for pair in _turns(plans, inserts, size)]
            # Nothing of this turn is left for the collector to walk through in the next.
            gc.collect()
    _report(engine, pairs, size)


def _report(engine: str, pairs: Sequence[tuple[float, float]], size: int) -> None:
    report(
        "plan",
        statistics.median(one / other for one, other in pairs),
        BAR,
        engine=engine,
        at_most=True,
        messages=size,
        plan_seconds=round(statistics.median(one for one, _ in pairs), 2),
        insert_seconds=round(statistics.median(other for _, other in pairs), 2),
    )


def main(engines: Sequence[str] = ("sqlite", "postgresql"), size: int = SIZE) -> None:
    """Print a ratio for each engine."""
    if "sqlite" in engines:
        with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder:
            run(_measure("sqlite", f"sqlite:///{folder}/plan.db", f"sqlite:///{folder}/insert.db", size))
    if "postgresql" in engines:
        with postgres_server() as server:
            run(_measure("postgresql", server.create("plan"), server.create("insert"), size))


if __name__ == "__main__":
    main(sys.argv[2:] or ("sqlite", "postgresql"), int(sys.argv[1]) if len(sys.argv) > 1 else SIZE)
