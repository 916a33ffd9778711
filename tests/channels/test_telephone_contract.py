"""The channel contract, by calls and by faxes, over both real exchanges."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk import ami as ami_module
from gateway.asterisk.ami import Ami
from gateway.asterisk.instance import Instance
from gateway.channels.fax import FaxChannel
from gateway.channels.port import Channel
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel
from gateway.domain import Attempt, Content, FaxLetter, Prompt, Script, Text
from gateway.settings import FaxSettings, Trunk, VoiceSettings
from gateway.town.households import number
from gateway.town.ledger import read_ledger
from gateway.town.town import Town
from tests.channels.contract import ChannelContract
from tests.channels.proxy import Proxy
from tests.channels.waiting import until_true
from tests.exchange import CALLER, ami_of, clinic_exchange, fax_renderer, renderer

pytestmark = pytest.mark.asyncio(loop_scope="module")

LISTENS, NOBODY, FAX = 1, 6, 8
SCRIPT = Script(person=(Prompt("0.5"),), machine=(Prompt("0.5"),))
LETTER = FaxLetter("Dr. Roe", "Referral", "See below.")
# No attempt of one test has the id of another's: the exchange keeps results until they are acknowledged.
_FIRST = itertools.count(1000, 100)


@dataclass
class World:
    """Both exchanges."""

    folder: Path
    town: Town
    exchange: Instance


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    folder = tmp_path_factory.mktemp("contract")
    async with (
        Town(folder / "town", seed=1, pace=0.2) as town,
        clinic_exchange(folder / "clinic", town.address.sip) as exchange,
    ):
        yield World(folder, town, exchange)


class TelephoneRig:
    """A channel whose exchange is behind a proxy that is closed at first."""

    def __init__(self, world: World, proxy: Proxy, ami: Ami, channel: Channel, composed: Content) -> None:
        self.channel = channel
        self._world, self._proxy, self._ami, self._composed = world, proxy, ami, composed
        self._first, self._before = next(_FIRST), len(read_ledger(world.town.ledger))
        self._prepared = composed
        self._telephone = FAX if isinstance(composed, FaxLetter) else LISTENS

    async def ready(self) -> None:
        """Render what all attempts send."""
        self._prepared = await self.channel.prepare(self._composed)

    def good(self, number: int) -> Attempt:
        return self._attempt(number, _number(self._telephone, number))

    def composed(self) -> Content:
        return self._composed

    def nobody(self, number: int) -> Attempt:
        return self._attempt(number, _number(NOBODY, number))

    def unusable(self, number: int) -> Attempt:
        return self._attempt(number, "+12125550100\r\nAction: Originate")

    def unsendable(self) -> Content:
        return Text("Neither a script nor a letter")

    def _attempt(self, number: int, address: str) -> Attempt:
        return Attempt(1, self._first + number, 1, address, self._prepared)

    async def lose(self) -> None:
        await self._proxy.close()
        await until_true(self._is_down)

    async def _is_down(self) -> bool:
        return not self._ami.is_up

    async def find(self) -> None:
        await self._proxy.open()

    def reached(self) -> int:
        calls = read_ledger(self._world.town.ledger)[self._before :]
        return sum(call.result != "unallocated" for call in calls)


def _number(telephone: int, last: int) -> str:
    return number(telephone, 0, last)


@pytest_asyncio.fixture(loop_scope="module")
async def proxy(world: World, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Proxy]:
    monkeypatch.setattr(ami_module, "_BACKOFF", (0.05,))
    between = Proxy(world.exchange.identity().ami_port)
    await between.open()
    await between.close()
    yield between
    await between.close()


def _lines() -> Trunk:
    return Trunk(max_calls=20, max_faxes=20, calls_per_second=100, ring_seconds=15, caller_id=CALLER)


class TestVoice(ChannelContract):
    """Every promise, kept by VoiceChannel."""

    @pytest_asyncio.fixture(loop_scope="module")
    async def rig(self, world: World, proxy: Proxy) -> TelephoneRig:
        ami = ami_of(world.exchange, proxy.port)
        trunk = _lines().model_copy(update={"detect_machines": False})
        lines, voice = trunk_lines({"town": trunk}), VoiceSettings(answer_seconds=1.0)
        channel = VoiceChannel(ami, lines, voice, renderer(world.folder))
        found = TelephoneRig(world, proxy, ami, channel, SCRIPT)
        await found.ready()
        return found


class TestFax(ChannelContract):
    """Every promise, kept by FaxChannel."""

    @pytest_asyncio.fixture(loop_scope="module")
    async def rig(self, world: World, proxy: Proxy) -> TelephoneRig:
        ami = ami_of(world.exchange, proxy.port)
        settings = FaxSettings(station_id=CALLER)
        channel = FaxChannel(ami, trunk_lines({"town": _lines()}), settings, fax_renderer(world.folder))
        found = TelephoneRig(world, proxy, ami, channel, LETTER)
        await found.ready()
        return found
