"""Caps under four gateways at once on PostgreSQL: exact, and what counting again costs a start.

Every client has many calls and texts waiting on one number that they share with another client. The
dispatchers of four gateways, each with connections of its own, work both channels; the channels are played.
What came of it is read from the attempts on record. The price is that of claim, start and settle with and
without limits, in turns.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import Connection, func, select, text

from gateway.dispatch import Dispatcher
from gateway.domain import Attempt, Channel, Delivered, Limit, Limited, Outcome
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from store import broadcasts, migrate
from store.engine import Store
from store.queue import Claimed
from store.schema import attempt, message
from tests import line
from tests.bench import queue, rows
from tests.bench.measure import report
from tests.model.stage import Stage
from tests.postgres import Server, postgres_server

GATEWAYS = 4
# Two clients on each number, so many messages for each of them on each channel.
NUMBERS, EACH = 40, 15
CHANNELS = (Channel.VOICE, Channel.SMS)
LONGEST = 120.0
TURNS = 15
# A start that counts may cost so much of the way from claim to settled.
BAR = 0.75


async def _arrives(_: Channel, __: Attempt) -> Outcome:
    await asyncio.sleep(0.002)
    return Delivered("receipt-delivered")


def _fill(conn: Connection) -> None:
    """Clients, two on a number that both channels have, with their messages."""
    now = datetime.now(UTC)
    people = 2 * NUMBERS
    rows.add_audience(conn, 1, people, now + timedelta(days=1), Channel.SMS)
    number = f"'+1' || (2025550100 + recipient % {NUMBERS})"
    conn.execute(text("DELETE FROM contact WHERE channel <> 'sms'"))
    conn.execute(text(f"UPDATE contact SET address = {number}"))
    conn.execute(
        text(
            "INSERT INTO contact (clinic, id, recipient, channel, origin, address) "
            "SELECT clinic, id + 100000, recipient, 'voice', origin, address FROM contact"
        )
    )
    for place, way in enumerate(CHANNELS):
        for turn in range(EACH):
            first = 1 + (place * EACH + turn) * people
            rows.add_messages(conn, first, people, "queued", now - timedelta(hours=1), way)
            conn.execute(
                text(
                    f"UPDATE message SET recipient = 1 + (id - 1) % {people}, step = {place * EACH + turn}, "
                    f"broadcast = {place + 1}, appointment = 1 + (id - 1) % {people} WHERE id >= {first}"
                )
            )
    conn.execute(text(f"UPDATE message SET address = {number}"))


@asynccontextmanager
async def _gateway(url: str, name: int, settings: Settings) -> AsyncIterator[Store]:
    async with Store(url) as store:
        link, owner = StoreLink(store), f"bench{name}/00000001"
        outbox = Outbox(link, settings, owner)
        lines = [Dispatcher(Stage(way, _arrives), link, outbox, settings, owner) for way in CHANNELS]
        tasks = [asyncio.create_task(one.run()) for one in (outbox, *lines)]
        try:
            yield store
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)


def _waiting(conn: Connection) -> int:
    """Messages that nobody has decided on yet."""
    states = message.c.state.in_(["queued", "claimed", "sending"])
    return int(conn.execute(select(func.count()).where(states)).scalar_one())


def _reasons(conn: Connection) -> dict[str, int]:
    query = select(message.c.state, message.c.reason, func.count()).group_by(
        message.c.state, message.c.reason
    )
    return {f"{state} {reason or ''}".strip(): count for state, reason, count in conn.execute(query)}


def _made(conn: Connection) -> Sequence[tuple[str, datetime]]:
    query = select(message.c.address, attempt.c.started_at).join(
        attempt, (attempt.c.message == message.c.id) & (attempt.c.clinic == message.c.clinic)
    )
    return [(row[0], row[1]) for row in conn.execute(query.where(attempt.c.charged))]


async def _race(server: Server) -> None:
    url, settings = server.create("caps"), line.settings_of(Path("."))
    zone, most = ZoneInfo(settings.clinic.zone), settings.policy.caps.a_day
    async with Store(url) as store:
        await migrate.upgrade(store)
        for way in CHANNELS:
            await store.run(broadcasts.order, rows.CLINIC, line.order(way, store.clock()), store.clock())
        await store.run(_fill)
    begin = time.perf_counter()
    async with AsyncExitStack() as stack:
        stores = [await stack.enter_async_context(_gateway(url, n, settings)) for n in range(GATEWAYS)]
        async with asyncio.timeout(LONGEST):
            while await stores[0].read(_waiting):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        seconds = time.perf_counter() - begin
        made, reasons = await stores[0].read(_made), await stores[0].read(_reasons)
    per_day = Counter((address, at.astimezone(zone).date()) for address, at in made)
    above = sum(count > most for count in per_day.values())
    below = NUMBERS - sum(count == most for count in per_day.values())
    report(
        "caps-exact",
        float(not above and below <= 0 and len(per_day) >= NUMBERS),
        1.0,
        gateways=GATEWAYS,
        numbers=NUMBERS,
        messages=2 * NUMBERS * EACH * len(CHANNELS),
        above_the_cap=above,
        left_out=below,
        attempts=len(made),
        seconds=round(seconds, 2),
        became=reasons,
    )


class Limiting(queue.ThroughStore):
    """The same, with every start counted again."""

    def limits(self, claimed: Sequence[Claimed], now: datetime) -> Mapping[int, Limited]:
        """As the dispatcher gives them for a client with one number."""
        day = now.replace(hour=0, minute=0, second=0, microsecond=0)
        limits = (Limit(day, 3), Limit(day - timedelta(days=6), 7))
        return {one.id: Limited(one.address, frozenset({one.address}), limits) for one in claimed}


async def _price(engine: str, urls: Sequence[str]) -> None:
    for url in urls:
        await queue.filled(url, 100_000)
    async with Store(urls[0]) as one, Store(urls[1]) as other:
        limited, free, ratio = await queue.compare(Limiting(one), queue.ThroughStore(other), TURNS)
    report(
        "caps-price",
        ratio,
        BAR,
        engine=engine,
        limited_per_second=round(limited),
        unchecked_per_second=round(free),
        batch=queue.BATCH,
    )


def main() -> None:
    """Print whether caps were exact, and the rate of limited starts against unchecked ones."""

    with postgres_server() as server:
        asyncio.run(_race(server))
        asyncio.run(_price("postgresql", [server.create("limited"), server.create("free")]))
    with tempfile.TemporaryDirectory(prefix="ringwell-bench-") as folder:
        asyncio.run(_price("sqlite", [f"sqlite:///{folder}/{name}.db" for name in ("limited", "free")]))


if __name__ == "__main__":
    main()
