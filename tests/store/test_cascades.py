"""A cascade in the store: a failure lets the next step go, an answer stops the rest, nothing else does."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway import broadcast as planning
from gateway import wording
from gateway.domain import Broadcast, Channel, MessageType, Reply, ReplyKind, State, Then
from gateway.known import known_of
from gateway.policy import Rules
from gateway.settings import Settings
from store import cascades, history
from store.schema import message
from store.settle import Settlement
from tests.store.test_intake import hear
from tests.store.world import CLINIC, NOON, World, delivered

SMS, VOICE, EMAIL = Channel.SMS, Channel.VOICE, Channel.EMAIL
HOUR = timedelta(hours=1)
DAY = {"opens": "00:00", "closes": "00:00"}
RULES = Rules.of(Settings.model_validate({"policy": {"sms": DAY, "voice": DAY}}))
ADDRESSES = {SMS: "+12025550101", VOICE: "+12025550101", EMAIL: "rosa@home.example"}


async def planned(world: World, *people: str, **changes: Any) -> Broadcast:
    """A reminder of tomorrow's visit: text, then call after four hours, then mail after two more."""
    for name in people or ("p1",):
        await world.person(name, details=ADDRESSES)
        await world.visit(f"v-{name}", name)
    steps = (Then(VOICE, 4 * HOUR), Then(EMAIL, 2 * HOUR))
    usual: dict[str, Any] = {
        "cascade": steps,
        "templates": wording.default_templates(MessageType.UPCOMING_APPOINTMENTS),
    }
    order = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, **(usual | changes))
    async for _ in planning.plan(world.store, CLINIC, order, RULES):
        pass
    return order


async def steps_of(world: World, order: Broadcast) -> list[Any]:
    rows = await world.rows(message, broadcast=order.id)
    return sorted(rows, key=lambda row: (row["recipient"], row["step"]))


async def sent(world: World, channel: Channel, *states: State) -> list[int]:
    """What is due on this channel is claimed, started and settled so."""
    claimed = await world.claim(channel=channel)
    started = await world.start([item.id for item in claimed])
    for number, state in zip(started, states, strict=True):
        end = (
            delivered(number)
            if state is State.DELIVERED
            else Settlement(number, 1, state, outcome=state.value, cause="no-such-number", charged=True)
        )
        await world.settle(end)
    return list(started)


async def test_the_plan_writes_a_message_for_each_step_and_none_twice(world: World) -> None:
    order = await planned(world)
    rows = await steps_of(world, order)
    assert [(row["step"], row["channel"], row["due_at"], row["reason"]) for row in rows] == [
        (0, "sms", NOON, None),
        (1, "voice", NOON + 4 * HOUR, "earlier-step"),
        (2, "email", NOON + 6 * HOUR, "earlier-step"),
    ]
    async for _ in planning.plan(world.store, CLINIC, order, RULES):
        pass
    assert len(await steps_of(world, order)) == 3


async def test_a_cascade_is_kept_with_its_broadcast(world: World) -> None:
    assert (await planned(world)).cascade == (Then(VOICE, 4 * HOUR), Then(EMAIL, 2 * HOUR))
    assert (await planned(world, cascade=(Then(VOICE, None),))).cascade == (Then(VOICE, None),)
    assert (await planned(world, cascade=())).cascade == ()


async def test_a_failed_step_lets_the_next_one_go_at_once(world: World) -> None:
    order = await planned(world, "p1", "p2")
    world.clock.move(minutes=5)
    await sent(world, SMS, State.FAILED, State.DELIVERED)
    first, second = await _facts_due(world, order)
    assert [row["due_at"] for row in first] == [NOON, world.clock(), world.clock()]
    assert [row["due_at"] for row in second] == [NOON, NOON + 4 * HOUR, NOON + 6 * HOUR]


async def _facts_due(world: World, order: Broadcast) -> tuple[list[Any], list[Any]]:
    rows = await steps_of(world, order)
    return rows[:3], rows[3:]


async def test_a_step_that_is_refused_lets_the_next_one_go_as_well(world: World) -> None:
    order = await planned(world)
    (item,) = await world.claim()
    await world.settle(Settlement(item.id, 0, State.REFUSED, reason="bad-address"))
    assert [row["due_at"] for row in await steps_of(world, order)] == [NOON, NOON, NOON]


async def test_what_became_of_the_other_steps_is_known_when_one_is_judged(world: World) -> None:
    order = await planned(world)
    world.clock.move(minutes=1)
    (number,) = await sent(world, SMS, State.DELIVERED)
    world.clock.move(hours=4)
    claimed = await world.claim(channel=VOICE)
    (known,), _ = await known_of(world.store, CLINIC, claimed)
    (text,) = known.steps
    assert (text.channel, text.state, text.ended_at) == (SMS, State.DELIVERED, NOON + timedelta(minutes=1))
    assert (known.overtaken, known.answered) == (False, None)
    await world.start([item.id for item in claimed])
    (item,) = claimed
    place = (item.broadcast, item.recipient, item.appointment, item.step)
    (standing,) = await world.store.read(cascades.standings, CLINIC, [place])
    assert not standing.overtaken
    (row, *_) = await steps_of(world, order)
    assert row["id"] == number


