"""Caps are exact: what is started is counted again in the very transaction, on both engines."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from gateway.domain import Limit, Limited, State
from store import queue, room
from store.engine import Store
from store.settle import Settlement
from tests.store.world import CLINIC, LEASE, NOBODY_SINCE, NOON, OWNER, World, delivered

PHONE, MOBILE = "+12025550100", "+12025550101"
MIDNIGHT = NOON - timedelta(hours=12)
THREE_A_DAY = (Limit(MIDNIGHT, 3), Limit(MIDNIGHT - timedelta(days=6), 7))


def within(address: str = PHONE, *others: str, limits: Sequence[Limit] = THREE_A_DAY) -> Limited:
    return Limited(address, frozenset({address, *others}), limits)


async def told(world: World, at: datetime, count: int = 1, **columns: object) -> None:
    """So many earlier attempts at that moment."""
    for number in await world.messages(count, State.SENDING, started_at=at, **columns):
        await world.settle(delivered(number, started_at=at))


async def test_of_one_batch_only_as_many_start_as_have_room(world: World) -> None:
    numbers = await world.messages(5)
    await world.claim()
    limited = dict.fromkeys(numbers, within())
    assert list(await world.start(numbers, limited=limited)) == numbers[:3]
    assert await world.states(numbers) == ["sending"] * 3 + ["queued"] * 2
    await world.claim()
    assert await world.start(numbers[3:], limited=limited) == {}


async def test_calls_and_texts_to_any_number_of_a_client_count_together(world: World) -> None:
    await told(world, NOON - timedelta(hours=1), address=MOBILE, channel="voice")
    await told(world, NOON - timedelta(hours=2), address=PHONE)
    numbers = await world.messages(1) + await world.messages(1, address=MOBILE)
    await world.claim()
    limited = {numbers[0]: within(PHONE, MOBILE), numbers[1]: within(MOBILE, PHONE)}
    assert list(await world.start(numbers, limited=limited)) == numbers[:1]


async def test_two_clients_who_share_a_number_are_counted_together_on_it_alone(world: World) -> None:
    await told(world, NOON - timedelta(hours=1), 3, address=MOBILE)
    theirs = await world.message()
    shared = await world.message()
    await world.claim()
    limited = {theirs: within(PHONE), shared: within(PHONE, MOBILE)}
    assert list(await world.start([theirs, shared], limited=limited)) == [theirs]


async def test_a_message_for_a_family_starts_only_when_each_of_them_has_room(world: World) -> None:
    await told(world, NOON - timedelta(hours=1), 2, address=MOBILE)
    first, second, third = await world.messages(3)
    await world.claim()
    family = replace(within(PHONE), beside=(within(PHONE, MOBILE),))
    limited = {first: family, second: family, third: within(PHONE)}
    # It counts once for both of them; the third is for the one who has room.
    assert list(await world.start([first, second, third], limited=limited)) == [first, third]


async def test_a_family_and_another_gateway_wait_for_each_other(world: World, store: Store) -> None:
    family, alone = await world.message(), await world.message(address=MOBILE)
    await world.claim()
    one_left = (Limit(MIDNIGHT, 1),)
    parent = within(PHONE, limits=one_left)
    child = within(PHONE, MOBILE, limits=one_left)
    wanted = {family: replace(parent, beside=(child,)), alone: replace(child, address=MOBILE)}
    begun = await asyncio.gather(
        *(
            store.run(
                queue.start, CLINIC, OWNER, [number], NOBODY_SINCE, NOON, NOON + LEASE, {number: limits}
            )
            for number, limits in wanted.items()
        )
    )
    assert sum(map(len, begun)) == 1


async def test_attempts_that_never_left_mails_and_those_before_do_not_count(world: World) -> None:
    await told(world, MIDNIGHT - timedelta(seconds=1), 3)
    await told(world, NOON - timedelta(hours=1), 3, channel="email")
    for number in await world.messages(3, State.SENDING):
        again = NOON + timedelta(days=1)
        await world.settle(
            Settlement(number, 1, State.SCHEDULED, again, outcome="retry", cause="line-down", charged=False)
        )
    numbers = await world.messages(4)
    await world.claim()
    assert len(await world.start(numbers, limited=dict.fromkeys(numbers, within()))) == 3


async def test_a_week_has_its_own_cap_and_what_is_not_limited_always_starts(world: World) -> None:
    for days in (1, 2, 3):
        await told(world, NOON - timedelta(days=days), 2)
    numbers = await world.messages(3)
    await world.claim()
    limited = dict.fromkeys(numbers[:2], within())
    assert list(await world.start(numbers, limited=limited)) == [numbers[0], numbers[2]]


async def test_limits_of_other_kinds_hold_alike(world: World) -> None:
    gap = (Limit(NOON - timedelta(minutes=30), 1),)
    await told(world, NOON - timedelta(minutes=20))
    await told(world, NOON - timedelta(minutes=40), address=MOBILE)
    near, far = await world.message(), await world.message(address=MOBILE)
    await world.claim()
    limited = {near: within(limits=gap), far: within(MOBILE, limits=gap)}
    assert list(await world.start([near, far], limited=limited)) == [far]


@pytest.mark.parametrize("numbers", [[PHONE], [PHONE, MOBILE]])
async def test_four_starters_at_once_start_no_more_than_there_is_room_for(
    store: Store, world: World, numbers: list[str]
) -> None:
    limited = {}
    for place in range(40):
        mine, *others = numbers[place % len(numbers) :] + numbers[: place % len(numbers)]
        limited[await world.message(address=mine)] = within(mine, *others)
    await world.claim()

    async def starter(share: list[int]) -> list[int]:
        begun = []
        for number in share:
            wanted = {number: limited[number]}
            ends = NOON + LEASE
            begun += await store.run(queue.start, CLINIC, OWNER, [number], NOBODY_SINCE, NOON, ends, wanted)
        return begun

    begun = await asyncio.gather(*(starter(list(limited)[place::4]) for place in range(4)))
    assert sum(map(len, begun)) == 3
    made = await store.read(room.contacts_made, CLINIC, numbers, MIDNIGHT)
    assert sum(map(len, made.values())) == 3


async def test_a_start_of_messages_without_limits_counts_nothing(world: World) -> None:
    assert await world.store.run(room.without_room, CLINIC, {}, NOON) == set()
    assert await world.store.run(room.hold, CLINIC, []) is None
