"""The channel contract, by mail."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.channels.email import EmailChannel
from gateway.domain import Attempt, Content, Mail
from gateway.settings import Relay
from tests.channels.contract import ChannelContract
from tests.channels.relay_peer import RelayPeer

_MAIL = Mail("Your visit", "Dear Jane", "<p>Dear Jane</p>", "Jane Doe")


class EmailRig:
    """A relay that does not listen at first."""

    def __init__(self, peer: RelayPeer) -> None:
        self.channel = EmailChannel({"main": Relay(port=peer.port, security="none")}, "Example Clinic")
        self._peer = peer

    def good(self, number: int) -> Attempt:
        self._peer.replies.clear()
        return Attempt(1, number, 1, f"jane{number}@home.example", _MAIL)

    def composed(self) -> Content:
        return self.good(1).content

    def nobody(self, number: int) -> Attempt:
        self._peer.replies["RCPT"] = "550 5.1.1 No such user here"
        return Attempt(1, number, 1, "nobody@home.example", _MAIL)

    def unusable(self, number: int) -> Attempt:
        return Attempt(1, number, 1, "jane@home.example>\r\nRCPT TO:<eve@evil.example", _MAIL)

    def unsendable(self) -> Content:
        return Mail("Your visit\r\nBcc: eve@evil.example", "Dear Jane", "<p>Dear Jane</p>")

    async def lose(self) -> None:
        await self._peer.stop()

    async def find(self) -> None:
        await self._peer.start()

    def reached(self) -> int:
        return sum(len(envelope.rcpt_tos) for envelope in self._peer.envelopes)


@pytest.fixture
async def rig(quick: None) -> AsyncIterator[EmailRig]:
    peer = RelayPeer()
    await peer.start()
    await peer.stop()
    yield EmailRig(peer)
    await peer.stop()


class TestEmail(ChannelContract):
    """Every promise, kept by EmailChannel."""
