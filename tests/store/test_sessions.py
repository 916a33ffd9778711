"""Browsers that came in, and tries to: what is kept of each, and for how long."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from store import accounts, sessions
from store.accounts import Details
from store.sessions import Try
from tests.store.world import CLINIC, World

# Another clinic of the same database.
ELSEWHERE = 2
A, B, C = "a" * 64, "b" * 64, "c" * 64
MINUTE = timedelta(minutes=1)


async def _user(world: World) -> int:
    await world.store.run(accounts.ship, CLINIC, [("admin", "Administrator", ["users"])])
    return await world.store.run(accounts.add, CLINIC, Details("ada", "Ada", 1), world.clock())


async def test_a_session_shows_its_user_as_they_stand_now(world: World) -> None:
    ada = await _user(world)
    await world.store.run(sessions.begin, CLINIC, A, ada, "code", "Firefox", world.clock())
    found = await world.store.read(sessions.find, CLINIC, A)
    assert found is not None
    assert (found.account.login, found.stage, found.browser) == ("ada", "code", "Firefox")
    await world.store.run(sessions.promote, CLINIC, A, "in")
    later = world.clock.move(minutes=5)
    await world.store.run(sessions.touch, CLINIC, A, later)
    await world.store.run(accounts.add_profile, CLINIC, "Auditor", ["audit"])
    found = await world.store.read(sessions.find, CLINIC, A)
    assert found is not None
    assert (found.stage, found.seen, found.account.rules) == ("in", later, frozenset({"users"}))
    assert await world.store.read(sessions.find, ELSEWHERE, A) is None


async def test_one_browser_or_all_others_are_signed_out(world: World) -> None:
    ada = await _user(world)
    for digest in (A, B, C):
        await world.store.run(sessions.begin, CLINIC, digest, ada, "in", "", world.clock())
    await world.store.run(sessions.end, CLINIC, B)
    assert {one.digest for one in await world.store.read(sessions.of_account, CLINIC, ada)} == {A, C}
    assert await world.store.run(sessions.end_all, CLINIC, ada, A) == 1
    assert [one.digest for one in await world.store.read(sessions.of_account, CLINIC, ada)] == [A]


async def test_sessions_that_are_over_are_forgotten(world: World) -> None:
    ada, now = await _user(world), world.clock()
    await world.store.run(sessions.begin, CLINIC, A, ada, "in", "", now)
    later = world.clock.move(minutes=20)
    await world.store.run(sessions.begin, CLINIC, B, ada, "in", "", later)
    await world.store.run(sessions.sweep, CLINIC, later - 15 * MINUTE, later - timedelta(hours=12))
    assert [one.digest for one in await world.store.read(sessions.of_account, CLINIC, ada)] == [B]


async def test_a_try_is_counted_before_it_is_judged_and_forgiven_when_it_was_right(world: World) -> None:
    seen: list[int] = []

    def judge(past: Sequence[Try]) -> datetime | None:
        seen.append(len(past))
        return past[-1].at + 15 * MINUTE if len(past) >= 2 else None

    async def tried() -> int | datetime:
        now = world.clock()
        wanted = Try("login", "10.0.0.9", "", now)
        return await world.store.run(sessions.begin_try, CLINIC, wanted, now - 15 * MINUTE, judge)

    first = await tried()
    assert isinstance(first, int)
    await world.store.run(sessions.forgive, CLINIC, first)
    assert isinstance(await tried(), int)
    assert isinstance(await tried(), int)
    assert await tried() == world.clock() + 15 * MINUTE
    assert seen == [0, 0, 1, 2]
    world.clock.move(minutes=16)
    assert isinstance(await tried(), int)
    assert seen[-1] == 0


async def test_a_known_browser_is_its_users_alone_and_forgotten_after_half_a_year(world: World) -> None:
    ada = await _user(world)
    await world.store.run(sessions.know, CLINIC, A, ada, world.clock())
    await world.store.run(sessions.know, CLINIC, A, ada, world.clock.move(days=100))
    assert await world.store.read(sessions.is_known, CLINIC, A, ada)
    assert not await world.store.read(sessions.is_known, CLINIC, A, ada + 1)
    await world.store.run(sessions.know, CLINIC, B, ada, world.clock.move(days=181))
    assert not await world.store.read(sessions.is_known, CLINIC, A, ada)
