"""Tries at a PIN are counted before the PIN is looked at, over all calls at once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from gateway.domain import RecipientKind
from store import pins, register
from store.people import Person
from store.pins import NumberTakenError, Try
from store.schema import pin_try
from tests.store.world import CLINIC, World

HASH = "$argon2id$…"


async def _user(world: World, number: str = "42", name: str = "S1") -> int:
    person = Person(RecipientKind.STAFF, name, "Grace", "Okafor", "es")
    staff = await world.store.run(register.save_person, CLINIC, person, world.clock())
    await world.store.run(pins.set_pin, CLINIC, staff, number, HASH, world.clock())
    return staff


def _never(past: Sequence[datetime]) -> datetime | None:
    return None


def _three(past: Sequence[datetime]) -> datetime | None:
    return past[-1] + timedelta(minutes=15) if len(past) >= 3 else None


async def _try(world: World, number: str = "42", judge: pins.Judge = _three) -> Try:
    return await world.store.run(pins.begin_try, CLINIC, number, judge, world.clock())


async def _end(world: World, tried: Try, right: bool, number: str = "42") -> None:
    assert tried.id is not None
    await world.store.run(pins.end_try, CLINIC, number, tried.id, right)


async def test_a_number_leads_to_its_user_and_language(world: World) -> None:
    staff = await _user(world)
    tried = await _try(world)
    assert tried.user == pins.StaffUser(staff, "42", "es", HASH)
    assert await world.store.read(pins.user_of, CLINIC, staff) == tried.user
    assert await world.store.read(pins.staff_of, CLINIC, "S1") == staff
    assert await world.store.read(pins.staff_of, CLINIC, "S9") is None


async def test_numbers_of_nobody_are_counted_and_locked_like_all_others(world: World) -> None:
    await _user(world)
    for _ in range(3):
        tried = await _try(world, "777")
        assert tried.user is None
        await _end(world, tried, False, "777")
    assert (await _try(world, "777")).id is None
    assert (await _try(world)).id is not None


async def test_of_many_tries_at_once_no_more_than_allowed_are_looked_at(world: World) -> None:
    await _user(world)
    tries = await asyncio.gather(*(_try(world) for _ in range(20)))
    assert sum(tried.id is not None for tried in tries) == 3
    assert all(tried.user is None for tried in tries if tried.id is None)


async def test_a_lock_ends_by_itself(world: World) -> None:
    await _user(world)
    for _ in range(3):
        await _end(world, await _try(world), False)
    world.clock.move(minutes=14, seconds=59)
    assert (await _try(world)).id is None
    world.clock.move(seconds=1)
    assert (await _try(world)).id is not None


async def test_a_right_pin_forgives_what_was_wrong_but_nothing_that_is_still_open(world: World) -> None:
    await _user(world)
    wrong, under_way, right = [await _try(world, judge=_never) for _ in range(3)]
    await _end(world, wrong, False)
    await _end(world, right, True)
    assert [row["id"] for row in await world.rows(pin_try, number="42")] == [under_way.id]
    await _end(world, under_way, False)
    assert len(await world.rows(pin_try, number="42")) == 1


async def test_a_call_that_broke_off_counts_as_wrong(world: World) -> None:
    await _user(world)
    for _ in range(3):
        await _try(world)
    assert (await _try(world)).id is None


async def test_a_new_pin_unlocks(world: World) -> None:
    staff = await _user(world)
    for _ in range(3):
        await _end(world, await _try(world), False)
    await world.store.run(pins.set_pin, CLINIC, staff, "42", HASH + "2", world.clock())
    tried = await _try(world)
    assert tried.user is not None
    assert tried.user.pin_hash == HASH + "2"


async def test_a_number_belongs_to_one_person(world: World) -> None:
    first = await _user(world)
    with pytest.raises(NumberTakenError, match="42 belongs to somebody else"):
        await _user(world, "42", "S2")
    await world.store.run(pins.set_pin, CLINIC, first, "43", HASH, world.clock())
    assert (await _try(world)).user is None
    assert await _user(world, "42", "S2") != first


async def test_who_lost_their_pin_may_not_come_in(world: World) -> None:
    staff = await _user(world)
    assert await world.store.run(pins.take_pin, CLINIC, staff)
    assert not await world.store.run(pins.take_pin, CLINIC, staff)
    assert (await _try(world)).user is None


async def test_the_staff_are_listed_with_their_numbers(world: World) -> None:
    await _user(world)
    zoe = Person(RecipientKind.STAFF, "S2", "Zoe", "Zimmer", "en")
    await world.store.run(register.save_person, CLINIC, zoe, world.clock())
    await world.person("a client")
    listed = await world.store.read(pins.staff_list, CLINIC)
    assert [(row.external_id, row.name, row.language, row.number) for row in listed] == [
        ("S1", "Grace Okafor", "es", "42"),
        ("S2", "Zoe Zimmer", "en", None),
    ]


async def test_old_tries_do_not_pile_up(world: World) -> None:
    for _ in range(5):
        await _try(world, judge=_never)
    world.clock.move(days=3)
    await _try(world, judge=_never)
    assert len(await world.rows(pin_try)) == 1


async def test_clinics_do_not_share_numbers(world: World) -> None:
    await _user(world)
    tried = await world.store.run(pins.begin_try, 2, "42", _never, world.clock())
    assert tried.user is None
