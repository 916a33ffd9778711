"""What is known of a number's fax line, and what a message brought there already."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Connection, insert

from store import fax_lines
from store.schema import attempt
from tests.store.world import CLINIC, World

NUMBER = "+12025550107"
OTHER = "+12025550108"


def _attempted(
    conn: Connection, message: int, number: int, world: World, cause: str, **evidence: Any
) -> None:
    times = {"started_at": world.clock(), "settled_at": world.clock()}
    values = {"clinic": CLINIC, "message": message, "number": number, "outcome": "retry", "cause": cause}
    conn.execute(insert(attempt).values(**values, **times, evidence=evidence))


async def _recalled(world: World, address: str = NUMBER, message: int = 1) -> tuple[int, int, int]:
    return await world.store.read(fax_lines.recall, CLINIC, address, message, world.clock())


async def test_the_last_way_that_was_learnt_is_recalled_for_its_number_alone(world: World) -> None:
    assert await _recalled(world) == (0, 0, 0)
    for rung, voices in ((1, 1), (2, 0)):
        await world.store.run(fax_lines.learn, CLINIC, NUMBER, rung, voices, world.clock())
    assert await _recalled(world) == (2, 0, 0)
    assert await _recalled(world, OTHER) == (0, 0, 0)


async def test_what_is_old_is_not_believed(world: World) -> None:
    await world.store.run(fax_lines.learn, CLINIC, NUMBER, 3, 1, world.clock())
    world.clock.now += fax_lines.BELIEVED + timedelta(days=1)
    assert await _recalled(world) == (0, 0, 0)


async def test_pages_of_all_attempts_count_without_their_covers(world: World) -> None:
    message = await world.message(address=NUMBER)
    await world.store.run(_attempted, message, 1, world, "pages-missing", pages=3)
    await world.store.run(_attempted, message, 2, world, "busy")
    await world.store.run(_attempted, message, 3, world, "pages-missing", pages=2)
    other = await world.message(address=NUMBER)
    assert await _recalled(world, message=message) == (0, 0, 3)
    assert await _recalled(world, message=other) == (0, 0, 0)
