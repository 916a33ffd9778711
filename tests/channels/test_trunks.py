"""Several trunks to the town, and one that leads nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk.ami import Ami
from gateway.asterisk.callers import Callers
from gateway.asterisk.instance import Instance, free_port
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel
from gateway.domain import Attempt, Prompt, Retry, Sounds
from gateway.settings import Trunk, VoiceSettings
from gateway.town.households import number
from gateway.town.ledger import read_ledger
from gateway.town.phones import OUTSIDE
from gateway.town.town import Town
from tests.exchange import ami_of, clinic_exchange, renderer, running, until

pytestmark = pytest.mark.asyncio(loop_scope="module")

BUSY = 3
SHOWN = {"caller_id": "+12025550100", "caller_ids": {"+1305": "+13055550100"}}
QUICK = {
    "host": "127.0.0.1",
    "calls_per_second": 100.0,
    "ring_seconds": 15,
    "detect_machines": False,
    "qualify_seconds": 1,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trunks")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(folder: Path) -> AsyncIterator[Town]:
    async with Town(folder / "town", seed=1, pace=0.2) as town:
        yield town


@pytest.fixture(scope="module")
def trunks(town: Town) -> Mapping[str, Trunk]:
    alive, gone = {"port": town.address.sip}, {"port": free_port()}
    return {
        "gone": Trunk.model_validate(QUICK | gone | {"max_calls": 40}),
        "backup": Trunk.model_validate(QUICK | alive | {"priority": 1, "max_calls": 40} | SHOWN),
    }


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(folder: Path, trunks: Mapping[str, Trunk]) -> AsyncIterator[Instance]:
    plain = {name: trunk.model_dump() for name, trunk in trunks.items()}
    async with clinic_exchange(folder / "clinic", 0, trunks=plain) as instance:
        yield instance


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ami(exchange: Instance) -> AsyncIterator[Ami]:
    ami = ami_of(exchange)
    async with running(ami.run):
        await ami.up()
        yield ami


async def _attempt(folder: Path, message: int, address: str) -> Attempt:
    sounds = await renderer(folder)((Prompt("0.5"),))
    return Attempt(1, message, 1, address, Sounds(sounds, sounds))


async def test_calls_go_over_the_backup_when_the_first_trunk_is_gone(
    ami: Ami, town: Town, folder: Path, trunks: Mapping[str, Trunk], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first one is not tried again within this test.
    monkeypatch.setattr("gateway.channels.pace.PAUSES", (60.0,))
    channel = VoiceChannel(ami, trunk_lines(trunks), VoiceSettings(answer_seconds=1.0), renderer(folder))
    async with running(channel.run):
        first = await channel.send(await _attempt(folder, 1, number(BUSY, 0, 1)))
        assert isinstance(first, Retry)
        assert not first.charged
        assert first.evidence["trunk"] == "gone"
        places = [number(BUSY, 0, 2), number(BUSY, 0, 3, area="305")]
        outcomes = [
            await channel.send(await _attempt(folder, 2 + turn, place)) for turn, place in enumerate(places)
        ]
    assert {(outcome.cause, outcome.evidence["trunk"]) for outcome in outcomes} == {("busy", "backup")}
    seen = {entry.address: entry.caller for entry in read_ledger(town.ledger)}
    assert seen == {places[0]: "+12025550100", places[1]: "+13055550100"}


async def test_a_trunk_that_gives_no_sign_of_life_is_not_dialled(
    ami: Ami, folder: Path, trunks: Mapping[str, Trunk]
) -> None:
    async with asyncio.timeout(60):
        while await status(ami, "gone") != "Unreachable":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
    channel = VoiceChannel(ami, trunk_lines({"gone": trunks["gone"]}), VoiceSettings(), renderer(folder))
    async with running(channel.run), asyncio.timeout(60):
        outcome = await channel.send(await _attempt(folder, 9, number(BUSY, 0, 9)))
    assert isinstance(outcome, Retry)
    assert (outcome.cause, outcome.charged, outcome.evidence) == ("not-placed", False, {"trunk": "gone"})


async def status(ami: Ami, name: str) -> str:
    contact = await ami.value(f"PJSIP_AOR(trunk-{name},contact)")
    return await ami.value(f"PJSIP_CONTACT({contact},status)")


async def test_somebody_who_calls_in_is_counted_until_the_call_ends(
    ami: Ami, exchange: Instance, town: Town
) -> None:
    heard: list[tuple[str, int]] = []
    Callers(ami, lambda endpoint, count: heard.append((endpoint, count)))
    async with town.phones() as phones:
        await phones.call(exchange.identity().sip_port, "12025550100", ["stay:1"], side=OUTSIDE)
    await until(lambda: len(heard) >= 2)
    assert heard == [("trunk-backup", 1), ("trunk-backup", 0)]
