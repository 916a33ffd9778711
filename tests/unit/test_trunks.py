"""Which trunk carries the next call or fax."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from gateway.channels import trunks
from gateway.channels.trunks import Share, TrunkLine, Ways, trunk_lines
from gateway.settings import Trunk


def lines(**named: dict[str, Any]) -> list[TrunkLine]:
    quick = {"calls_per_second": 1000.0, "max_calls": 100}
    return trunk_lines({name: Trunk.model_validate(quick | values) for name, values in named.items()})


def ways(of: list[TrunkLine]) -> Ways:
    return Ways(of, lambda trunk: trunk.max_calls)


async def taken(way: Ways) -> Share:
    share = await way.enter()
    assert share is not None
    return share


async def test_channels_of_one_trunk_share_its_lines_and_its_rate() -> None:
    (line,) = lines(main={"max_calls": 2})
    calls, faxes = Ways([line], lambda _: 2), Ways([line], lambda _: 1)
    assert (await calls.free(), await faxes.free()) == (2, 1)
    fax = await taken(faxes)
    assert await calls.free() == 1
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(faxes.free(), 0.05)
    await taken(calls)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(calls.free(), 0.05)
    fax.leave()
    assert await asyncio.wait_for(faxes.free(), 1) == 1


async def test_a_call_whose_line_another_channel_took_waits_or_does_not_begin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(trunks, "ENTER_SECONDS", 0.05)
    (line,) = lines(main={"max_calls": 1})
    calls, faxes = ways([line]), ways([line])
    call = await taken(calls)
    assert await faxes.enter() is None
    monkeypatch.setattr(trunks, "ENTER_SECONDS", 5.0)
    asyncio.get_running_loop().call_later(0.02, call.leave)
    assert await faxes.enter() is not None


async def test_a_slow_trunk_begins_the_calls_of_two_channels_one_after_the_other() -> None:
    (line,) = lines(main={"calls_per_second": 5.0})
    began = asyncio.get_running_loop().time()
    assert all(await asyncio.gather(*(ways([line]).enter() for _ in range(3))))
    assert asyncio.get_running_loop().time() - began > 0.35


async def test_trunks_of_the_same_priority_share_by_weight() -> None:
    both = ways(lines(one={"weight": 3.0, "max_calls": 1000}, two={"max_calls": 1000}))
    assert await both.free() == 400
    carried = Counter()
    for _ in range(300):
        share = await taken(both)
        carried[share.line.name] += 1
        share.leave()
    assert 180 < carried["one"] < 270


async def test_a_backup_carries_only_while_the_first_trunk_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    first, backup = both = lines(first={"max_calls": 1}, backup={"priority": 1})
    way = ways(both)
    call = await taken(way)
    assert call.line is first
    with pytest.raises(TimeoutError):
        # Busy is not broken: the backup may cost more.
        await asyncio.wait_for(way.free(), 0.05)
    first.pace.refused("trunk-congested")
    assert (await taken(way)).line is backup
    call.leave()
    first.pace.taken()
    assert (await taken(way)).line is first


async def test_a_trunk_that_refused_is_tried_again_while_another_carries_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.channels.pace.PAUSES", (60.0,))
    first, _ = both = lines(first={}, backup={"priority": 1})
    way = ways(both)
    first.pace.refused("trunk-congested")
    assert {(await taken(way)).line.name for _ in range(5)} == {"backup"}
    first.pace._paused_until = 0.0
    assert [(await taken(way)).line.name for _ in range(4)] == ["first", "backup", "backup", "backup"]
    first.pace.taken()
    assert {(await taken(way)).line.name for _ in range(5)} == {"first"}


async def test_when_every_trunk_refuses_nothing_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.channels.pace.PAUSES", (2.0,))
    both = lines(one={}, two={})
    for line in both:
        line.pace.refused("trunk-congested")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ways(both).free(), 0.1)
    assert await asyncio.wait_for(ways(both).free(), 20) >= 1


def test_the_longest_prefix_chooses_what_a_number_is_shown() -> None:
    shown = {"+1": "+12025550101", "+1305": "Miami <+13055550100>"}
    (line,) = lines(main={"caller_id": "+12025550100", "caller_ids": shown})
    assert line.caller_id("+13055551234") == "Miami <+13055550100>"
    assert line.caller_id("+12025551234") == "+12025550101"
    assert line.caller_id("+442071838750") == "+12025550100"
