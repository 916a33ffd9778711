"""How many calls a line may carry and begin."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.channels import pace, voice_causes
from gateway.channels.pace import Pace, Share
from gateway.domain import Delivered


async def test_no_more_calls_begin_than_lines_are_free() -> None:
    line = Pace("line", 3, 1000)
    assert await line.free() == 3
    assert await line.enter()
    assert await line.enter()
    assert await line.free() == 1
    assert await line.enter()
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
            assert await line.enter()
            calls += 1
        await asyncio.sleep(0)
    assert 25 <= calls <= 25 + 50 * pace.BURST_SECONDS + 1


async def test_a_slow_trunk_may_still_begin_a_call() -> None:
    line = Pace("line", 10, 0.5)
    assert await line.free() == 1
    assert await line.enter()
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


async def test_channels_of_one_trunk_share_its_lines_and_its_rate() -> None:
    trunk = Pace("the trunk", 2, 1000)
    calls, faxes = Share(trunk, 2), Share(trunk, 1)
    assert (await calls.free(), await faxes.free()) == (2, 1)
    assert await faxes.enter()
    assert await calls.free() == 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(faxes.free(), 0.05)
    assert await calls.enter()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calls.free(), 0.05)
    faxes.leave()
    assert await asyncio.wait_for(faxes.free(), 1) == 1


async def test_a_call_whose_line_another_channel_took_waits_or_does_not_begin() -> None:
    trunk = Pace("the trunk", 1, 1000)
    calls, faxes = Share(trunk, 1), Share(trunk, 1)
    assert (await calls.free(), await faxes.free()) == (1, 1)
    assert await calls.enter()
    assert not await trunk.enter(0.02)
    asyncio.get_running_loop().call_later(0.02, calls.leave)
    assert await faxes.enter()


async def test_a_slow_trunk_begins_the_calls_of_two_channels_one_after_the_other() -> None:
    trunk = Pace("the trunk", 10, 5)
    loop = asyncio.get_running_loop()
    began = loop.time()
    assert await asyncio.gather(*(Share(trunk, 5).enter() for _ in range(3))) == [True, True, True]
    assert loop.time() - began > 0.35


async def test_one_forbidden_number_stops_nobody_else() -> None:
    line = Pace("the trunk", 10, 1000)
    for _ in range(10):
        assert line.heard(voice_causes.FORBIDDEN, "+1") == voice_causes.FORBIDDEN
    assert await line.free() == 10


async def test_a_trunk_that_forbids_every_number_refuses_us(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PAUSES", (0.05,))
    line = Pace("the trunk", 10, 1000)
    assert line.heard(voice_causes.FORBIDDEN, "+1") == voice_causes.FORBIDDEN
    assert line.heard(voice_causes.FORBIDDEN, "+2") == voice_causes.FORBIDDEN
    assert line.heard(voice_causes.FORBIDDEN, "+3") == voice_causes.REFUSES_US
    assert await line.free() == 1
    line.heard(Delivered("played"), "+4")
    assert line.heard(voice_causes.FORBIDDEN, "+3") == voice_causes.FORBIDDEN
