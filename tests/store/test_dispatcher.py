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
from sqlalchemy import Connection, update

from gateway import consents, dispatch, wording
from gateway.consents import Wish
from gateway.dispatch import Dispatcher
from gateway.domain import (
    Attempt,
    Channel,
    Content,
    Delivered,
    Event,
    MessageType,
    OptedOut,
    Outcome,
    RecipientKind,
    Retry,
    RetryKind,
    State,
)
from gateway.draining import Draining
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from gateway.settings.changing import change
from store import ledger, people, register, verdicts
from store.engine import Store
from store.people import Person
from store.schema import appointment, message
from store.settle import Settlement
from tests.store.world import CLINIC, NOON, OTHER, OWNER, Clock, World, delivered
from voices.errors import PromptAwayError

PHONE = "+12025550107"
WEEK = timedelta(days=7)
SETTINGS = Settings()
ARRIVED = Delivered("receipt-delivered")


@dataclass
class Stage:
    """A channel whose line is away until `open` is set, and that keeps what it was given."""

    name: Channel = Channel.SMS
    seconds: float = 0.0
    hold: asyncio.Event | None = None
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
        if self.hold is not None:
            await self.hold.wait()
        return self.outcome

    def halt(self) -> None:
        """Nothing waits in here."""

    def proceed(self) -> None:
        """Nothing waits in here."""

    async def hang_up(self) -> None:
        """Nothing to end."""

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
    store: Store, stage: Stage, settings: Settings = SETTINGS
) -> AsyncIterator[tuple[asyncio.Task[None], Dispatcher, Outbox]]:
    link = StoreLink(store, pause=0.05)
    outbox = Outbox(link, settings, OWNER)
    dispatcher = Dispatcher(stage, link, outbox, settings, OWNER)
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


async def _queued(
    world: World, name: str = "p1", text: str = "", only_preference: bool = False, **changes: Any
) -> int:
    """A reminder that may go, for somebody with an appointment tomorrow."""
    person = await world.person(name, details={Channel.SMS: PHONE}, **changes)
    await world.visit(name, name)
    templates = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    if text:
        templates["sms"]["body"] = text
    order = await world.broadcast(
        MessageType.UPCOMING_APPOINTMENTS, templates=templates, only_preference=only_preference
    )
    tomorrow = world.clock() + timedelta(days=1)
    (theirs,) = await world.rows(appointment, external_id=name)
    columns = {"recipient": person, "broadcast": order.id, "appointment": theirs["id"]}
    return await world.message(address=PHONE, expires_at=tomorrow, **columns)


async def _until(holds: Callable[[], Any]) -> None:
    async with asyncio.timeout(60):
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


async def test_a_setting_changed_meanwhile_holds_back_what_is_ready_to_leave(world: World) -> None:
    number, stage = await _queued(world), Stage()
    async with _dispatching(world.store, stage) as (_, dispatcher, _):
        await stage.wanted.wait()
        later, _ = change(SETTINGS, "policy.sms.opens", "09:00")
        dispatcher.adopt(later.as_changed(7))
        stage.open.set()
        await _until_state(world, number, "scheduled")
    assert (await world.row(number))["reason"] == "outside-window"
    assert stage.got == []
    (kept,) = await world.store.read(verdicts.of_messages, CLINIC, [number])
    assert kept.judged.basis == "setting:policy.sms.opens"
    assert " s7." in kept.judged.facts


@pytest.mark.parametrize(
    ("longest", "state", "reason"), [("159", "delivered", None), ("20", "refused", "too-long")]
)
async def test_words_that_are_ready_to_leave_without_consent_are_held_to_the_limits_of_now(
    world: World, longest: str, state: str, reason: str | None
) -> None:
    without, _ = change(SETTINGS, "policy.no_consent.enabled", "true")
    number, stage = await _queued(world, consent=None), Stage()
    async with _dispatching(world.store, stage, without) as (_, dispatcher, _):
        await asyncio.wait_for(stage.wanted.wait(), 10)
        limited, _ = change(without, "policy.no_consent.text_characters", longest)
        dispatcher.adopt(limited.as_changed(7))
        stage.open.set()
        await _until_state(world, number, "delivered", "refused")
    row = await world.row(number)
    assert (row["state"], row["reason"], len(stage.got)) == (state, reason, int(reason is None))


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


