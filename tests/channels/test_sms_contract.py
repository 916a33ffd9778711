"""The channel contract, by texts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import smpp34

from gateway.channels.sms import SmsChannel
from gateway.domain import Attempt, Content, Text
from gateway.settings import Bind
from tests.channels.contract import ChannelContract
from tests.channels.proxy import Proxy
from tests.channels.smsc_peer import SmscPeer

NOBODY = "12125550200"
_INVALID_DESTINATION = 0x0B


class SmsRig:
    """An SMSC behind a proxy that is closed at first."""

    def __init__(self, peer: SmscPeer, proxy: Proxy) -> None:
        self.channel = SmsChannel([Bind(port=proxy.port, per_second=1000.0)])
        self._peer, self._proxy = peer, proxy

    def good(self, number: int) -> Attempt:
        return Attempt(1, number, 1, f"+121255500{number:02d}", Text("See you on Monday"))

    def composed(self) -> Content:
        return self.good(1).content

    def nobody(self, number: int) -> Attempt:
        return Attempt(1, number, 1, f"+{NOBODY}", Text("Anybody?"))

    def unusable(self, number: int) -> Attempt:
        return Attempt(1, number, 1, "+12125550000\r\nOriginate", Text("Hello"))

    def unsendable(self) -> Content:
        return Text("bell \a")

    async def lose(self) -> None:
        await self._proxy.close()

    async def find(self) -> None:
        await self._proxy.open()

    def reached(self) -> int:
        return sum(submit.destination_addr != NOBODY for submit in self._peer.got)


def _habit(submit: smpp34.SubmitSmEvent, number: int) -> None:
    if submit.destination_addr == NOBODY:
        submit.reject(_INVALID_DESTINATION)
    else:
        submit.accept(f"id-{number}")


@pytest.fixture
async def rig(quick: None) -> AsyncIterator[SmsRig]:
    peer = SmscPeer()
    peer.answer = _habit
    await peer.start()
    proxy = Proxy(peer.port)
    await proxy.open()
    await proxy.close()
    yield SmsRig(peer, proxy)
    await proxy.close()
    await peer.stop()


class TestSms(ChannelContract):
    """Every promise, kept by SmsChannel."""
