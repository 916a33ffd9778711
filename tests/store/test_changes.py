"""Each change of a state is told once and in order, whoever makes it; webhooks remember how far they came."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta

from sqlalchemy import Connection

from gateway.domain import Channel, State
from store import changes
from store.changes import Change, Position
from store.engine import Store
from store.settle import Settlement
from tests.store.world import CLINIC, LEASE, OTHER, OWNER, World, delivered


async def _told(world: World, after: Position | None = None, **wanted: bool) -> list[Change]:
    return await world.store.read(changes.since, CLINIC, after or Position(), 100, **wanted)


async def test_nothing_is_written_down_while_nobody_wants_to_know(world: World) -> None:
    await world.message()
    assert await _told(world) == []
    await world.store.run(changes.write_down, True)
    await world.store.run(changes.write_down, True)
    await world.message()
    assert len(await _told(world)) == 1
    await world.store.run(changes.write_down, False)
    await world.message()
    assert len(await _told(world)) == 1


async def test_a_message_is_followed_from_its_plan_to_its_end(world: World) -> None:
    await world.store.run(changes.write_down, True)
    number = await world.message(broadcast=7)
    await world.claim()
    await world.start([number])
    await world.settle(delivered(number))
    found = await _told(world)
    assert [change.state for change in found] == [State.QUEUED, State.SENDING, State.DELIVERED]
    assert {(change.message, change.broadcast, change.channel) for change in found} == {
        (number, 7, Channel.SMS)
    }
    assert (found[-1].cause, found[-1].attempt) == ("receipt-delivered", 1)
    assert found[-1].at == world.clock()
    assert sorted({change.position for change in found}) == [change.position for change in found]


async def test_a_claim_that_is_given_back_is_no_change(world: World) -> None:
    await world.store.run(changes.write_down, True)
    number = await world.message()
    await world.claim()
    await world.settle(Settlement(number, 0, State.QUEUED, due_at=world.clock()))
    assert [change.state for change in await _told(world)] == [State.QUEUED]


async def test_reading_goes_on_where_it_ended_and_tells_of_people_only_when_asked(world: World) -> None:
    await world.store.run(changes.write_down, True)
    person = await world.person("p7")
    await world.message(recipient=person, address="+12025550107")
    (first,) = await _told(world)
    assert (first.address, first.recipient) == ("", "")
    (first,) = await _told(world, personal=True)
    assert (first.address, first.recipient) == ("+12025550107", "p7")
    assert await _told(world, first.position) == []
    await world.message()
    (second,) = await _told(world, first.position)
    assert second.position > first.position
    assert changes.position(str(second.position)) == second.position
    assert await world.store.read(changes.newest, CLINIC) == second.position
    assert [changes.position(words) for words in ("", "1", "a-b", "-1-2", "1-" + "9" * 50)] == [None] * 5


async def test_a_change_that_is_committed_late_is_not_passed_over(world: World, url: str) -> None:
    """On PostgreSQL a transaction may take its numbers first and commit last."""
    if url.startswith("sqlite"):
        return
    await world.store.run(changes.write_down, True)
    slow, quick = await world.messages(2)
    after = await world.store.read(changes.newest, CLINIC)
    begun, go = threading.Event(), threading.Event()

    def cancel(conn: Connection, number: int) -> None:
        conn.exec_driver_sql(f"UPDATE message SET state = 'cancelled' WHERE id = {number}")

    def slowly(conn: Connection) -> None:
        cancel(conn, slow)
        begun.set()
        go.wait(20)

    async def elsewhere() -> None:
        async with Store(url) as store:
            await store.run(slowly)

    # A loop of its own: it stands still in the middle of its transaction.
    other = asyncio.create_task(asyncio.to_thread(lambda: asyncio.run(elsewhere())))
    await asyncio.to_thread(begun.wait, 20)
    await world.store.run(cancel, quick)
    read = await _told(world, after)
    go.set()
    await other
    last = read[-1].position if read else after
    read += await _told(world, last)
    assert sorted(change.message for change in read) == sorted((slow, quick))


async def test_what_is_old_is_forgotten(world: World) -> None:
    await world.store.run(changes.write_down, True)
    await world.message()
    kept = world.clock.move(days=8)
    await world.message()
    assert await world.store.run(changes.forget, CLINIC, kept - timedelta(days=7)) == 1
    assert len(await _told(world)) == 1


async def test_a_webhook_begins_with_now_and_goes_on_where_it_ended(world: World) -> None:
    await world.store.run(changes.write_down, True)
    await world.message()
    await world.store.run(changes.register, CLINIC, "hook")
    await world.message()
    await world.store.run(changes.register, CLINIC, "hook")
    assert (await world.store.read(changes.lag, CLINIC, "hook"))[0] == 1
    found = await _claim(world)
    assert found is not None
    (change,) = await _told(world, found[0])
    await world.store.run(changes.delivered, CLINIC, "hook", OWNER, change.position)
    assert await _claim(world) == (change.position, 0)
    assert await world.store.read(changes.lag, CLINIC, "hook") == (0, 0, "")
    assert await world.store.read(changes.lag, CLINIC, "none") == (0, 0, "")


async def _claim(world: World, owner: str = OWNER) -> tuple[Position, int] | None:
    now = world.clock()
    return await world.store.run(changes.claim, CLINIC, "hook", owner, now, now + LEASE)


async def test_one_gateway_at_a_time_tells_a_webhook(world: World) -> None:
    await world.store.run(changes.register, CLINIC, "hook")
    assert await _claim(world) == (Position(), 0)
    assert await _claim(world, OTHER) is None
    world.clock.move(minutes=2)
    assert await _claim(world, OTHER) == (Position(), 0)
    # Somebody who lost it says nothing about it any more.
    await world.store.run(changes.delivered, CLINIC, "hook", OWNER, Position(9, 9))
    assert await _claim(world, OTHER) == (Position(), 0)


async def test_a_webhook_that_refuses_is_told_again_later(world: World) -> None:
    await world.store.run(changes.register, CLINIC, "hook")
    await _claim(world)
    later = world.clock() + timedelta(seconds=30)
    await world.store.run(changes.refused, CLINIC, "hook", OWNER, "answers 500", later)
    assert await _claim(world) is None
    assert await world.store.read(changes.lag, CLINIC, "hook") == (0, 1, "answers 500")
    world.clock.move(seconds=30)
    assert await _claim(world) == (Position(), 1)
