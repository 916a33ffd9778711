"""Settling: forward only, once, and only by whom it concerns."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gateway.domain import Channel, State
from store import facts
from store.settle import Day, Settlement
from tests.store.world import CLINIC, NOON, OTHER, World, delivered


async def test_a_settled_message_shows_outcome_cause_and_attempt(world: World) -> None:
    number = await world.message(State.SENDING)
    world.clock.move(seconds=5)
    await world.settle(delivered(number, started_at=NOON, evidence={"remote_id": "a1"}))
    row = await world.row(number)
    assert (row["state"], row["outcome"], row["cause"]) == ("delivered", "delivered", "receipt-delivered")
    assert (row["charged"], row["lease_owner"], row["lease_until"]) == (1, None, None)
    assert row["updated_at"] == NOON + timedelta(seconds=5)
    assert await world.attempts(number) == [(1, "delivered", "receipt-delivered")]


async def test_the_record_of_an_attempt_keeps_times_and_evidence(world: World) -> None:
    from store.history import attempts

    number = await world.message(State.SENDING)
    world.clock.move(seconds=5)
    await world.settle(delivered(number, started_at=NOON, evidence={"pages": 2, "keys": ["1"]}))
    (record,) = await world.store.read(attempts, CLINIC, [number])
    assert (record["started_at"], record["settled_at"]) == (NOON, NOON + timedelta(seconds=5))
    assert record["evidence"] == {"pages": 2, "keys": ["1"]}


async def test_voicemails_that_earlier_attempts_left_are_counted(world: World) -> None:
    several, one, none = await world.messages(3, State.SENDING)
    later = NOON + timedelta(minutes=3)

    def left(number: int, attempt: int, cause: str = "voicemail-left") -> Settlement:
        return Settlement(number, attempt, State.SCHEDULED, due_at=later, outcome="retry", cause=cause)

    await world.settle(left(several, 1), left(one, 1), left(none, 1, "busy"))
    await world.claim(channel=Channel.SMS, now=later)
    await world.start([several])
    await world.settle(left(several, 2))
    found = await world.store.read(facts.voicemails, CLINIC, [several, one, none])
    assert found == {several: 2, one: 1}


async def test_a_message_that_a_machine_has_shows_so_and_its_last_attempt_what_became_of_it(
    world: World,
) -> None:
    number = await world.message(State.SENDING)
    await world.settle(
        Settlement(
            number,
            1,
            State.DELIVERED,
            reason="attempts-exhausted",
            outcome="retry",
            cause="no-answer",
            ends_as="voicemail",
        )
    )
    row = await world.row(number)
    assert (row["state"], row["outcome"], row["cause"]) == ("delivered", "delivered", "voicemail")
    assert await world.attempts(number) == [(1, "retry", "no-answer")]


async def test_settling_twice_is_settling_once(world: World) -> None:
    sent, retried = await world.messages(2, State.SENDING)
    later = NOON + timedelta(minutes=3)
    batch = (
        delivered(sent),
        Settlement(
            retried,
            1,
            State.SCHEDULED,
            due_at=later,
            reason="busy",
            outcome="retry",
            cause="busy",
            charged=True,
        ),
    )
    for _ in range(3):
        await world.settle(*batch)
        world.clock.move(seconds=1)
    assert [(await world.row(n))["charged"] for n in (sent, retried)] == [1, 1]
    assert [len(await world.attempts(n)) for n in (sent, retried)] == [1, 1]
    row = await world.row(retried)
    assert (row["state"], row["due_at"], row["reason"]) == ("scheduled", later, "busy")


async def test_a_repeated_retry_does_not_touch_the_message_that_is_claimed_again(world: World) -> None:
    number = await world.message(State.SENDING)
    again = Settlement(
        number, 1, State.SCHEDULED, due_at=NOON, reason="busy", outcome="retry", cause="busy", charged=True
    )
    await world.settle(again)
    assert [item.charged for item in await world.claim()] == [1]
    await world.settle(again)
    row = await world.row(number)
    assert (row["state"], row["charged"]) == ("claimed", 1)
    assert await world.start([number]) == {number: 2}


async def test_a_settlement_of_another_attempt_changes_nothing(world: World) -> None:
    number = await world.message(State.SENDING, attempt=2)
    before = await world.row(number)
    await world.settle(delivered(number, 1), delivered(number, 3))
    assert await world.row(number) == before
    assert await world.attempts(number) == []


async def test_what_another_gateway_is_sending_is_not_settled(world: World) -> None:
    number = await world.message(State.SENDING, lease_owner=OTHER)
    await world.settle(delivered(number))
    assert await world.states([number]) == ["sending"]
    assert await world.attempts(number) == []


async def test_other_clinics_messages_are_not_settled(world: World) -> None:
    number = await world.message(State.SENDING, clinic=2)
    await world.settle(delivered(number))
    assert (await world.row(number, clinic=2))["state"] == "sending"


async def test_a_final_state_stays(world: World) -> None:
    final = (State.DELIVERED, State.FAILED, State.REFUSED, State.CANCELLED, State.EXPIRED)
    numbers = [await world.message(state, attempt=1) for state in final]
    for number in numbers:
        await world.settle(
            delivered(number, cause="late"),
            Settlement(number, 1, State.FAILED, outcome="failed", cause="late"),
            Settlement(number, 1, State.REFUSED, reason="late"),
        )
    assert await world.states(numbers) == [state.value for state in final]
    assert [await world.attempts(number) for number in numbers] == [[]] * len(final)


async def test_the_late_truth_settles_an_unknown(world: World) -> None:
    number = await world.message(State.SENDING)
    await world.settle(
        Settlement(number, 1, State.UNKNOWN, outcome="unknown", cause="response-timeout", charged=True)
    )
    assert (await world.row(number))["state"] == "unknown"
    await world.settle(delivered(number, charged=False), owner=OTHER)
    row = await world.row(number)
    assert (row["state"], row["cause"], row["charged"]) == ("delivered", "receipt-delivered", 1)
    assert await world.attempts(number) == [(1, "delivered", "receipt-delivered")]


async def test_the_receipt_settles_what_was_accepted(world: World) -> None:
    good, bad = await world.messages(2, State.SENDING)
    accepted: dict[str, Any] = {
        "state": State.ACCEPTED,
        "outcome": "accepted",
        "cause": "submitted",
        "reason": "receipt-expected",
    }
    await world.settle(Settlement(good, 1, **accepted), Settlement(bad, 1, **accepted))
    assert await world.states([good, bad]) == ["accepted", "accepted"]
    await world.settle(
        delivered(good), Settlement(bad, 1, State.FAILED, outcome="failed", cause="undeliverable")
    )
    assert await world.states([good, bad]) == ["delivered", "failed"]
    assert (await world.row(good))["reason"] is None
    assert await world.attempts(bad) == [(1, "failed", "undeliverable")]


async def test_what_was_accepted_never_becomes_unknown(world: World) -> None:
    number = await world.message(State.SENDING)
    await world.settle(Settlement(number, 1, State.ACCEPTED, outcome="accepted", cause="submitted"))
    world.clock.move(seconds=1)
    await world.settle(Settlement(number, 1, State.UNKNOWN, outcome="unknown", cause="state-7"))
    assert (await world.row(number))["outcome"] == "accepted"
    assert await world.attempts(number) == [(1, "accepted", "submitted")]


async def test_accepted_and_its_early_receipt_settle_in_one_transaction(world: World) -> None:
    number = await world.message(State.SENDING)
    await world.settle(
        Settlement(number, 1, State.ACCEPTED, outcome="accepted", cause="submitted", charged=True),
        delivered(number),
    )
    row = await world.row(number)
    assert (row["state"], row["charged"]) == ("delivered", 1)
    assert await world.attempts(number) == [(1, "delivered", "receipt-delivered")]


@pytest.mark.parametrize("first", ["accepted", "unknown"])
async def test_an_attempt_is_charged_once_also_when_its_truth_comes_late(world: World, first: str) -> None:
    number = await world.message(State.SENDING, charged=1)
    state = State.ACCEPTED if first == "accepted" else State.UNKNOWN
    await world.settle(Settlement(number, 1, state, outcome=first, cause="x", charged=True))
    assert (await world.row(number))["charged"] == 2
    again = Settlement(
        number, 1, State.SCHEDULED, due_at=NOON, outcome="retry", cause="expired", charged=True
    )
    await world.settle(again)
    row = await world.row(number)
    assert (row["state"], row["charged"]) == ("scheduled", 2)


@pytest.mark.parametrize(("charged", "expected"), [(True, 3), (False, 2)])
async def test_only_charged_attempts_count_towards_the_limit(
    world: World, charged: bool, expected: int
) -> None:
    number = await world.message(State.SENDING, attempt=5, charged=2)
    later = NOON + timedelta(minutes=5)
    await world.settle(
        Settlement(
            number,
            5,
            State.SCHEDULED,
            due_at=later,
            reason="line-down",
            outcome="retry",
            cause="down",
            charged=charged,
        )
    )
    assert await world.claim() == []
    world.clock.move(minutes=5)
    (again,) = await world.claim()
    assert (again.charged, again.attempt) == (expected, 5)
    assert await world.start([number]) == {number: 6}


async def test_a_verdict_settles_a_claimed_message_without_an_attempt(world: World) -> None:
    deferred, refused, expired, broken = await world.messages(4)
    await world.claim()
    until = NOON + timedelta(hours=9)
    await world.settle(
        Settlement(deferred, 0, State.SCHEDULED, due_at=until, reason="outside-window"),
        Settlement(refused, 0, State.REFUSED, reason="consent-withdrawn"),
        Settlement(expired, 0, State.EXPIRED, reason="expired"),
        Settlement(broken, 0, State.FAILED, reason="content-unusable"),
    )
    numbers = [deferred, refused, expired, broken]
    assert await world.states(numbers) == ["scheduled", "refused", "expired", "failed"]
    assert [await world.attempts(n) for n in numbers] == [[]] * 4
    row = await world.row(deferred)
    assert (row["due_at"], row["reason"], row["lease_owner"]) == (until, "outside-window", None)


async def test_a_verdict_never_touches_a_message_that_was_started(world: World) -> None:
    number = await world.message(State.SENDING)
    await world.settle(
        Settlement(number, 1, State.SCHEDULED, due_at=NOON, reason="outside-window"),
        Settlement(number, 1, State.FAILED, reason="content-unusable"),
        Settlement(number, 1, State.EXPIRED, reason="expired"),
    )
    assert await world.states([number]) == ["sending"]


async def test_a_bad_address_is_written_into_the_ledger_once_with_its_cause(world: World) -> None:
    numbers = await world.messages(2, State.SENDING)
    batch = [
        Settlement(number, 1, State.FAILED, outcome="failed", cause="invalid-destination", bad_address=True)
        for number in numbers
    ]
    for _ in range(2):
        await world.settle(*batch)
    assert await world.bad_addresses() == {("sms", "+12025550100"): ("invalid", "invalid-destination")}


async def test_a_batch_of_many_kinds_settles_each_by_its_own(world: World) -> None:
    numbers = await world.messages(90, State.SENDING)
    kinds = (
        (State.DELIVERED, "delivered"),
        (State.FAILED, "failed"),
        (State.UNKNOWN, "unknown"),
    )
    batch = [
        Settlement(number, 1, kinds[i % 3][0], outcome=kinds[i % 3][1], cause=f"c{i}", charged=True)
        for i, number in enumerate(numbers)
    ]
    await world.settle(*batch)
    assert await world.states(numbers) == [kinds[i % 3][0].value for i in range(90)]
    assert await world.attempts(numbers[7]) == [(1, "failed", "c7")]


async def test_an_empty_batch_is_nothing(world: World) -> None:
    await world.settle()


async def test_a_cause_that_a_stranger_wrote_can_be_kept(world: World) -> None:
    number = await world.message(State.SENDING)
    odd = "half \ud83d and \0"
    await world.settle(
        Settlement(number, 1, State.FAILED, outcome="failed", cause=odd, reason=odd, evidence={"said": odd})
    )
    assert (await world.row(number))["state"] == "failed"
    assert len(await world.attempts(number)) == 1


def _tried(number: int, attempt: int, world: World, most: int = 2, charged: bool = True) -> Settlement:
    day = Day(NOON - timedelta(hours=12), NOON + timedelta(hours=12), most)
    soon = world.clock() + timedelta(minutes=5)
    return Settlement(
        number,
        attempt,
        State.SCHEDULED,
        due_at=soon,
        outcome="retry",
        cause="busy",
        charged=charged,
        started_at=world.clock(),
        day=day if charged else None,
    )


async def test_a_retry_that_would_be_one_too_many_for_the_day_waits_for_the_next(world: World) -> None:
    number, other = await world.messages(2, State.SENDING)
    await world.settle(_tried(number, 1, world), _tried(other, 1, world, most=1))
    assert (await world.row(number))["due_at"] == NOON + timedelta(minutes=5)
    assert (await world.row(other))["due_at"] == NOON + timedelta(hours=12)
    await _again(world, number)
    await world.settle(_tried(number, 2, world, charged=False))
    assert (await world.row(number))["due_at"] == world.clock() + timedelta(minutes=5)
    await _again(world, number)
    await world.settle(_tried(number, 3, world))
    assert (await world.row(number))["due_at"] == NOON + timedelta(hours=12)


async def test_yesterdays_attempts_do_not_count_for_today(world: World) -> None:
    number = await world.message(State.SENDING)
    await world.settle(_tried(number, 1, world))
    await _again(world, number)
    today = replace(
        _tried(number, 2, world), day=Day(NOON + timedelta(minutes=1), NOON + timedelta(hours=25), 2)
    )
    await world.settle(today)
    assert (await world.row(number))["due_at"] == world.clock() + timedelta(minutes=5)


async def _again(world: World, number: int) -> None:
    world.clock.move(minutes=5)
    await world.claim()
    assert await world.start([number])
