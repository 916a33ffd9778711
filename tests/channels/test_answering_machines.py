"""Messages on the town's answering machines: begun after the beep whatever it sounds like, and left whole."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk.ami import Ami
from gateway.asterisk.instance import Instance
from gateway.asterisk.listening import Listener, ear_address
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel
from gateway.domain import Attempt, Delivered, Failed, OnMachine, Outcome, Retry, RetryKind, Sounds
from gateway.settings import Trunk, VoiceSettings
from gateway.town.audio import measure
from gateway.town.households import MACHINE_AREA, number
from gateway.town.ledger import Entry, read_ledger
from gateway.town.town import Town
from tests.exchange import CALLER, ami_of, clinic_exchange, running, until
from tests.studio.world import holds, spoken

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

TRUNK = Trunk(max_calls=40, calls_per_second=100, ring_seconds=15, caller_id=CALLER)
VOICE = VoiceSettings(answer_seconds=1.0)
MESSAGE_SECONDS = 4.0
MOST_SECONDS = 25.0

# name -> V of the number in the area of machines (gateway/town/households.py)
CALLS = {
    "low beep": 0,
    "short beep": 1,
    "high beep": 2,
    "quiet beep": 3,
    "no beep": 4,
    "late beep": 5,
    "long greeting": 6,
    "a tone in the greeting": 7,
    "double beep": 8,
    "talks without an end": 9,
}


@dataclass(frozen=True)
class Called:
    outcome: Outcome
    entry: Entry


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("machines")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(folder: Path) -> AsyncIterator[Town]:
    async with Town(folder / "town", seed=1, pace=0.4) as town:
        yield town


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(folder: Path, town: Town) -> AsyncIterator[Instance]:
    async with clinic_exchange(folder / "clinic", town.address.sip) as instance:
        yield instance


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ami(exchange: Instance) -> AsyncIterator[Ami]:
    ami = ami_of(exchange)
    async with running(ami.run):
        await ami.up()
        yield ami


@pytest.fixture(scope="module")
def message(folder: Path) -> Path:
    return spoken(folder / "message.wav", MESSAGE_SECONDS, hertz=170.0)


async def call(
    ami: Ami,
    town: Town,
    message: Path,
    index: int,
    voice: int,
    area: str = MACHINE_AREA,
    wanted: OnMachine = OnMachine.LEAVE,
) -> Called:
    channel = VoiceChannel(ami, trunk_lines({"town": TRUNK}), VOICE, _nothing)
    address = number(voice, 0, index, area)
    sounds = Sounds(person=(message,), machine=(message,), on_machine=wanted)
    outcome = await channel.send(Attempt(1, 1000 * index + voice, 1, address, sounds))
    return Called(outcome, await _entry(town, address))


async def _nothing(parts: object) -> tuple[Path, ...]:
    raise AssertionError("these calls are rendered already")


async def _entry(town: Town, address: str) -> Entry:
    found: list[Entry] = []

    def over() -> bool:
        found[:] = [entry for entry in read_ledger(town.ledger) if entry.address == address]
        return bool(found) and all(entry.ended for entry in found)

    await until(over)
    assert len(found) == 1
    return found[0]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def called(ami: Ami, town: Town, exchange: Instance, message: Path) -> Mapping[str, Called]:
    """Every kind of machine, called at once while the gateway listens."""
    listener = Listener(ear_address(exchange.folder), silence_seconds=2.5, most_seconds=MOST_SECONDS)
    async with running(listener.run):
        ended = await asyncio.gather(*(call(ami, town, message, 1, voice) for voice in CALLS.values()))
    return dict(zip(CALLS, ended, strict=True))


@pytest.mark.parametrize("machine", [name for name in CALLS if name != "talks without an end"])
async def test_the_whole_message_is_on_the_machine(
    called: Mapping[str, Called], message: Path, machine: str
) -> None:
    told = called[machine]
    assert isinstance(told.outcome, Delivered)
    assert told.outcome.cause == "voicemail"
    assert told.entry.result == "voicemail"
    assert holds(Path(told.entry.recording), message)
    assert told.entry.voiced_seconds == pytest.approx(measure(message).voiced_seconds, abs=0.3)


async def test_after_a_beep_nobody_waits_long(called: Mapping[str, Called]) -> None:
    for machine in ("low beep", "short beep", "high beep", "quiet beep", "double beep"):
        told = called[machine]
        assert told.entry.seconds <= MESSAGE_SECONDS + 1.5, machine


async def test_a_machine_that_never_stops_talking_is_not_waited_for_for_ever(
    called: Mapping[str, Called],
) -> None:
    entry = called["talks without an end"].entry
    assert entry.ended is not None
    assert entry.answered is not None
    assert (
        MOST_SECONDS <= (entry.ended - entry.answered).total_seconds() <= MOST_SECONDS + MESSAGE_SECONDS + 6
    )


async def test_without_the_gateway_the_exchange_finds_the_tone_by_itself(
    ami: Ami, town: Town, message: Path
) -> None:
    told = await call(ami, town, message, 2, 7, "212")
    assert isinstance(told.outcome, Delivered)
    assert holds(Path(told.entry.recording), message)


@pytest.mark.parametrize(
    ("wanted", "outcome"),
    [
        (OnMachine.HANG_UP, Failed("machine-met")),
        (OnMachine.LATER, Retry(RetryKind.NO_ANSWER, "machine-met")),
    ],
)
async def test_a_template_may_leave_nothing_on_a_machine(
    ami: Ami, town: Town, message: Path, wanted: OnMachine, outcome: Outcome
) -> None:
    told = await call(ami, town, message, 3 + list(OnMachine).index(wanted), 0, wanted=wanted)
    assert replace(told.outcome, evidence={}) == outcome
    assert told.entry.seconds == 0.0


async def test_a_template_may_leave_a_message_and_call_again_for_a_person(
    ami: Ami, town: Town, message: Path, exchange: Instance
) -> None:
    listener = Listener(ear_address(exchange.folder), silence_seconds=2.5, most_seconds=MOST_SECONDS)
    async with running(listener.run):
        told = await call(ami, town, message, 8, 0, wanted=OnMachine.LEAVE_MORE)
    assert replace(told.outcome, evidence={}) == Retry(RetryKind.NO_ANSWER, "voicemail-left")
    assert holds(Path(told.entry.recording), message)