async def test_a_recording_that_is_away_stops_nothing_for_good_and_is_said_once(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    @dataclass
    class Away(Stage):
        away: bool = True

        async def prepare(self, content: Content) -> Content:
            if self.away:
                raise PromptAwayError("prompt greeting cannot be read: the share is away")
            return content

    monkeypatch.setattr(dispatch, "PREPARE_AGAIN", timedelta(0))
    numbers, stage = [await _queued(world, name) for name in ("p1", "p2")], Away()
    stage.open.set()
    async with _dispatching(world.store, stage):
        for number in numbers:
            await _until_state(world, number, "scheduled")
        assert {(await world.row(number))["reason"] for number in numbers} == {"preparation-failed"}
        stage.away = False
        for number in numbers:
            await _until_state(world, number, "delivered")
    assert sum("the share is away" in line for line in caplog.messages) == 1
    assert not any("Traceback" in str(record.exc_text) for record in caplog.records)


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


@pytest.mark.parametrize("again", [False, True], ids=["told once", "told twice"])
async def test_a_stop_says_what_it_waits_for_and_told_twice_waits_no_longer(
    world: World, again: bool, caplog: pytest.LogCaptureFixture
) -> None:
    number, stage = await _queued(world), Stage(hold=asyncio.Event())
    stage.open.set()
    with caplog.at_level(logging.INFO, "gateway.draining"):
        async with _dispatching(world.store, stage) as (task, dispatcher, outbox):
            await _until(lambda: _true_if(stage.got))
            task.cancel()
            at_once = asyncio.Event()
            if again:
                at_once.set()
            draining = asyncio.create_task(Draining([dispatcher], None, 60).run(at_once))
            if not again:
                await _until(lambda: _true_if("stopping: 1 attempts" in caplog.text))
                assert stage.hold is not None
                stage.hold.set()
            async with asyncio.timeout(60):
                await draining
            await outbox.flush()
            with suppress(asyncio.CancelledError):
                await task
    assert await world.states([number]) == ["sending" if again else "delivered"]
    assert "stopping: 1 attempts" in caplog.text
    assert ("1 attempts are cut off" in caplog.text) is again


async def _true_if(thing: object) -> bool:
    return bool(thing)


async def test_who_asks_to_be_left_alone_is_heeded_although_an_import_changed_their_number(
    world: World,
) -> None:
    number, stage = await _queued(world), Stage(outcome=OptedOut("opted-out"), hold=asyncio.Event())
    person = (await world.row(number))["recipient"]
    async with _dispatching(world.store, stage):
        stage.open.set()
        await _until_state(world, number, "sending")
        await world.person("p1", details={Channel.SMS: "+12025550177"})
        assert stage.hold is not None
        stage.hold.set()
        await _until_state(world, number, "delivered")
    assert await world.ledger(person) == [(True, "import"), (False, "keypress")]


async def test_a_text_that_nobody_has_tried_goes_to_the_number_that_was_corrected_meanwhile(
    world: World,
) -> None:
    number, stage = await _queued(world), Stage()
    await world.person("p1", details={Channel.SMS: "+12025550177"})
    stage.open.set()
    async with _dispatching(world.store, stage):
        await _until_state(world, number, "delivered")
    assert [attempt.address for attempt in stage.got] == ["+12025550177"]
    assert (await world.row(number))["address"] == "+12025550177"


async def test_a_text_that_was_tried_does_not_go_to_another_number(world: World) -> None:
    number, stage = await _queued(world), Stage(outcome=Retry(RetryKind.BUSY, "busy"))
    stage.open.set()
    async with _dispatching(world.store, stage):
        await _until(lambda: _true_if(stage.got))
        await _until_state(world, number, "scheduled")
    await world.person("p1", details={Channel.SMS: "+12025550177"})
    world.clock.move(hours=20)
    async with _dispatching(world.store, stage):
        await _until_state(world, number, "refused")
    assert (await world.row(number))["reason"] == "address-changed"
    assert [attempt.address for attempt in stage.got] == [PHONE]


async def test_who_prefers_mail_by_now_is_mailed_once_and_not_texted(world: World) -> None:
    number, texts = await _queued(world, only_preference=True), Stage()
    mails = Stage(name=Channel.EMAIL)
    await world.person(
        "p1", details={Channel.SMS: PHONE, Channel.EMAIL: "p1@example.org"}, preferred=Channel.EMAIL
    )
    texts.open.set()
    mails.open.set()
    async with _dispatching(world.store, texts), _dispatching(world.store, mails):
        await _until_state(world, number, "delivered")
    assert texts.got == []
    assert [(attempt.message, attempt.address) for attempt in mails.got] == [(number, "p1@example.org")]


async def test_what_a_machine_has_is_delivered_although_nothing_more_may_be_sent(world: World) -> None:
    person = await world.person("p1", details={Channel.SMS: PHONE})
    await world.visit("p1", "p1")
    templates = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    templates["voice.machines"] = {"voicemails": "2"}
    order = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, templates=templates)
    columns = {"recipient": person, "broadcast": order.id, "appointment": 1, "address": PHONE}
    left, tried = [await world.message(State.SENDING, step=step, **columns) for step in (0, 1)]
    for number, cause in ((left, "voicemail-left"), (tried, "no-answer")):
        await world.settle(
            Settlement(number, 1, State.SCHEDULED, due_at=world.clock(), outcome="retry", cause=cause)
        )
    await world.store.run(people.withdraw, CLINIC, PHONE, "keypress", world.clock(), person)
    async with _dispatching(world.store, Stage()):
        await _until_state(world, left, "delivered")
        await _until_state(world, tried, "refused")
    row = await world.row(left)
    assert (row["outcome"], row["cause"], row["reason"]) == ("delivered", "voicemail", "consent-withdrawn")


