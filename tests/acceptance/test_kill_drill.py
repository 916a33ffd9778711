"""SIGKILL at 20 random moments of one broadcast: nothing lost, nobody contacted twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from gateway import settings
from gateway.asterisk.provision import provision
from gateway.demo.clinic import DRILL, people
from gateway.demo.rehearsal import Plan, rehearsal
from gateway.demo.report import gather
from gateway.demo.run import order, prepare, settle
from store.engine import Store

KILLS = 20
SETTLE_SECONDS = 150.0


def quiet(stage: str, counts: Counter[str], total: int) -> None:
    """The test shows no progress."""


@pytest.mark.timeout(300)
async def test_twenty_kills_lose_nothing_and_contact_nobody_twice(tmp_path):
    await asyncio.to_thread(provision, settings.cache_folder(), lambda step, count: None)
    chance = random.Random(20)
    refusing = [client.id for client, household in people(DRILL, 1) if not household.consent]
    async with (
        rehearsal(tmp_path, Plan(DRILL, seed=1, pace=0.3)) as held,
        Store(held.settings.store_url) as store,
    ):
        await prepare(held, store)
        await order(store, held, "Drill", 1)
        for _ in range(KILLS):
            await held.start_daemon()
            # Not a wait for anything: the random moment is what is tested, start and recovery included.
            await asyncio.sleep(chance.uniform(0.5, 4.0))
            held.kill_daemon()
            await held.daemon_ended()
        await held.start_daemon()
        settled = await settle(store, held, quiet, SETTLE_SECONDS)
        report = await gather(store, held.settings.clinic.id, held.ledger, refusing)
        micro_batch = held.settings.dispatch.micro_batch
    assert settled, report.agreement.findings[:20]
    assert len(report.messages) == 400
    assert report.agreement.clean, report.agreement.findings[:20]
    assert report.agreement.unknown <= KILLS * micro_batch
    # The drill means something only if the kills fell into the work.
    interrupted = [m for m in report.messages if any(t["cause"] == "interrupted" for t in m["attempts"])]
    later = [m for m in report.messages if len(m["attempts"]) >= 1]
    assert len(later) > 350
    print(f"unknown {report.agreement.unknown}, interrupted for good {len(interrupted)}")
