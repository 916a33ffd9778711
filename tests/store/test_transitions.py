"""Every way the store moves a message is drawn in the state diagram: all pairs of states are tried."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from gateway.domain import DUE_STATES, TRANSITIONS, Channel, State
from store import broadcasts, queue, sweep
from store.settle import Settlement
from tests.store.world import CLINIC, LEASE, OTHER, OWNER, World

Verb = Callable[[World, int], Awaitable[object]]


async def _claim(world: World, number: int) -> None:
    await world.claim()


async def _start(world: World, number: int) -> None:
    await world.start([number])


async def _hand_back(world: World, number: int) -> None:
    await world.store.run(queue.hand_back, CLINIC, OWNER, [number])


async def _sweep(world: World, number: int) -> None:
    await world.store.run(sweep.sweep, "other", OTHER, world.clock() + LEASE + timedelta(seconds=1))


async def _release(world: World, number: int) -> None:
    await world.store.run(sweep.release_strays, CLINIC, Channel.SMS, OWNER, set(), set())


async def _cancel(world: World, number: int) -> None:
    await world.store.run(broadcasts.cancel, CLINIC, (await world.row(number))["broadcast"], world.clock())


async def _close(world: World, number: int) -> None:
    later = world.clock() + timedelta(days=9)
    await world.store.run(sweep.close_unconfirmed, CLINIC, later, later, 500)


async def _expire(world: World, number: int) -> None:
    await world.store.run(sweep.expire, CLINIC, [number], world.clock())


async def _renew(world: World, number: int) -> None:
    await world.store.run(sweep.renew, OWNER, world.clock() + LEASE)


# What each verb does, in full: a pair that is missing here must not happen.
_VERBS: dict[str, tuple[Verb, dict[State, State]]] = {
    "claim": (_claim, dict.fromkeys(DUE_STATES, State.CLAIMED)),
    "start": (_start, {State.CLAIMED: State.SENDING}),
    "hand_back": (_hand_back, {State.CLAIMED: State.QUEUED}),
    "sweep": (_sweep, {State.CLAIMED: State.QUEUED, State.SENDING: State.UNKNOWN}),
    "release_strays": (_release, {State.CLAIMED: State.QUEUED, State.SENDING: State.SCHEDULED}),
    "cancel": (_cancel, dict.fromkeys((*DUE_STATES, State.CLAIMED), State.CANCELLED)),
    "close_unconfirmed": (_close, {}),
    "expire": (_expire, dict.fromkeys(DUE_STATES, State.EXPIRED)),
    "renew": (_renew, {}),
}


@pytest.mark.parametrize("verb", _VERBS)
async def test_each_verb_makes_just_the_moves_it_is_there_for(world: World, verb: str) -> None:
    act, moves = _VERBS[verb]
    order = await world.broadcast()
    for before in State:
        number = await world.message(before, broadcast=order.id)
        await act(world, number)
        after = State((await world.row(number))["state"])
        assert after == moves.get(before, before), before
        assert after == before or after in TRANSITIONS[before]


def _settling(number: int, attempt: int, state: State, of_attempt: bool) -> Settlement:
    outcome = "retry" if of_attempt else None
    return Settlement(number, attempt, state, reason="walk", outcome=outcome, cause="walk")


_SETTLED = (State.SCHEDULED, State.ACCEPTED, State.DELIVERED, State.FAILED, State.UNKNOWN, State.EXPIRED)
_JUDGED = (State.SCHEDULED, State.REFUSED, State.EXPIRED, State.CANCELLED, State.FAILED, State.QUEUED)


@pytest.mark.parametrize("of_attempt", [True, False])
async def test_settling_walks_no_way_that_is_not_drawn(world: World, of_attempt: bool) -> None:
    sources = {State.SENDING, State.ACCEPTED, State.UNKNOWN} if of_attempt else {State.CLAIMED}
    for after in _SETTLED if of_attempt else _JUDGED:
        for before in State:
            number = await world.message(before)
            attempt = (await world.row(number))["attempt"]
            await world.settle(_settling(number, attempt, after, of_attempt))
            allowed = before in sources and after in TRANSITIONS[before]
            assert (await world.row(number))["state"] == (after if allowed else before), (before, after)


@pytest.mark.parametrize(
    ("state", "of_attempt"),
    [(State.CLAIMED, False), (State.SENDING, True), (State.UNKNOWN, False), (State.QUEUED, True)],
)
async def test_a_settlement_that_no_way_leads_to_is_an_error(
    world: World, state: State, of_attempt: bool
) -> None:
    number = await world.message(State.SENDING)
    with pytest.raises(KeyError):
        await world.settle(_settling(number, 1, state, of_attempt))
