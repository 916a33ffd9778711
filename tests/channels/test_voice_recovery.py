"""Gateway, connection or exchange die at each stage of a call: what is known then; nobody is called twice."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk.ami import Ami
from gateway.asterisk.instance import Instance
from gateway.asterisk.live import calls_in_progress
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel
from gateway.domain import Attempt, Channel, Event, Outcome, Prompt, Receipt, Sounds, Unknown
from gateway.link import StoreLink
from gateway.settings import Trunk, VoiceSettings
from gateway.stops import Gate, Keeper
from gateway.town.households import number
from gateway.town.ledger import read_ledger
from gateway.town.town import Town
from store import migrate, stops
from store.engine import Store
from tests.exchange import Proxy, ami_of, clinic_exchange, renderer, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRUNK = Trunk(max_calls=40, calls_per_second=100, ring_seconds=15, detect_machines=False)
WITH_DETECTION = TRUNK.model_copy(update={"detect_machines": True})
# stage of the live view -> (V of the number, trunk, seconds of the message, what it ends as if left alone)
STAGES: Mapping[str, tuple[int, Trunk, str, str]] = {
    "ringing": (4, TRUNK, "1.0", "no-answer"),
    "playing the message": (1, TRUNK, "8.0", "played"),
    "waiting for a key": (1, TRUNK, "1.0", "played"),
    "leaving a voicemail": (7, WITH_DETECTION, "6.0", "voicemail"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recovery")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(folder: Path) -> AsyncIterator[Town]:
    async with Town(folder / "town", seed=1, pace=0.4) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(folder: Path, town: Town) -> AsyncIterator[Instance]:
    async with clinic_exchange(folder / "clinic", town.address.sip) as instance:
        yield instance


def channel_of(ami: Ami, trunk: Trunk, folder: Path) -> VoiceChannel:
    return VoiceChannel(
        ami, trunk_lines({"town": trunk}), VoiceSettings(answer_seconds=4.0), renderer(folder)
    )


async def attempt_at(stage: str, turn: int, folder: Path) -> Attempt:
    voice, _, seconds, _ = STAGES[stage]
    message = turn * 10 + list(STAGES).index(stage)
    sounds = await renderer(folder)((Prompt(seconds),))
    return Attempt(1, message, 1, number(voice, 0, message), Sounds(sounds, sounds))


async def reached(ami: Ami, attempt: Attempt, stage: str) -> None:
    async with asyncio.timeout(60):
        while await stage_of(ami, attempt) != stage:  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def stage_of(ami: Ami, attempt: Attempt) -> str:
    return next((call.stage for call in await calls_in_progress(ami) if call.attempt == attempt.id), "")


def times_called(town: Town, attempt: Attempt) -> int:
    return sum(entry.address == attempt.address for entry in read_ledger(town.ledger))


async def placed(
    stack: AsyncExitStack, ami: Ami, stage: str, attempt: Attempt, folder: Path
) -> asyncio.Task[Outcome]:
    """The call, at this stage."""
    channel = channel_of(ami, STAGES[stage][1], folder)
    await stack.enter_async_context(running(channel.run))
    await ami.up()
    return asyncio.create_task(channel.send(attempt))


async def test_a_gateway_that_dies_in_a_call_learns_its_outcome_in_its_next_life(
    exchange: Instance, town: Town, folder: Path
) -> None:
    await asyncio.gather(*(_dies(stage, exchange, town, folder) for stage in STAGES))


async def _dies(stage: str, exchange: Instance, town: Town, folder: Path) -> None:
    attempt = await attempt_at(stage, 1, folder)
    looking = ami_of(exchange)
    async with running(looking.run), AsyncExitStack() as first:
        await looking.up()
        sending = await placed(first, ami_of(exchange), stage, attempt, folder)
        await reached(looking, attempt, stage)
        await first.aclose()
        sending.cancel()
    events: list[Event] = []
    second = channel_of(ami := ami_of(exchange), STAGES[stage][1], folder)

    async def follow() -> None:
        async for batch in second.batches(10):
            events.extend(batch)

    async with running(second.run, follow):
        await ami.up()
        await second.reconcile([attempt.id])
        await until(lambda: bool(events), 40)
    (receipt,) = events
    assert isinstance(receipt, Receipt)
    assert (receipt.attempt, receipt.outcome.cause) == (attempt.id, STAGES[stage][3])
    assert times_called(town, attempt) == 1


async def test_a_connection_cut_in_a_call_costs_nothing(exchange: Instance, town: Town, folder: Path) -> None:
    await asyncio.gather(*(_cut(stage, exchange, town, folder) for stage in STAGES))


async def _cut(stage: str, exchange: Instance, town: Town, folder: Path) -> None:
    attempt = await attempt_at(stage, 2, folder)
    looking = ami_of(exchange)
    async with running(looking.run), Proxy(exchange.identity().ami_port) as proxy, AsyncExitStack() as stack:
        await looking.up()
        sending = await placed(stack, ami_of(exchange, proxy.port), stage, attempt, folder)
        await reached(looking, attempt, stage)
        proxy.cut()
        async with asyncio.timeout(60):
            outcome = await sending
    assert outcome.cause == STAGES[stage][3]
    assert times_called(town, attempt) == 1


async def test_an_exchange_that_dies_in_calls_leaves_them_unknown_and_repeats_none(
    exchange: Instance, town: Town, folder: Path
) -> None:
    attempts = {stage: await attempt_at(stage, 3, folder) for stage in STAGES}
    looking = ami_of(exchange)
    async with running(looking.run), AsyncExitStack() as stack:
        await looking.up()
        ami = ami_of(exchange)
        sends = {}
        for stage in ("leaving a voicemail", "playing the message", "waiting for a key", "ringing"):
            sends[stage] = await placed(stack, ami, stage, attempts[stage], folder)
            await reached(looking, attempts[stage], stage)
        up = {call.attempt for call in await calls_in_progress(looking)}
        pid = exchange.pid()
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        await until(lambda: not ami.is_up)
        await exchange.start()
        async with asyncio.timeout(60):
            outcomes = dict(zip(sends, await asyncio.gather(*sends.values()), strict=True))
    assert {attempts["playing the message"].id, attempts["ringing"].id} <= up
    for stage, outcome in outcomes.items():
        if attempts[stage].id in up:
            assert (type(outcome), outcome.cause) == (Unknown, "exchange-lost"), stage
        else:
            assert outcome.cause == STAGES[stage][3], stage
    assert [times_called(town, attempt) for attempt in attempts.values()] == [1] * len(STAGES)


async def test_calls_that_a_stop_is_to_end_are_ended_as_soon_as_the_exchange_can_be_reached(
    exchange: Instance, town: Town, folder: Path
) -> None:
    sounds = await renderer(folder)((Prompt("40.0"),))
    playing, placed_late = (
        Attempt(1, message, 1, number(1, 0, message), Sounds(sounds, sounds)) for message in (51, 52)
    )
    looking = ami_of(exchange)
    async with (
        Proxy(exchange.identity().ami_port) as proxy,
        Store(f"sqlite:///{folder / 'stops.sqlite3'}") as store,
        running(looking.run),
    ):
        await migrate.upgrade(store)
        channel = channel_of(ami := ami_of(exchange, proxy.port), TRUNK, folder)
        keeper = Keeper(StoreLink(store), 1, Gate(), [channel])
        async with running(channel.run, keeper.run):
            await asyncio.gather(ami.up(), looking.up())
            sends = [asyncio.create_task(channel.send(playing))]
            await reached(looking, playing, "playing the message")
            proxy.silence()
            sends.append(asyncio.create_task(channel.send(placed_late)))
            await store.run(stops.order, 1, Channel.VOICE, "wrong list", "ito", True, store.clock())
            await until(lambda: not ami.is_up, 20)
            assert not sends[0].done()
            proxy.resume()
            async with asyncio.timeout(25):
                causes = [outcome.cause for outcome in await asyncio.gather(*sends)]
    assert causes[0] == "cut-off"
    theirs = {playing.address, placed_late.address}
    await until(lambda: all(entry.ended for entry in read_ledger(town.ledger) if entry.address in theirs), 5)