async def test_a_text_that_comes_back_is_not_sent_again_beside_the_call(world: World) -> None:
    await planned(world)
    (number,) = await sent(world, SMS, State.ACCEPTED)
    world.clock.move(hours=4)
    (call,) = await world.claim(channel=VOICE)
    await world.start([call.id])
    again = Settlement(number, 1, State.SCHEDULED, due_at=world.clock(), outcome="retry", cause="x")
    await world.settle(again)
    claimed = await world.claim()
    (known,), _ = await known_of(world.store, CLINIC, claimed)
    assert known.overtaken


@pytest.mark.parametrize("kind", [ReplyKind.CONFIRM, ReplyKind.NOT_COMING, ReplyKind.OPT_OUT])
async def test_an_answer_stops_every_other_step_also_one_that_is_claimed(
    world: World, kind: ReplyKind
) -> None:
    order = await planned(world, "p1", "p2")
    one, _ = await sent(world, SMS, State.DELIVERED, State.DELIVERED)
    world.clock.move(hours=4)
    claimed = await world.claim(channel=VOICE)
    assert len(claimed) == 2
    await hear(world, Reply(SMS, kind, ADDRESSES[SMS], world.clock(), "", f"rw-{CLINIC}-{one}-1"))
    first, second = await _facts_due(world, order)
    assert [row["state"] for row in first] == ["delivered", "cancelled", "cancelled"]
    assert {row["reason"] for row in first[1:]} == {"already-answered"}
    assert [row["state"] for row in second] == ["delivered", "claimed", "scheduled"]
    # The other may have withdrawn with them: they share the number. Consent is looked at by the start.
    started = await world.start([item.id for item in claimed])
    assert first[1]["id"] not in started


async def test_an_answer_is_known_to_steps_that_were_begun_before_it(world: World) -> None:
    await planned(world)
    (number,) = await sent(world, SMS, State.DELIVERED)
    world.clock.move(hours=4)
    (call,) = await world.claim(channel=VOICE)
    await world.start([call.id])
    again = Settlement(call.id, 1, State.SCHEDULED, due_at=world.clock(), outcome="retry", cause="no-answer")
    await world.settle(again)
    reply = Reply(SMS, ReplyKind.CONFIRM, ADDRESSES[SMS], world.clock(), "C", f"rw-{CLINIC}-{number}-1")
    await hear(world, reply)
    (known,), _ = await known_of(world.store, CLINIC, await world.claim(channel=VOICE))
    assert known.answered == "confirm"


async def test_without_a_cascade_nothing_is_asked_about_steps(world: World) -> None:
    await planned(world, cascade=())
    (number,) = await sent(world, SMS, State.FAILED)
    assert await world.store.run(cascades.stop, CLINIC, number, NOON) == 0
    assert await world.store.read(cascades.standings, CLINIC, []) == []


async def test_staff_see_which_step_reached_somebody(world: World) -> None:
    order = await planned(world)
    await sent(world, SMS, State.DELIVERED)
    counts = await world.store.read(history.counts_by_step, CLINIC, order.id)
    assert counts == {
        (0, "sms", State.DELIVERED, "receipt-delivered"): 1,
        (1, "voice", State.SCHEDULED, "earlier-step"): 1,
        (2, "email", State.SCHEDULED, "earlier-step"): 1,
    }
    entries = await world.store.read(history.entries, CLINIC, history.Filter(broadcast=order.id))
    assert [(entry.step, entry.channel) for entry in entries] == [(2, "email"), (1, "voice"), (0, "sms")]


async def test_a_late_failure_does_not_cut_short_the_pause_before_another_attempt(world: World) -> None:
    order = await planned(world)
    world.clock.move(minutes=1)
    (text,) = [item.id for item in await world.claim()]
    await world.start([text])
    await world.settle(Settlement(text, 1, State.ACCEPTED, outcome="accepted", cause="accepted"))
    world.clock.move(hours=4)
    (call,) = [item.id for item in await world.claim(channel=VOICE)]
    await world.start([call])
    tomorrow = world.clock() + timedelta(hours=20)
    declined = Settlement(
        call, 1, State.SCHEDULED, due_at=tomorrow, outcome="retry", cause="declined", charged=True
    )
    await world.settle(declined)
    await world.settle(Settlement(text, 1, State.FAILED, outcome="failed", cause="receipt-undeliverable"))
    rows = await steps_of(world, order)
    assert [row["state"] for row in rows][:2] == ["failed", "scheduled"]
    assert rows[1]["due_at"] == tomorrow
