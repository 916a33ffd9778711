"""How many calls a line may carry and begin."""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.channels import pace, voice_causes
from gateway.channels.pace import Pace
from gateway.domain import Delivered


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
    burst = 50 * pace.BURST_SECONDS + 1
    began, calls = loop.time(), 0
    while calls < 25 + burst:
        for _ in range(await line.free()):
            line.enter()
            calls += 1
        await asyncio.sleep(0)
    assert loop.time() - began >= (calls - burst) / 50 * 0.95


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
        paused_until = line._paused_until
        line.refused("trunk-congested")
        assert line._paused_until == paused_until, "two calls that one outage ended are one pause"
        assert await line.free() == 1
        assert loop.time() - began > 0.09
        line.refused("trunk-congested")
        assert await line.free() == 1
        assert loop.time() - began > 0.29
        line.taken()
        assert await line.free() == 10
    assert [record.levelname for record in caplog.records] == ["ERROR", "WARNING"]


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


async def test_lines_are_kept_free_for_people_who_call_in() -> None:
    line = Pace("the trunk", 5, 1000, kept_free=2)
    assert line.room() == 3
    line.keep(1)
    assert line.room() == 3
    line.keep(4)
    assert line.room() == 1
    line.enter()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(line.free(), 0.05)
    asyncio.get_running_loop().call_later(0.02, line.keep, 0)
    assert await asyncio.wait_for(line.free(), 1) == 2


async def test_a_trunk_that_refused_is_tried_with_one_call_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pace, "PAUSES", (0.02,))
    monkeypatch.setattr(pace, "TRIAL_SECONDS", 0.1)
    line = Pace("the trunk", 10, 1000)
    line.refused("trunk-congested")
    assert await asyncio.wait_for(line.free(), 1) == 1
    line.enter()
    assert line.room() == 0
    assert await asyncio.wait_for(line.free(), 1) == 1
    line.taken()
    assert line.room() == 9


async def test_one_refusal_among_calls_that_are_taken_does_not_pause_the_trunk() -> None:
    line = Pace("the trunk", 10, 1000)
    line.heard(Delivered("played"), "+1")
    for address in ("+2", "+3"):
        assert line.heard(voice_causes.CONGESTION, address) == voice_causes.CONGESTION
    assert await line.free() == 10
    line.heard(voice_causes.CONGESTION, "+4")
    assert line.room() == 0


async def test_the_first_call_of_a_day_that_is_refused_pauses_the_trunk() -> None:
    line = Pace("the trunk", 10, 1000)
    line.heard(voice_causes.CONGESTION, "+1")
    assert line.room() == 0
