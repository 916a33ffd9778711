"""Peers of the text and mail channels."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.channels.email_relay import RelayLine
from gateway.channels.email_standing import Standing
from gateway.channels.sms_line import SmsLine
from gateway.channels.sms_pace import Pace
from tests.channels.proxy import Proxy
from tests.channels.relay_peer import RelayPeer
from tests.channels.smsc_peer import SmscPeer


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Outages and pauses take milliseconds."""
    monkeypatch.setattr(SmsLine, "RECONNECT_FIRST", 0.02)
    monkeypatch.setattr(SmsLine, "RECONNECT_MOST", 0.1)
    monkeypatch.setattr(Pace, "PAUSE_FIRST", 0.2)
    monkeypatch.setattr(RelayLine, "PROBE_FIRST", 0.02)
    monkeypatch.setattr(RelayLine, "PROBE_MOST", 0.1)
    monkeypatch.setattr(RelayLine, "RETIRE_EVERY", 0.05)
    monkeypatch.setattr(Standing, "TRIAL_FIRST", 0.1)
    monkeypatch.setattr(Standing, "TRIAL_MOST", 0.2)


@pytest.fixture
async def smsc(quick: None) -> AsyncIterator[SmscPeer]:
    """An SMSC that accepts every text."""
    peer = SmscPeer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.fixture
async def proxy(smsc: SmscPeer) -> AsyncIterator[Proxy]:
    """What stands between a bind and the SMSC."""
    between = Proxy(smsc.port)
    await between.open()
    yield between
    await between.close()


@pytest.fixture
async def relay(quick: None) -> AsyncIterator[RelayPeer]:
    """A relay that takes every mail, in the clear."""
    peer = RelayPeer()
    await peer.start()
    yield peer
    await peer.stop()
