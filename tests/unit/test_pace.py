"""How many calls a line may carry and begin."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.channels import pace
from gateway.channels.pace import Pace


async def test_no_more_calls_begin_than_lines_are_free() -> None:
    line = Pace("line", 3, 1000)
    assert await line.free() == 3
    line.enter()
    line.enter()
    assert await line.free() == 1
    line.enter()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.free(), 0.05)
    asyncio.get_running_loop().call_later(0.02, line.leave)
    assert await asyncio.wait_for(line.free(), 1) == 1


async def test_calls_begin_at_the_rate_of_the_trunk() -> None:
    line = Pace("line", 1000, 50)
    loop = asyncio.get_running_loop()
    began, calls = loop.time(), 0
    while loop.time() < began + 0.5:
        for _ in range(await line.free()):
            line.enter()
            calls += 1
        await asyncio.sleep(0)
    assert 25 <= calls <= 25 + 50 * pace.BURST_SECONDS + 1


async def test_a_slow_trunk_may_still_begin_a_call() -> None:
    line = Pace("line", 10, 0.5)
    assert await line.free() == 1
    line.enter()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.free(), 0.1)


async def test_a_refusal_pauses_the_line_and_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(pace, "PAUSES", (0.1, 0.2))
    line = Pace("the trunk", 10, 1000)
    loop = asyncio.get_running_loop()
    with caplog.at_level(logging.WARNING):
        began = loop.time()
        line.refused("trunk-congested")
        line.refused("trunk-congested")
        assert await line.free() == 1
        assert 0.09 < loop.time() - began < 0.19
        line.refused("trunk-congested")
        assert await line.free() == 1
        assert loop.time() - began > 0.29
        line.taken()
        assert await line.free() == 10
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]
