"""Stop-all: nothing is started while a stop holds, whoever asks."""

from __future__ import annotations

from gateway.domain import Channel, State
from store import lines, stops
from tests.store.world import CLINIC, NOON, OTHER, World, delivered


async def _stop(world: World, channel: Channel | None = None, clinic: int = CLINIC) -> int:
    return await world.store.run(stops.order, clinic, channel, "wrong list", "ito", False, world.clock())


async def test_what_is_stopped_is_not_started_and_not_lost(world: World) -> None:
    numbers = await world.messages(3)
    await world.claim()
    await _stop(world)
    assert await world.start(numbers) == {}
    assert await world.states(numbers) == ["queued"] * 3
    assert {(await world.row(number))["attempt"] for number in numbers} == {0}
    assert await world.store.run(stops.lift, CLINIC, None, "ito", world.clock()) == 1
    await world.claim()
    assert sorted(await world.start(numbers)) == numbers


async def test_a_stop_holds_for_every_gateway_and_for_its_channel_and_clinic_alone(world: World) -> None:
    (text,) = await world.messages(1)
    (call,) = await world.messages(1, channel="voice")
    await world.claim(owner=OTHER, channel=Channel.VOICE)
    await world.claim()
    await _stop(world, Channel.VOICE)
    await _stop(world, clinic=CLINIC + 1)
    assert await world.start([call], owner=OTHER) == {}
    assert list(await world.start([text])) == [text]


async def test_what_is_stopped_is_known_with_reason_name_and_time(world: World) -> None:
    number = await _stop(world, Channel.FAX)
    (found,) = await world.store.read(stops.current, CLINIC)
    assert found == stops.Stop(number, Channel.FAX, "wrong list", "ito", False, NOON)
    assert found.covers(Channel.FAX)
    assert not found.covers(Channel.VOICE)
    assert await world.store.read(stops.current, CLINIC + 1) == []


async def test_resuming_one_channel_does_not_end_a_stop_of_all(world: World) -> None:
    await _stop(world)
    await _stop(world, Channel.SMS)
    assert await world.store.run(stops.lift, CLINIC, Channel.SMS, "ito", world.clock()) == 1
    (left,) = await world.store.read(stops.current, CLINIC)
    assert left.channel is None
    assert await world.store.run(stops.lift, CLINIC, None, "ito", world.clock()) == 1
    assert await world.store.read(stops.current, CLINIC) == []


async def test_the_newest_attempts_of_a_channel_tell_how_its_lines_do(world: World) -> None:
    first, second = await world.messages(2, State.SENDING)
    await world.settle(delivered(first, evidence={"trunk": "main"}))
    world.clock.move(seconds=1)
    await world.settle(delivered(second, evidence={"trunk": "backup"}))
    found = await world.store.read(lines.recent, CLINIC, Channel.SMS, 1)
    assert found == [("receipt-delivered", {"trunk": "backup"})]
    assert await world.store.read(lines.recent, CLINIC, Channel.VOICE, 10) == []
