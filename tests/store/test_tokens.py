"""Tokens of programs, and what was answered to requests that may be sent again."""

from __future__ import annotations

from datetime import timedelta

from store import answers, tokens
from store.answers import Answer
from tests.store.world import CLINIC, NOON, World

DAY = timedelta(days=1)


async def test_a_token_is_found_by_its_digest_until_it_is_revoked(world: World) -> None:
    store, now = world.store, world.clock()
    args = "Charts", "a" * 64, ["messaging-view"], "Ada", now, now + DAY
    number = await store.run(tokens.add, CLINIC, *args)
    found = await store.read(tokens.find, CLINIC, "a" * 64)
    assert found == tokens.Token(
        number, "Charts", frozenset({"messaging-view"}), "Ada", NOON, NOON + DAY, None, None
    )
    assert await store.read(tokens.find, CLINIC, "b" * 64) is None
    assert await store.read(tokens.find, CLINIC + 1, "a" * 64) is None
    await store.run(tokens.used, CLINIC, number, now)
    assert await store.run(tokens.revoke, CLINIC, number, now)
    assert not await store.run(tokens.revoke, CLINIC, number, now)
    (listed,) = await store.read(tokens.listing, CLINIC)
    assert (listed.used_at, listed.revoked_at) == (NOON, NOON)


async def _begin(world: World, request: str = "r", token: int = 1) -> Answer | None:
    return await world.store.run(answers.begin, CLINIC, token, "key", request, world.clock())


async def test_a_key_has_one_answer_for_a_day(world: World) -> None:
    assert await _begin(world) is None
    assert await _begin(world) == Answer("r", 0, "")
    await world.store.run(answers.keep, CLINIC, 1, "key", 201, '{"id":1}')
    assert await _begin(world, "other") == Answer("r", 201, '{"id":1}')
    assert await _begin(world, token=2) is None
    world.clock.move(days=1, seconds=1)
    assert await _begin(world, "other") is None


async def test_a_key_of_which_nothing_came_may_be_used_again(world: World) -> None:
    assert await _begin(world) is None
    await world.store.run(answers.release, CLINIC, 1, "key")
    assert await _begin(world, "other") is None
