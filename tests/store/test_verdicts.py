"""Verdicts are kept: the plan's with its message, later ones with what they decide, each once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from gateway import broadcast
from gateway.domain import Broadcast, Channel, State
from gateway.policy import Rules
from gateway.settings import Settings
from store import broadcasts, verdicts
from store.settle import Settlement
from store.verdicts import Judged, Kept
from tests.store.world import CLINIC, NOON, World, delivered

PHONE = "+12025550107"
RULES = Rules.of(Settings())


async def _planned(world: World, order: Broadcast) -> None:
    async for _ in broadcast.plan(world.store, CLINIC, order, RULES):
        pass


async def _kept(world: World, *messages: int) -> list[Kept]:
    return await world.store.read(verdicts.of_messages, CLINIC, messages)


def _refused(number: int, attempt: int = 0, **changes: Any) -> Settlement:
    said = Judged("refuse", NOON + timedelta(hours=1), "consent-withdrawn", None, "entry:2", "l3 s0")
    return Settlement(
        number, attempt, State.REFUSED, **({"reason": "consent-withdrawn", "judged": said} | changes)
    )


async def test_a_plan_keeps_its_verdict_on_each_message_with_the_facts_version(world: World) -> None:
    await world.person("willing", details={Channel.SMS: PHONE})
    await world.person("unwilling", details={Channel.SMS: PHONE}, consent=False)
    await _planned(world, await world.broadcast())
    willing, unwilling = await _kept(world, 1, 2)
    assert (willing.phase, willing.judged.kind, willing.judged.at) == ("plan", "allow", NOON)
    assert (unwilling.judged.kind, unwilling.judged.reason) == ("refuse", "consent-withdrawn")
    assert f"l3 s{RULES.version}" in willing.judged.facts
    assert PHONE not in willing.judged.facts


async def test_a_deferral_is_kept_with_the_time_that_it_waits_for(world: World) -> None:
    await world.person(details={Channel.SMS: PHONE})
    later = NOON + timedelta(hours=3)
    await _planned(world, await world.broadcast(send_at=later))
    (found,) = await _kept(world, 1)
    assert (found.judged.kind, found.judged.reason, found.judged.until) == ("defer", "broadcast-time", later)


async def test_a_plan_done_again_leaves_the_first_verdict_and_adds_none(world: World) -> None:
    await world.person(details={Channel.SMS: PHONE})
    order = await world.broadcast()
    await _planned(world, order)
    world.clock.move(minutes=5)
    await world.person("late", details={Channel.SMS: PHONE})
    await _planned(world, order)
    found = await _kept(world, *range(1, 6))
    assert [(one.message, one.judged.at) for one in found] == [(1, NOON), (3, NOON + timedelta(minutes=5))]
    assert await world.store.read(verdicts.those_there, CLINIC, range(1, 6)) == {1, 3}


async def test_a_refusal_is_kept_with_its_settlement_and_only_once(world: World) -> None:
    number = await world.message(State.CLAIMED)
    await world.settle(_refused(number))
    await world.settle(_refused(number))
    (found,) = await _kept(world, number)
    assert (found.phase, found.judged.reason, found.judged.basis) == (
        "dispatch",
        "consent-withdrawn",
        "entry:2",
    )


async def test_a_verdict_on_a_message_that_was_cancelled_meanwhile_is_not_kept(world: World) -> None:
    number = await world.message(State.CANCELLED)
    await world.settle(_refused(number))
    assert await _kept(world, number) == []


async def test_an_attempt_keeps_the_verdict_that_let_it_go_when_later_truth_comes(world: World) -> None:
    number = await world.message(State.SENDING)
    let_go = Judged("allow", NOON, basis="entry:1", facts="l2 s0")
    first = Settlement(number, 1, State.ACCEPTED, outcome="accepted", started_at=NOON, judged=let_go)
    await world.settle(first)
    await world.settle(delivered(number))
    (found,) = await _kept(world, number)
    assert (found.attempt, found.judged) == (1, let_go)


async def test_verdicts_come_in_the_order_of_time(world: World) -> None:
    await world.person(details={Channel.SMS: PHONE})
    order = await world.broadcast()
    await _planned(world, order)
    world.clock.move(hours=2)
    (claimed,) = await world.claim()
    later = Judged("defer", world.clock(), "day-cap", NOON + timedelta(days=1), "attempts", "l2 s0")
    await world.settle(
        Settlement(claimed.id, 0, State.SCHEDULED, due_at=world.clock(), reason="day-cap", judged=later)
    )
    world.clock.move(hours=1)
    (claimed,) = await world.claim()
    await world.start([claimed.id])
    let_go = Judged("allow", world.clock(), facts="l2 s0")
    await world.settle(delivered(claimed.id, started_at=world.clock(), judged=let_go))
    kinds = [(one.phase, one.judged.kind) for one in await _kept(world, claimed.id)]
    assert kinds == [("plan", "allow"), ("dispatch", "defer"), ("dispatch", "allow")]


async def test_what_a_plan_writes_is_written_with_its_verdicts_or_not_at_all(world: World) -> None:
    order = await world.broadcast()
    await world.store.run(broadcasts.cancel, CLINIC, order.id, NOON)
    await world.person(details={Channel.SMS: PHONE})
    await _planned(world, order)
    assert await _kept(world, 1) == []
