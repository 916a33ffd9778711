"""From claim to send: who waits gives back, who is stopped finishes, and one bad message harms no other."""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from gateway import dispatch, wording
from gateway.dispatch import Dispatcher
from gateway.domain import Attempt, Channel, Content, Delivered, Event, MessageType, OptedOut, Outcome
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from store.engine import Store
from tests.store.world import OTHER, OWNER, Clock, World

PHONE = "+12025550107"
SETTINGS = Settings()
ARRIVED = Delivered("receipt-delivered")


@dataclass
class Stage:
    """A channel whose line is away until `open` is set, and that keeps what it was given."""

    name: Channel = Channel.SMS
    seconds: float = 0.0
    outcome: Outcome = ARRIVED
    open: asyncio.Event = field(default_factory=asyncio.Event)
    wanted: asyncio.Event = field(default_factory=asyncio.Event)
    got: list[Attempt] = field(default_factory=list)

    async def run(self) -> None:
        """Nothing to keep up."""

    async def slots(self) -> int:
        """Room for ten, once the line is there."""
        self.wanted.set()
        await self.open.wait()
        return 10

    async def prepare(self, content: Content) -> Content:
        """As it is."""
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        """It arrives, after a while."""
        self.got.append(attempt)
        await asyncio.sleep(self.seconds)
        return self.outcome

    async def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """Nothing comes back."""
        for none in ():
            yield none

    async def reconcile(self, attempts: Collection[str]) -> None:
        """Nothing is known."""

    async def acknowledge(self, attempts: Collection[str]) -> None:
        """Nothing is kept."""


@asynccontextmanager
async def _dispatching(
    store: Store, stage: Stage
) -> AsyncIterator[tuple[asyncio.Task[None], Dispatcher, Outbox]]:
    link = StoreLink(store, pause=0.05)
    outbox = Outbox(link, SETTINGS, OWNER)
    dispatcher = Dispatcher(stage, link, outbox, SETTINGS, OWNER)
    tasks = [asyncio.create_task(work) for work in (dispatcher.run(), outbox.run())]
    try:
        yield tasks[0], dispatcher, outbox
        for task in tasks:
            if task.done() and not task.cancelled():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


async def _queued(world: World, name: str = "p1", text: str = "", **changes: Any) -> int:
    """A reminder that may go, for somebody with an appointment tomorrow."""
    person = await world.person(name, details={Channel.SMS: PHONE}, **changes)
    await world.visit(name, name)
    templates = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    if text:
        templates["sms"]["body"] = text
    order = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, templates=templates)
    tomorrow = world.clock() + timedelta(days=1)
    columns = {"recipient": person, "broadcast": order.id, "appointment": 1}
    return await world.message(address=PHONE, expires_at=tomorrow, **columns)


async def _until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not await holds():  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def _until_state(world: World, number: int, *states: str) -> None:
    async def holds() -> bool:
        return (await world.row(number))["state"] in states

    await _until(holds)


async def test_while_a_line_is_away_its_messages_go_back_for_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "VERDICT_LIFE", timedelta(seconds=0.2))
    number, stage = await _queued(world), Stage()
    async with _dispatching(world.store, stage):
        await stage.wanted.wait()
        world.clock.move(seconds=1)
        await _until_state(world, number, "queued")
        assert [item.id for item in await world.claim(owner=OTHER)] == [number]
        stage.open.set()
        assert await world.start([number], owner=OTHER) == {number: 1}
    assert stage.got == []


async def test_a_line_that_comes_back_sends_what_went_back(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dispatch, "VERDICT_LIFE", timedelta(seconds=0.2))
    number, stage = await _queued(world), Stage()
    async with _dispatching(world.store, stage):
        await stage.wanted.wait()
        world.clock.move(seconds=1)
        await _until_state(world, number, "queued")
        stage.open.set()
        await _until_state(world, number, "delivered")
    assert [attempt.number for attempt in stage.got] == [1]


async def test_what_was_judged_within_the_window_does_not_leave_after_it(world: World) -> None:
    world.clock.move(hours=12, minutes=59, seconds=50)
    number, stage = await _queued(world), Stage()
    async with _dispatching(world.store, stage):
        await stage.wanted.wait()
        world.clock.move(seconds=15)
        stage.open.set()
        await _until_state(world, number, "scheduled")
    assert (await world.row(number))["reason"] == "outside-window"
    assert stage.got == []


async def test_a_moved_appointment_moves_the_end_of_its_message(world: World) -> None:
    number, stage = await _queued(world), Stage()
    later = world.clock() + timedelta(days=3)
    await world.visit("p1", "p1", starts_at=later)
    async with _dispatching(world.store, stage):
        stage.open.set()
        await _until_state(world, number, "delivered")
    assert [attempt.expires_at for attempt in stage.got] == [later]


async def test_one_message_that_cannot_be_judged_does_not_stop_the_others(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    good = await _queued(world)
    order = await world.broadcast(templates={"sms": {}})
    person = (await world.row(good))["recipient"]
    bad = await world.message(address=PHONE, recipient=person, broadcast=order.id)
    stage = Stage()
    stage.open.set()
    with caplog.at_level(logging.CRITICAL, "gateway.dispatch"):
        async with _dispatching(world.store, stage):
            await _until_state(world, good, "delivered")
            await _until_state(world, bad, "scheduled")
    row = await world.row(bad)
    assert row["reason"] == "preparation-failed"
    assert row["due_at"] > world.clock()


async def test_a_stop_waits_for_attempts_that_were_just_being_started(sqlite_store: str) -> None:
    async with Store(sqlite_store, clock := Clock()) as store:
        world = World(store, clock)
        number, stage = await _queued(world), Stage(seconds=0.2)
        async with _dispatching(store, stage) as (task, dispatcher, outbox):
            await stage.wanted.wait()
            with sqlite3.connect(store.url.database or "", isolation_level=None) as other:
                other.execute("BEGIN IMMEDIATE")
                stage.open.set()
                await _until(lambda: _true_if(dispatcher._sends))
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
                draining = asyncio.create_task(dispatcher.drain(10))
                await asyncio.sleep(0)
                other.execute("COMMIT")
            await draining
            await outbox.flush()
            assert await world.states([number]) == ["delivered"]


async def _true_if(thing: object) -> bool:
    return bool(thing)


async def test_who_asks_to_be_left_alone_is_heeded_although_an_import_changed_their_number(
    world: World,
) -> None:
    number, stage = await _queued(world), Stage(outcome=OptedOut("opted-out"), seconds=0.3)
    person = (await world.row(number))["recipient"]
    async with _dispatching(world.store, stage):
        stage.open.set()
        await _until_state(world, number, "sending")
        await world.person("p1", details={Channel.SMS: "+12025550177"})
        await _until_state(world, number, "delivered")
    assert await world.ledger(person) == [(True, "import"), (False, "keypress")]


async def test_a_placeholder_without_a_value_stops_its_message_and_no_other(world: World) -> None:
    nobody, stage = await _queued(world, "p1", "<Practice>: <FirstName>", given_name=""), Stage()
    somebody = await _queued(world, "p2")
    stage.open.set()
    async with _dispatching(world.store, stage):
        await _until_state(world, somebody, "delivered")
        await _until_state(world, nobody, "failed")
    assert (await world.row(nobody))["reason"] == "content-unusable: <FirstName> has no value"
    assert [attempt.message for attempt in stage.got] == [somebody]
