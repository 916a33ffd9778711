"""What the gateway stands on goes away, at the start or in the middle: said once, not charged, all told."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.asterisk.instance import Instance
from gateway.demo.clinic import Household
from gateway.demo.rehearsal import Plan, Rehearsal
from gateway.domain import Channel, State
from gateway.town.ledger import read_ledger
from store import history
from store.engine import Store
from store.history import Filter
from tests.acceptance.world import charged, said, settled, tell, told, until, world
from tests.store.cluster import Cluster, own_cluster

# Short calls, texts and mails; a few of each.
FEW = (Household(4, "voice", voice=0), Household(6, "text"), Household(6, "email"))
# Enough, and lines slow enough, for an outage to fall into the work.
MANY = (Household(16, "voice", voice=0), Household(60, "text"), Household(60, "email"))
pytestmark = pytest.mark.timeout(240)


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
        await until(lambda: calls_up(held) >= 2)
        pid = exchange.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        up = await calls_under_way(store, held)
        await until(lambda: said(held, "the exchange is away"))
        report = await told(store, held)
    assert said(held, "the exchange is back") == said(held, "calls and faxes wait") == 1
    assert report.agreement.clean, report.agreement.findings
    assert 0 < up < sum(entry.kind == "call" for entry in report.town)
    assert report.agreement.unknown <= up


def calls_up(held: Rehearsal) -> int:
    """Calls that the town sees now."""
    return sum(entry.kind == "call" and entry.ended is None for entry in read_ledger(held.ledger))


async def calls_under_way(store: Store, held: Rehearsal) -> int:
    """How many calls and faxes were begun and not ended: no more can be unknown."""
    clinic, found = held.settings.clinic.id, 0
    for channel in (Channel.VOICE, Channel.FAX):
        counts = await store.read(history.counts, clinic, Filter(state=State.SENDING, channel=channel.value))
        found += sum(counts.values())
    return found


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
