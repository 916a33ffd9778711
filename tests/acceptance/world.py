"""A rehearsed clinic whose town can be broken; both ledgers are compared at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy import Connection, func, select

from gateway import settings
from gateway.asterisk.provision import provision
from gateway.demo.rehearsal import Plan, Rehearsal, rehearsal
from gateway.demo.report import Report, gather
from gateway.demo.run import order, prepare, settle
from gateway.link import StoreLink
from gateway.town.control import command
from gateway.town.town import read_address
from store.engine import Store
from store.schema import message

SETTLE_SECONDS = 100.0


@asynccontextmanager
async def world(
    folder: Path, plan: Plan, away: tuple[str, ...] = ()
) -> AsyncIterator[tuple[Rehearsal, Store]]:
    """A town of which some is away, and a clinic with a broadcast in its queue; no gateway runs yet."""
    await asyncio.to_thread(provision, settings.cache_folder(), lambda step, count: None)
    async with rehearsal(folder, plan) as held:
        for part in away:
            await tell(held, f"pause {part}")
        async with Store(held.settings.store_url) as store:
            await prepare(held, store)
            await order(store, held, "Reminders", 1)
            yield held, store


async def tell(held: Rehearsal, words: str) -> None:
    """Break or mend a part of the town."""
    address = read_address(held.town_folder)
    assert address is not None
    await command(address.control, words)


def said(held: Rehearsal, words: str) -> int:
    """How many lines of the gateway's log hold these words."""
    return sum(words in line for line in held.daemon_log.read_text().splitlines())


async def until(condition: Callable[[], object], seconds: float = 40) -> None:
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def settled(store: Store, held: Rehearsal, share: float) -> None:
    """Wait until this part of the messages is on its way or at its end."""
    async with asyncio.timeout(60):
        while await store.read(_started) < share * await store.read(_all):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def _all(conn: Connection) -> int:
    return conn.execute(select(func.count()).select_from(message)).scalar_one()


def _started(conn: Connection) -> int:
    return conn.execute(
        select(func.count()).select_from(message).where(message.c.started_at.is_not(None))
    ).scalar_one()


def charged(conn: Connection) -> int:
    """How many attempts counted so far."""
    return conn.execute(select(func.coalesce(func.sum(message.c.charged), 0))).scalar_one()


async def told(store: Store, held: Rehearsal) -> Report:
    """The report once all is settled."""
    link = StoreLink(store)  # this test's own connections were cut, too
    done = await link.patiently(
        lambda: settle(store, held, lambda stage, counts, total: None, SETTLE_SECONDS)
    )
    report = await gather(store, held.settings.clinic.id, held.ledger, [])
    assert done, report.agreement.findings[:20]
    return report
