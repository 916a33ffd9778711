"""A brand's day is never sent twice over, however many take from it."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

from store import quotas
from tests.store.world import CLINIC, World

DAY = date(2026, 3, 10)


async def test_several_gateways_take_no_more_than_the_day_has(world: World) -> None:
    takes = (world.store.run(quotas.reserve, CLINIC, "clinic", DAY, 100, 30) for _ in range(5))
    assert sorted(await asyncio.gather(*takes)) == [0, 10, 30, 30, 30]


async def test_what_is_given_back_is_there_again_and_the_next_day_is_another(world: World) -> None:
    assert await world.store.run(quotas.reserve, CLINIC, "clinic", DAY, 50, 50) == 50
    assert await world.store.run(quotas.reserve, CLINIC, "clinic", DAY, 50, -20) == -20
    assert await world.store.run(quotas.reserve, CLINIC, "clinic", DAY, 50, 30) == 20
    assert await world.store.run(quotas.reserve, CLINIC, "clinic", DAY + timedelta(days=1), 50, 30) == 30
    assert await world.store.run(quotas.reserve, CLINIC, "other", DAY, 50, 30) == 30
    assert await world.store.read(quotas.taken, CLINIC, "clinic", DAY) == 50
    assert await world.store.read(quotas.taken, CLINIC, "nobody", DAY) == 0