async def test_a_placeholder_without_a_value_stops_its_message_and_no_other(world: World) -> None:
    nobody, stage = await _queued(world, "p1", "<Practice>: <FirstName>", given_name=""), Stage()
    somebody = await _queued(world, "p2")
    stage.open.set()
    async with _dispatching(world.store, stage):
        await _until_state(world, somebody, "delivered")
        await _until_state(world, nobody, "failed")
    assert (await world.row(nobody))["reason"] == "content-unusable: <FirstName> has no value"
    assert [attempt.message for attempt in stage.got] == [somebody]


async def test_who_was_called_and_texted_three_times_today_waits_until_tomorrow(world: World) -> None:
    number, stage = await _queued(world), Stage()
    await world.visit("p1", "p1", starts_at=world.clock() + timedelta(days=3))
    earlier = world.clock() - timedelta(hours=1)
    for way in ("sms", "voice"):
        told = await world.message(State.ACCEPTED, address=PHONE, channel=way, started_at=earlier)
        await world.settle(delivered(told, started_at=earlier))
    uncharged = await world.message(State.SENDING, address=PHONE, channel="voice")
    late = world.clock() + timedelta(minutes=1)
    lost = Settlement(uncharged, 1, State.SCHEDULED, due_at=late, outcome="retry", cause="line-down")
    await world.settle(lost)
    mailed = await world.message(State.ACCEPTED, address=PHONE, channel="email")
    await world.settle(delivered(mailed))
    stage.open.set()
    async with _dispatching(world.store, stage):
        await _until_state(world, number, "delivered")
    again = await _again(world)
    async with _dispatching(world.store, stage):
        await _until_state(world, again, "scheduled")
    row = await world.row(again)
    assert (row["reason"], row["attempt"]) == ("day-cap", 0)
    assert row["due_at"] > world.clock() + timedelta(hours=10)


