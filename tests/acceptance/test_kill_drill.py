"""SIGKILL at 20 random moments of one broadcast: nothing lost, nobody contacted twice."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from gateway import settings
from gateway.asterisk.provision import provision
from gateway.demo.clinic import DRILL, people
from gateway.demo.rehearsal import Plan, Rehearsal, rehearsal
from gateway.demo.report import gather
from gateway.demo.run import order, prepare, settle
from gateway.domain import State
from store import history
from store.engine import Store
from store.history import Filter

KILLS = 20
# The lines are slow enough for the work to last as long as the kills.
SLOW_ENOUGH = Plan(DRILL, seed=1, pace=0.3, texts_per_second=6, calls_per_second=4)
SETTLE_SECONDS = 150.0


async def under_way(store: Store, held: Rehearsal) -> int:
    """How many attempts the kill left between start and settlement."""
    counts = await store.read(history.counts, held.settings.clinic.id, Filter(state=State.SENDING))
    return sum(counts.values())


async def seconds_to_work(store: Store, held: Rehearsal) -> float:
    """From the start of the gateway to its first attempt: a slow machine needs longer for both."""
    begin = asyncio.get_running_loop().time()
    await held.start_daemon()
    async with asyncio.timeout(60):
        while not await under_way(store, held):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return asyncio.get_running_loop().time() - begin


def quiet(stage: str, counts: Counter[str], total: int) -> None:
    """The test shows no progress."""


@pytest.mark.timeout(420)
async def test_twenty_kills_lose_nothing_and_contact_nobody_twice(tmp_path):
    await asyncio.to_thread(provision, settings.cache_folder(), lambda step, count: None)
    chance = random.Random(20)
    refusing = [client.id for client, household in people(DRILL, 1) if not household.consent]
    async with (
        rehearsal(tmp_path, SLOW_ENOUGH) as held,
        Store(held.settings.store_url) as store,
    ):
        await prepare(held, store)
        await order(store, held, "Drill", 1)
        interrupted, usual = 0, await seconds_to_work(store, held)
        for number in range(KILLS):
            if number:
                await held.start_daemon()
                # Not a wait for anything: the random moment is what is tested, start and recovery included.
                await asyncio.sleep(usual * chance.uniform(0.4, 1.8))
            held.kill_daemon()
            await held.daemon_ended()
            interrupted += await under_way(store, held)
        await held.start_daemon()
        settled = await settle(store, held, quiet, SETTLE_SECONDS)
        report = await gather(store, held.settings.clinic.id, held.ledger, refusing)
    assert settled, report.agreement.findings[:20]
    planned = [message for message in report.messages if message["broadcast"]]
    answers = Counter(message["address"] for message in report.messages if not message["broadcast"])
    assert len(planned) == 400
    # Whoever replied was answered, and once, whatever was killed.
    assert answers
    assert set(answers.values()) == {1}
    assert report.agreement.clean, report.agreement.findings[:20]
    # Nothing is unknown that was not under way when it was killed.
    assert report.agreement.unknown <= interrupted
    # The drill means something only if the kills fell into the work.
    assert interrupted >= KILLS
    assert sum(1 for message in planned if message["attempts"]) > 350
    print(f"interrupted {interrupted}, unknown in the end {report.agreement.unknown}")
