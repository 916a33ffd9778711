"""Starting and stopping the gateway."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway import daemon
from gateway.domain import LiveCall, State
from gateway.draining import Draining
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from store.engine import Store
from store.settle import Settlement
from tests.exchange import until


@pytest.fixture(autouse=True)
def signals() -> Iterator[None]:
    """What the daemon does to signals ends with the test."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


async def test_a_stop_does_not_wait_forever_for_a_database_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(daemon, "FLUSH_SECONDS", 0.2)
    async with Store(f"sqlite:///{tmp_path}/no-such-folder/store.db") as store:
        outbox = Outbox(StoreLink(store, pause=0.01), Settings(), "gate/00000001")
        outbox.put(Settlement(1, 1, State.DELIVERED))
        asyncio.get_running_loop().call_later(0.1, os.kill, os.getpid(), signal.SIGTERM)
        with caplog.at_level(logging.ERROR):
            async with asyncio.timeout(5):
                await daemon._until_stopped([outbox.run()], Draining([], None, 120), outbox)
    assert "looked for after the next start" in caplog.text


async def test_a_stop_waits_for_somebody_who_called_until_it_is_told_again(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    asked = asyncio.Event()

    async def up() -> list[LiveCall]:
        asked.set()
        return [LiveCall("", 0, 0, "being asked who calls", "main", back=True)]

    async with Store(f"sqlite:///{tmp_path}/store.db") as store:
        outbox = Outbox(StoreLink(store), Settings(), "gate/00000001")
        with caplog.at_level(logging.INFO):
            stopping = asyncio.create_task(
                daemon._until_stopped([outbox.run()], Draining([], up, 120), outbox)
            )
            async with asyncio.timeout(60):
                await until(lambda: "ready" in caplog.messages)
                os.kill(os.getpid(), signal.SIGTERM)
                await asked.wait()
                await until(lambda: any("1 people who called" in line for line in caplog.messages))
                assert not stopping.done()
                os.kill(os.getpid(), signal.SIGTERM)
                await stopping
    assert "stopping now" in caplog.text
