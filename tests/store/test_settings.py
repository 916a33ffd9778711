"""Settings changed while running: the newest line holds, the history stays, and gateways follow."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from gateway import changing, in_force
from gateway.in_force import Follower
from gateway.link import StoreLink
from gateway.policy import Rules
from gateway.settings import Settings, SettingsError
from store import settings
from tests.store.world import CLINIC, NOON, World

OPENS = "policy.sms.opens"
FILE = Settings()


async def _set(world: World, name: str, value: str | None, by: str = "Ana", clinic: int = CLINIC) -> int:
    return await world.store.run(settings.change, clinic, name, value, by, "why", world.clock())


async def test_the_newest_change_of_each_setting_holds_and_all_stay_on_record(world: World) -> None:
    assert await world.store.read(settings.current, CLINIC) == (0, {})
    assert await world.store.read(settings.version, CLINIC) == 0
    for value in ('"09:00"', '"10:00"'):
        await _set(world, OPENS, value)
    await _set(world, "policy.caps.a_day", "2", by="Ben")
    last, held = await world.store.read(settings.current, CLINIC)
    assert (last, {name: one.value for name, one in held.items()}) == (
        3,
        {OPENS: '"10:00"', "policy.caps.a_day": "2"},
    )
    assert await world.store.read(settings.version, CLINIC) == 3
    found = await world.store.read(settings.history, CLINIC)
    assert [(one.id, one.value, one.by, one.at) for one in found] == [
        (3, "2", "Ben", NOON),
        (2, '"10:00"', "Ana", NOON),
        (1, '"09:00"', "Ana", NOON),
    ]
    assert [one.id for one in await world.store.read(settings.history, CLINIC, OPENS)] == [2, 1]


async def test_what_was_given_back_to_the_file_holds_no_more(world: World) -> None:
    await _set(world, OPENS, '"09:00"')
    await _set(world, OPENS, None)
    assert await world.store.read(settings.current, CLINIC) == (2, {})


async def test_each_clinic_has_its_own(world: World) -> None:
    await _set(world, OPENS, '"09:00"', clinic=CLINIC + 1)
    assert await world.store.read(settings.current, CLINIC) == (0, {})


async def test_a_change_is_checked_before_it_is_kept_and_says_who_made_it(world: World) -> None:
    assert await changing.set_one(world.store, FILE, OPENS, "09:30", " Ana ", "summer") == 1
    with pytest.raises(SettingsError, match="not a whole number such as 3"):
        await changing.set_one(world.store, FILE, "policy.caps.a_day", "x", "Ana")
    with pytest.raises(SettingsError, match="say who"):
        await changing.set_one(world.store, FILE, OPENS, "09:30", " ")
    (kept,) = await world.store.read(settings.history, CLINIC)
    assert (kept.value, kept.by, kept.note) == ('"09:30:00"', "Ana", "summer")
    assert await changing.reset(world.store, FILE, OPENS, "Ben")
    assert not await changing.reset(world.store, FILE, OPENS, "Ben")
    with pytest.raises(SettingsError, match="known setting"):
        await changing.reset(world.store, FILE, "no.such", "Ben")
    assert await world.store.read(settings.version, CLINIC) == 2


async def test_what_an_older_version_kept_and_this_one_cannot_use_stops_nothing(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    await _set(world, "policy.gone", "1")
    await _set(world, OPENS, '"09:00"')
    with caplog.at_level(logging.CRITICAL, "gateway.in_force"):
        found = await in_force.in_force(world.store, FILE)
    assert (f"{found.policy.sms.opens:%H:%M}", found.changed) == ("09:00", 2)


@asynccontextmanager
async def _following(world: World, *adopters: Callable[[Settings], None]) -> AsyncIterator[None]:
    follower = Follower(StoreLink(world.store, pause=0.05), FILE, 0, adopters)
    task = asyncio.create_task(follower.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_two_gateways_on_one_store_go_by_a_change_without_a_restart(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_force, "LOOK_SECONDS", 0.02)
    seen: list[asyncio.Queue[Settings]] = [asyncio.Queue(), asyncio.Queue()]
    async with _following(world, seen[0].put_nowait), _following(world, seen[1].put_nowait):
        await changing.set_one(world.store, FILE, OPENS, "09:30", "Ana")
        async with asyncio.timeout(60):
            for gateway in seen:
                found = await gateway.get()
                assert f"{found.policy.sms.opens:%H:%M}" == "09:30"
                assert Rules.of(found).version.startswith("1.")
        await changing.reset(world.store, FILE, OPENS, "Ana")
        async with asyncio.timeout(60):
            for gateway in seen:
                assert (await gateway.get()).policy == FILE.policy
