"""Leases: what died is due again if nothing was sent, and unknown if something may have been."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.domain import Channel, State
from store import sweep
from store.engine import Store
from store.settle import Settlement
from tests.store.world import CLINIC, LEASE, NODE, NOON, OTHER, OWNER, World, delivered

LATER = NOON + LEASE + timedelta(seconds=1)
REBORN = f"{NODE}/00000002"


async def test_an_expired_claim_is_due_again(world: World) -> None:
    numbers = await world.messages(2, State.CLAIMED, lease_owner=OTHER)
    await world.store.run(sweep.sweep, NODE, OWNER, LATER)
    assert await world.states(numbers) == ["queued", "queued"]
    taken = await world.claim()
    assert [item.id for item in taken] == numbers
    assert [item.attempt for item in taken] == [0, 0]


async def test_an_expired_attempt_is_unknown_and_never_due(world: World) -> None:
    number = await world.message(State.SENDING, lease_owner=OTHER)
    await world.store.run(sweep.sweep, NODE, OWNER, LATER)
    row = await world.row(number)
    assert (row["state"], row["outcome"], row["cause"]) == ("unknown", "unknown", "interrupted")
    assert (row["lease_owner"], row["charged"]) == (None, 1)
    assert await world.attempts(number) == [(1, "unknown", "interrupted")]
    world.clock.move(days=30)
    await world.store.run(sweep.sweep, NODE, OWNER, world.clock())
    assert await world.claim() == []


async def test_leases_that_hold_are_left_alone(world: World) -> None:
    numbers = [await world.message(state, lease_owner=OTHER) for state in (State.CLAIMED, State.SENDING)]
    await world.store.run(sweep.sweep, NODE, OWNER, NOON + LEASE)
    assert await world.states(numbers) == ["claimed", "sending"]


async def test_the_earlier_life_of_the_same_node_needs_no_waiting(world: World) -> None:
    numbers = [await world.message(state) for state in (State.CLAIMED, State.SENDING)]
    await world.store.run(sweep.sweep, NODE, REBORN, NOON)
    assert await world.states(numbers) == ["queued", "unknown"]


@pytest.mark.parametrize("now", [NOON, LATER])
async def test_the_present_life_is_not_swept_not_even_late(world: World, now: datetime) -> None:
    numbers = [await world.message(state) for state in (State.CLAIMED, State.SENDING)]
    await world.store.run(sweep.sweep, NODE, OWNER, now)
    assert await world.states(numbers) == ["claimed", "sending"]


async def test_nodes_whose_names_look_alike_are_other_nodes(world: World) -> None:
    alike = ("GATE/00000001", "gate2/00000001", "gate/b/00000001", "g_te/00000001", "%/00000001")
    numbers = [await world.message(State.SENDING, lease_owner=owner) for owner in alike]
    for node in (NODE, "g%", "____"):
        await world.store.run(sweep.sweep, node, f"{node}/00000002", NOON)
    assert await world.states(numbers) == ["sending"] * len(alike)


async def test_two_sweepers_at_once_record_one_attempt(world: World, url: str) -> None:
    numbers = await world.messages(60, State.SENDING, lease_owner="dead/00000003")
    stores = [Store(url, world.clock) for _ in range(4)]
    try:
        await asyncio.gather(
            *(store.run(sweep.sweep, f"n{i}", f"n{i}/1", LATER) for i, store in enumerate(stores))
        )
    finally:
        await asyncio.gather(*(store.close() for store in stores))
    assert set(await world.states(numbers)) == {"unknown"}
    assert {(await world.row(n))["charged"] for n in numbers} == {1}
    assert [await world.attempts(n) for n in numbers[:3]] == [[(1, "unknown", "interrupted")]] * 3


async def test_a_slow_gateway_may_still_tell_the_truth_after_the_sweep(world: World) -> None:
    number = await world.message(State.SENDING)
    await world.store.run(sweep.sweep, "other", OTHER, LATER)
    await world.settle(delivered(number, charged=False))
    row = await world.row(number)
    assert (row["state"], row["charged"]) == ("delivered", 1)
    assert await world.attempts(number) == [(1, "delivered", "receipt-delivered")]


async def test_a_swept_claim_cannot_be_started_any_more(world: World) -> None:
    number = await world.message()
    await world.claim()
    await world.store.run(sweep.sweep, "other", OTHER, LATER)
    await world.claim(owner=OTHER)
    assert await world.start([number]) == {}
    assert await world.start([number], owner=OTHER) == {number: 1}


async def test_renewing_keeps_what_we_hold_and_nothing_else(world: World) -> None:
    ours = [await world.message(state) for state in (State.CLAIMED, State.SENDING)]
    theirs = await world.message(State.SENDING, lease_owner=OTHER)
    await world.store.run(sweep.renew, OWNER, LATER + LEASE)
    await world.store.run(sweep.sweep, "third", "third/00000001", LATER)
    assert await world.states([*ours, theirs]) == ["claimed", "sending", "unknown"]


async def test_strays_of_a_doubtful_commit_go_back_to_the_queue(world: World) -> None:
    held, stray = await world.messages(2, State.CLAIMED)
    under_way, unsent = await world.messages(2, State.SENDING)
    others = [
        await world.message(State.CLAIMED, lease_owner=OTHER),
        await world.message(State.SENDING, channel="voice"),
        await world.message(State.UNKNOWN),
    ]
    await world.store.run(sweep.release_strays, CLINIC, Channel.SMS, OWNER, {held}, {under_way})
    assert await world.states([held, stray]) == ["claimed", "queued"]
    assert await world.states([under_way, unsent]) == ["sending", "scheduled"]
    assert await world.states(others) == ["claimed", "sending", "unknown"]
    row = await world.row(unsent)
    assert (row["charged"], row["lease_owner"]) == (0, None)
    assert {item.id for item in await world.claim()} == {stray, unsent}
    assert await world.start([stray, unsent]) == {stray: 1, unsent: 2}


async def test_strays_are_found_when_nothing_is_held(world: World) -> None:
    numbers = [await world.message(state) for state in (State.CLAIMED, State.SENDING)]
    await world.store.run(sweep.release_strays, CLINIC, Channel.SMS, OWNER, set(), set())
    assert await world.states(numbers) == ["queued", "scheduled"]


async def test_open_attempts_are_the_unknown_ones_of_a_channel(world: World) -> None:
    number = await world.message(State.UNKNOWN, attempt=2)
    await world.message(State.UNKNOWN, channel="voice")
    await world.message(State.UNKNOWN, started_at=NOON - timedelta(days=3))
    await world.message(State.ACCEPTED)
    since = NOON - timedelta(days=2)
    found = await world.store.read(sweep.open_attempts, CLINIC, Channel.SMS, since)
    assert found == [f"rw-{CLINIC}-{number}-2"]


async def test_accepted_messages_are_unconfirmed_when_no_receipt_came_in_time(world: World) -> None:
    late, fresh, silent = await world.messages(3, State.SENDING)
    accepted: dict[str, Any] = {"state": State.ACCEPTED, "outcome": "accepted", "cause": "submitted"}
    await world.settle(
        Settlement(late, 1, reason="receipt-expected", **accepted), Settlement(silent, 1, **accepted)
    )
    world.clock.move(hours=24)
    await world.start([fresh])
    await world.store.run(sweep.close_unconfirmed, CLINIC, NOON + timedelta(hours=1), world.clock(), 500)
    assert (await world.row(late))["cause"] == "unconfirmed"
    assert (await world.row(silent))["cause"] == "submitted"
    assert await world.states([late, fresh, silent]) == ["accepted", "sending", "accepted"]
    await world.settle(delivered(late))
    assert (await world.row(late))["state"] == "delivered"


async def test_a_receipt_is_waited_for_until_the_appointment_and_the_time_after_it(world: World) -> None:
    ends = [NOON + timedelta(days=21), NOON + timedelta(days=1), NOON + timedelta(days=1)]
    waiting = [await world.message(State.ACCEPTED, reason="receipt-expected", expires_at=end) for end in ends]
    close = sweep.close_unconfirmed
    for days, closed in ((1, 0), (2, 1), (2, 1), (3, 0), (21, 0), (22, 1)):
        before = NOON + timedelta(days=days)
        assert await world.store.run(close, CLINIC, before, world.clock(), 1) == closed, days
    assert [(await world.row(number))["cause"] for number in waiting] == ["unconfirmed"] * 3


async def test_what_lost_its_point_while_its_line_was_away_expires(world: World) -> None:
    over, due = NOON - timedelta(minutes=1), NOON - timedelta(hours=1)
    lost = [await world.message(s, due_at=due, expires_at=over) for s in (State.QUEUED, State.SCHEDULED)]
    kept = [
        await world.message(due_at=due, expires_at=NOON + timedelta(hours=1)),
        await world.message(State.CLAIMED, due_at=due, expires_at=over),
        await world.message(due_at=due, expires_at=over, channel="voice"),
        await world.message(due_at=due, expires_at=over, clinic=2),
    ]
    await world.person()
    await world.visit("moved", "p1", starts_at=NOON + timedelta(hours=2))
    kept.append(await world.message(due_at=due, expires_at=over, appointment=1))
    assert await world.store.read(sweep.overdue, CLINIC, Channel.SMS, NOON, 1) == lost[:1]
    assert sorted(await world.store.read(sweep.overdue, CLINIC, Channel.SMS, NOON, 9)) == lost
    await world.store.run(sweep.expire, CLINIC, [*lost, kept[1]], NOON)
    assert await world.states(lost) == ["expired", "expired"]
    assert (await world.row(lost[0]))["reason"] == "expired"
    assert await world.states(kept[:3]) == ["queued", "claimed", "queued"]


async def test_what_was_left_on_a_machine_is_delivered_when_no_time_is_left(world: World) -> None:
    left, tried = await world.messages(2, State.SENDING)
    for number, cause in ((left, "voicemail-left"), (tried, "no-answer")):
        retry = {"due_at": NOON, "outcome": "retry", "cause": cause}
        await world.settle(Settlement(number, 1, State.SCHEDULED, **retry))
    await world.store.run(sweep.expire, CLINIC, [left, tried], NOON)
    assert await world.states([left, tried]) == ["delivered", "expired"]
    row = await world.row(left)
    assert (row["outcome"], row["cause"], row["reason"]) == ("delivered", "voicemail", "expired")
