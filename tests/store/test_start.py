"""Starting: only what is still ours, still wanted and still allowed becomes `sending`."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from sqlalchemy import Connection

from gateway.domain import State
from store import broadcasts, facts, ids, people, queue
from store.engine import Store
from tests.store.world import CLINIC, LEASE, NOON, OTHER, OWNER, World


async def test_a_started_message_counts_a_new_attempt(world: World) -> None:
    numbers = await world.messages(3)
    await world.claim()
    assert await world.start(numbers) == dict.fromkeys(numbers, 1)
    row = await world.row(numbers[0])
    assert (row["state"], row["started_at"], row["lease_until"]) == ("sending", NOON, NOON + LEASE)
    assert (row["lease_owner"], row["charged"]) == (OWNER, 0)


async def test_a_message_is_started_once(world: World) -> None:
    numbers = await world.messages(2)
    await world.claim()
    assert len(await world.start(numbers)) == 2
    assert await world.start(numbers) == {}
    assert [(await world.row(n))["attempt"] for n in numbers] == [1, 1]


async def test_only_what_is_still_ours_is_started(world: World) -> None:
    ours, lost = await world.messages(2)
    await world.claim(most=1)
    await world.claim(owner=OTHER)
    assert await world.start([ours, lost]) == {ours: 1}
    row = await world.row(lost)
    assert (row["state"], row["lease_owner"]) == ("claimed", OTHER)


async def test_nothing_in_another_state_is_started(world: World) -> None:
    numbers = [await world.message(state) for state in State if state is not State.CLAIMED]
    before = await world.states(numbers)
    assert await world.start(numbers) == {}
    assert await world.states(numbers) == before


async def test_a_cancelled_broadcast_is_not_started(world: World) -> None:
    order = await world.broadcast()
    numbers = await world.messages(2, broadcast=order.id)
    await world.claim()
    assert await world.store.run(broadcasts.cancel, CLINIC, order.id, NOON) == 2
    assert await world.start(numbers) == {}
    assert await world.states(numbers) == ["cancelled", "cancelled"]


async def test_a_withdrawal_between_judging_and_start_stops_the_message(world: World) -> None:
    stays = await world.person("a", details={})
    leaves = await world.person("b", details={})
    one, other = await world.message(recipient=stays), await world.message(recipient=leaves)
    await world.claim()
    as_of = await world.store.read(ids.upcoming, CLINIC, "consent")
    await world.store.run(people.add_consent, CLINIC, [leaves], False, "text", NOON)
    assert await world.start([one, other], as_of) == {one: 1}
    row = await world.row(other)
    assert (row["state"], row["lease_owner"], row["attempt"]) == ("queued", None, 0)


async def test_any_new_consent_entry_has_the_message_judged_again(world: World) -> None:
    person = await world.person(details={})
    number = await world.message(recipient=person)
    await world.claim()
    as_of = await world.store.read(ids.upcoming, CLINIC, "consent")
    await world.store.run(people.add_consent, CLINIC, [person], True, "desk", NOON)
    assert await world.start([number], as_of) == {}
    await world.claim()
    fresh = await world.store.read(ids.upcoming, CLINIC, "consent")
    assert await world.start([number], fresh) == {number: 1}


async def test_a_withdrawal_in_another_clinic_stops_nothing(world: World) -> None:
    number = await world.message(recipient=1)
    await world.claim()
    await world.store.run(people.add_consent, 2, [1], False, "text", NOON)
    assert await world.start([number], 1) == {number: 1}


async def test_a_withdrawal_that_is_just_being_written_is_waited_for(world: World, url: str) -> None:
    person = await world.person(details={})
    number = await world.message(recipient=person)
    await world.claim()
    as_of = await world.store.read(ids.upcoming, CLINIC, "consent")
    written, commit = threading.Event(), threading.Event()

    def withdraw(conn: Connection) -> None:
        people.add_consent(conn, CLINIC, [person], False, "text", NOON)
        written.set()
        assert commit.wait(10)

    writing = asyncio.create_task(asyncio.to_thread(_in_own_loop, url, withdraw))
    assert await asyncio.to_thread(written.wait, 10)
    starting = asyncio.create_task(world.start([number], as_of))
    done, _ = await asyncio.wait({starting}, timeout=0.3)
    assert not done
    commit.set()
    await writing
    assert await starting == {}


def _in_own_loop(url: str, work: Callable[[Connection], None]) -> None:
    async def run() -> None:
        async with Store(url) as store:
            await store.run(work)

    asyncio.run(run())


async def test_the_facts_name_the_ledgers_position_before_they_were_read(world: World) -> None:
    person = await world.person(details={})
    order = await world.broadcast()
    page = await world.store.read(facts.load, CLINIC, [(order, person, 0)])
    assert page.consent_as_of == 2
    assert [entry.given for entry in page.facts[0].consents] == [True]


async def test_handed_back_messages_are_due_again(world: World) -> None:
    ours, lost = await world.messages(2)
    await world.claim(most=1)
    await world.claim(owner=OTHER)
    await world.store.run(queue.hand_back, CLINIC, OWNER, [ours, lost])
    assert await world.states([ours, lost]) == ["queued", "claimed"]
    assert [item.id for item in await world.claim()] == [ours]
