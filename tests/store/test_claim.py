"""Claiming: each due message to one claimer, and nothing that is not due."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from gateway.domain import Channel, State
from store.engine import Store
from store.queue import claim, hand_back, move
from tests.store.world import CLINIC, LEASE, NOON, OTHER, OWNER, World


async def test_many_claimers_take_each_message_exactly_once(world: World, url: str) -> None:
    expected = await world.messages(600)
    stores = [Store(url, world.clock) for _ in range(8)]

    async def work(store: Store, owner: str) -> list[int]:
        taken: list[int] = []
        while True:
            got = await store.run(claim, CLINIC, Channel.SMS, owner, NOON, NOON + LEASE, 7)
            if not got:
                return taken
            taken += [item.id for item in got]

    try:
        taken = await asyncio.gather(
            *(work(store, f"n{i}/{j}") for i, store in enumerate(stores) for j in range(2))
        )
    finally:
        await asyncio.gather(*(store.close() for store in stores))
    assert sorted(number for some in taken for number in some) == sorted(expected)
    assert await world.claim() == []


async def test_the_oldest_due_comes_first_and_no_more_than_asked(world: World) -> None:
    late = await world.message(due_at=NOON - timedelta(minutes=1))
    early = await world.message(due_at=NOON - timedelta(minutes=9))
    same = await world.messages(2, due_at=NOON - timedelta(minutes=5))
    assert [item.id for item in await world.claim(most=3)] == [early, *same]
    assert [item.id for item in await world.claim(most=3)] == [late]


async def test_a_claim_tells_what_judging_needs(world: World) -> None:
    expires = NOON + timedelta(hours=3)
    number = await world.message(
        State.SCHEDULED, broadcast=4, recipient=5, appointment=6, charged=2, attempt=3, expires_at=expires
    )
    (got,) = await world.claim()
    assert (got.id, got.broadcast, got.recipient, got.appointment) == (number, 4, 5, 6)
    assert (got.address, got.attempt, got.charged) == ("+12025550100", 3, 2)
    assert (got.due_at, got.expires_at) == (NOON, expires)


async def test_a_claimed_message_is_leased_to_its_owner(world: World) -> None:
    number = await world.message()
    await world.claim()
    row = await world.row(number)
    assert (row["state"], row["lease_owner"], row["lease_until"]) == ("claimed", OWNER, NOON + LEASE)
    assert row["attempt"] == 0
    assert await world.claim(owner=OTHER) == []


async def test_messages_of_the_future_other_channels_and_other_clinics_stay(world: World) -> None:
    await world.message(due_at=NOON + timedelta(seconds=1))
    await world.message(channel="voice")
    await world.message(clinic=2)
    assert await world.claim() == []
    assert len(await world.claim(channel=Channel.VOICE)) == 1
    assert len(await world.claim(clinic=2)) == 1
    world.clock.move(seconds=1)
    assert len(await world.claim()) == 1


async def test_only_scheduled_and_queued_messages_are_due(world: World) -> None:
    by_state = {state: await world.message(state) for state in State}
    taken = {item.id for item in await world.claim()}
    assert taken == {by_state[State.SCHEDULED], by_state[State.QUEUED]}


async def test_what_a_gateway_has_ready_and_was_put_back_is_not_claimed_before_it_let_go(
    world: World,
) -> None:
    first, second = await world.messages(2)
    assert [item.id for item in await world.claim(most=1)] == [first]
    # Its appointment moved: what is ready speaks of the old time.
    await world.store.run(hand_back, CLINIC, OWNER, [first])
    assert [item.id for item in await world.claim(held=[first])] == [second]
    assert await world.start([first]) == {}
    assert [item.id for item in await world.claim()] == [first]


async def test_what_goes_elsewhere_takes_its_new_address_and_waits_for_its_new_channel(world: World) -> None:
    stays, goes, not_ours = await world.messages(3)
    await world.claim()
    await world.store.run(hand_back, CLINIC, OWNER, [not_ours])
    places = {
        stays: (Channel.SMS, "+12025550177"),
        goes: (Channel.EMAIL, "rosa@example.org"),
        not_ours: (Channel.EMAIL, "rosa@example.org"),
    }
    await world.store.run(move, CLINIC, OWNER, places)
    seen = [
        (row["channel"], row["address"], row["state"], row["lease_owner"])
        for row in [await world.row(number) for number in (stays, goes, not_ours)]
    ]
    assert seen[0] == ("sms", "+12025550177", "claimed", OWNER)
    assert seen[1] == ("email", "rosa@example.org", "queued", None)
    assert seen[2][0] == "sms"
    assert [item.id for item in await world.claim(channel=Channel.EMAIL)] == [goes]
