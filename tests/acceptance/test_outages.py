"""What the gateway stands on goes away, at the start or in the middle: said once, not charged, all told."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, func, select

from gateway import settings
from gateway.asterisk.instance import Instance
from gateway.asterisk.provision import provision
from gateway.demo.clinic import Household
from gateway.demo.rehearsal import Plan, Rehearsal, rehearsal
from gateway.demo.report import Report, gather
from gateway.demo.run import order, prepare, settle
from gateway.link import StoreLink
from gateway.town.control import command
from gateway.town.town import read_address
from store.engine import Store
from store.schema import message
from tests.store.cluster import Cluster, own_cluster

SETTLE_SECONDS = 100.0
# Short calls, texts and mails; a few of each.
FEW = (Household(4, "voice", voice=0), Household(6, "text"), Household(6, "email"))
# Enough, and lines slow enough, for an outage to fall into the work.
MANY = (Household(16, "voice", voice=0), Household(60, "text"), Household(60, "email"))
pytestmark = pytest.mark.timeout(240)


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


async def test_peers_that_are_away_at_the_start_are_said_once_and_cost_nothing(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(FEW, pace=0.3), ("smsc", "mail")) as (held, store):
        await held.start_daemon()
        await until(lambda: said(held, "texts wait") and said(held, "mail waits"))
        # Calls go on meanwhile: as many contacts as there are calls, and not one attempt more is charged.
        async with asyncio.timeout(60):
            while await store.read(charged) < 4:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        await asyncio.sleep(3)  # several tries of both lines fall into it
        assert await store.read(charged) == 4
        assert (said(held, "texts wait"), said(held, "mail waits")) == (1, 1)
        await tell(held, "resume smsc")
        await tell(held, "resume mail")
        report = await told(store, held)
    assert report.agreement.clean, report.agreement.findings
    assert report.agreement.unknown == 0
    assert len(report.town) == 16


async def test_a_telephone_network_that_is_away_at_the_start_costs_no_call(tmp_path: Path) -> None:
    async with world(tmp_path, Plan(FEW, pace=0.3), ("exchange",)) as (held, store):
        await held.start_daemon()
        await until(lambda: said(held, "takes no calls"))
        async with asyncio.timeout(60):
            while await store.read(charged) < 12:  # noqa: ASYNC110
                await asyncio.sleep(0.1)
        assert await store.read(charged) == 12
        assert said(held, "takes no calls") == 1
        await tell(held, "resume exchange")
        report = await told(store, held)
    assert report.agreement.clean, report.agreement.findings
    assert report.agreement.unknown == 0


async def test_smsc_and_relay_lost_in_the_middle_come_back_to_nothing_lost_or_doubled(tmp_path: Path) -> None:
    plan = Plan(MANY, pace=0.3, texts_per_second=15, calls_per_second=4)
    async with world(tmp_path, plan) as (held, store):
        await held.start_daemon()
        await settled(store, held, 0.4)
        await tell(held, "pause smsc")
        await tell(held, "pause mail")
        await until(lambda: said(held, "texts wait"))
        await asyncio.sleep(2)  # an outage has a length
        await tell(held, "resume smsc")
        await tell(held, "resume mail")
        report = await told(store, held)
        window = held.settings.binds["town"].window + held.settings.relays["town"].connections
    assert said(held, "texts wait") == 1
    assert report.agreement.clean, report.agreement.findings
    assert report.agreement.unknown <= window


async def test_an_exchange_killed_in_the_middle_is_started_again_and_nobody_is_called_twice(
    tmp_path: Path,
) -> None:
    plan = Plan(MANY, pace=0.3, texts_per_second=15, calls_per_second=4)
    async with world(tmp_path, plan) as (held, store):
        await held.start_daemon()
        exchange = Instance(held.settings.folder / "asterisk")
        await until(lambda: exchange.pid() is not None)
        await settled(store, held, 0.4)
        pid = exchange.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: said(held, "the exchange is away"))
        report = await told(store, held)
    assert said(held, "the exchange is back") == said(held, "calls and faxes wait") == 1
    assert report.agreement.clean, report.agreement.findings
    assert report.agreement.unknown <= held_calls(report)


def held_calls(report: Report) -> int:
    """No more can be unknown than calls were made."""
    return sum(1 for entry in report.town if entry.kind == "call")


async def test_a_database_file_that_another_program_locks_is_waited_for(tmp_path: Path) -> None:
    plan = Plan(MANY, pace=0.3, texts_per_second=15, calls_per_second=4)
    async with world(tmp_path, plan) as (held, store):
        await held.start_daemon()
        await settled(store, held, 0.3)
        lock = sqlite3.connect(held.settings.folder / "ringwell.sqlite3", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(10)  # longer than a program that waits politely
        lock.execute("ROLLBACK")
        lock.close()
        report = await told(store, held)
    assert report.agreement.clean, report.agreement.findings
    assert report.agreement.unknown == 0


@pytest.fixture
def own_postgres() -> Iterator[Cluster]:
    with own_cluster() as found:
        yield found


async def test_a_database_stopped_in_the_middle_is_said_once_and_waited_for(
    tmp_path: Path, own_postgres: Cluster
) -> None:
    url = await asyncio.to_thread(own_postgres.server.create, "outage")
    plan = Plan(MANY, pace=0.3, texts_per_second=15, calls_per_second=4, store_url=url)
    async with world(tmp_path, plan) as (held, store):
        await held.start_daemon()
        await settled(store, held, 0.4)
        await asyncio.to_thread(own_postgres.stop)
        await until(lambda: said(held, "nothing is sent until it is back"))
        await asyncio.sleep(2)  # an outage has a length
        await asyncio.to_thread(own_postgres.start)
        await until(lambda: said(held, "the database is back"))
        report = await told(store, held)
    assert said(held, "nothing is sent until it is back") == 1
    assert report.agreement.clean, report.agreement.findings


async def test_a_database_that_is_away_at_the_start_is_waited_for(
    tmp_path: Path, own_postgres: Cluster
) -> None:
    url = await asyncio.to_thread(own_postgres.server.create, "outage")
    async with world(tmp_path, Plan(FEW, pace=0.3, store_url=url)) as (held, store):
        await asyncio.to_thread(own_postgres.stop)
        await held.start_daemon()
        await until(lambda: said(held, "nothing is sent until it is back"))
        await asyncio.to_thread(own_postgres.start)
        report = await told(store, held)
    assert said(held, "nothing is sent until it is back") == 1
    assert report.agreement.clean, report.agreement.findings
    assert len(report.town) == 16