async def _again(world: World) -> int:
    """Another reminder of the same appointment for the same client."""
    [first] = [one for one in await world.rows(message) if one["appointment"]]
    columns = {name: first[name] for name in ("recipient", "broadcast", "appointment", "expires_at")}
    return await world.message(address=PHONE, step=1, **columns)


async def test_calls_and_texts_that_were_judged_at_once_are_three_together(world: World) -> None:
    first = await _queued(world)
    await world.visit("p1", "p1", starts_at=world.clock() + timedelta(days=3))
    row = await world.row(first)
    person, order = row["recipient"], row["broadcast"]
    await world.person("p1", details={Channel.SMS: PHONE, Channel.VOICE: PHONE})
    columns = {"recipient": person, "broadcast": order, "appointment": 1, "address": PHONE}
    expires = {"expires_at": row["expires_at"]}
    numbers = [first]
    for step in range(1, 6):
        channel = "voice" if step % 2 else "sms"
        numbers.append(await world.message(channel=channel, step=step, **columns, **expires))
    texts, calls = Stage(), Stage(Channel.VOICE)
    async with _dispatching(world.store, texts), _dispatching(world.store, calls):
        await texts.wanted.wait()
        await calls.wanted.wait()
        texts.open.set()
        calls.open.set()
        for number in numbers:
            await _until_state(world, number, "delivered", "scheduled")
    rows = [await world.row(number) for number in numbers]
    assert len(texts.got) + len(calls.got) == 3
    assert sorted(row["state"] for row in rows) == ["delivered"] * 3 + ["scheduled"] * 3
    assert {row["reason"] for row in rows if row["state"] == "scheduled"} == {"day-cap"}


STOPS: dict[str, tuple[Callable[[Connection], Any], str]] = {
    "a text": (lambda conn: people.withdraw(conn, CLINIC, PHONE, "text", NOON), "consent-withdrawn"),
    "staff": (
        lambda conn: consents.write(conn, CLINIC, "p1", Wish(given=False), None, "Tara", NOON),
        "consent-withdrawn",
    ),
    "the list": (
        lambda conn: ledger.do_not_call(conn, CLINIC, [PHONE], True, "Tara", NOON - WEEK, NOON),
        "do-not-call",
    ),
    "a carrier": (lambda conn: consents.deactivated(conn, CLINIC, [PHONE], "Tara", NOON), "bad-address"),
    "a file": (
        lambda conn: register.save_people(
            conn,
            CLINIC,
            [Person(RecipientKind.CLIENT, "p1", "R", "C", "en", details={Channel.SMS: PHONE}, consent=False)],
            NOON,
        ),
        "consent-withdrawn",
    ),
}


@pytest.mark.parametrize("stop", STOPS)
@pytest.mark.parametrize("state", [State.QUEUED, State.SCHEDULED])
async def test_what_waits_is_not_sent_to_who_has_withdrawn_meanwhile(
    world: World, stop: str, state: State
) -> None:
    number = await _queued(world)
    await world.store.run(
        lambda conn: conn.execute(update(message).values(state=state.value, reason="outside-window"))
    )
    withdraw, reason = STOPS[stop]
    await world.store.run(withdraw)
    stage = Stage()
    stage.open.set()
    async with _dispatching(world.store, stage):
        await _until_state(world, number, "refused")
    assert (await world.row(number))["reason"] == reason
    assert stage.got == []


@pytest.mark.parametrize("stop", STOPS)
async def test_who_withdraws_while_their_message_waits_for_a_line_gets_nothing(
    world: World, stop: str
) -> None:
    number, stage = await _queued(world), Stage()
    async with _dispatching(world.store, stage):
        await stage.wanted.wait()
        withdraw, reason = STOPS[stop]
        await world.store.run(withdraw)
        stage.open.set()
        await _until_state(world, number, "refused")
    assert (await world.row(number))["reason"] == reason
    assert stage.got == []
