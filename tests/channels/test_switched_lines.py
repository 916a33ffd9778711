"""Lines that are looked at and switched: what is off gets nothing, and says so; others carry on."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from gateway.channels.tally import Tally
from gateway.channels.trunks import TrunkLine, Ways, trunk_lines
from gateway.domain import Accepted, Failed, LineState, Outcome, Retry, RetryKind, Unknown
from gateway.settings import Trunk
from tests.channels.mail_line import mail
from tests.channels.mail_line import running as mail_running
from tests.channels.mail_line import started as mail_started
from tests.channels.relay_peer import RelayPeer
from tests.channels.sms_bind import down, text
from tests.channels.sms_bind import running as sms_running
from tests.channels.smsc_peer import SmscPeer
from tests.channels.waiting import until

LINE_DOWN = Retry(RetryKind.LINE_DOWN, "trunk-refuses-us", charged=False)


def trunks(**named: dict[str, Any]) -> Sequence[TrunkLine]:
    quick = {"calls_per_second": 1000.0, "max_calls": 5}
    return trunk_lines({name: Trunk.model_validate(quick | values) for name, values in named.items()})


async def test_a_trunk_that_is_off_leaves_its_calls_to_another_one() -> None:
    first, second = trunks(first={}, second={"priority": 5})
    way = Ways([first, second], lambda trunk: trunk.max_calls)
    first.switch(False)
    share = await way.enter()
    assert share is not None
    assert share.line is second
    assert (first.look().state, second.look().busy) == (LineState.OFF, 1)
    first.switch(True)
    share = await way.enter()
    assert share is not None
    assert share.line is first


async def test_calls_wait_while_every_trunk_is_off_and_go_on_afterwards() -> None:
    (line,) = trunks(main={})
    way = Ways([line], lambda trunk: trunk.max_calls)
    line.switch(False)
    waiting = asyncio.create_task(way.free())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    line.switch(True)
    assert await asyncio.wait_for(waiting, 10) > 0


async def test_switching_off_reaches_whoever_waits_for_a_free_line_already() -> None:
    (line,) = trunks(main={"max_calls": 1})
    way = Ways([line], lambda trunk: trunk.max_calls)
    share = await way.enter()
    assert share is not None
    waiting = asyncio.create_task(way.free())
    await asyncio.sleep(0)
    line.switch(False)
    share.leave()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waiting.done()
    waiting.cancel()


async def test_faxes_are_switched_off_without_the_calls_of_their_trunk() -> None:
    (line,) = trunks(main={"max_faxes": 2})
    calls, faxes = Ways([line], lambda trunk: 5), Ways([line], lambda trunk: trunk.max_faxes)
    (fax,) = faxes.shares
    fax.switch(False)
    assert (fax.look().state, line.look().state) == (LineState.OFF, LineState.UP)
    assert await calls.enter() is not None
    assert fax.room() == 0


async def test_a_bind_that_is_off_takes_no_text_and_stays_bound(smsc: SmscPeer) -> None:
    async with sms_running(smsc.port) as channel:
        (line,) = channel.lines
        assert isinstance(await channel.send(text()), Accepted)
        line.switch(False)
        assert await down(channel)
        outcome = await channel.send(text(2))
        assert (outcome.cause, len(smsc.got)) == ("bind-down", 1)
        look = line.look()
        assert (look.state, look.sent, look.failed, bool(smsc.binds)) == (LineState.OFF, 1, 0, True)
        line.switch(True)
        assert isinstance(await channel.send(text(3)), Accepted)
        assert line.look().state is LineState.UP


async def test_a_bind_that_is_away_says_why(smsc: SmscPeer) -> None:
    async with sms_running(smsc.port) as channel:
        (line,) = channel.lines
        await until(lambda: smsc.binds)
        await smsc.stop()
        await until(lambda: line.look().state is LineState.DOWN)
        assert line.look().trouble
        await smsc.start()
        await until(lambda: line.look().state is LineState.UP)
        assert line.look().trouble == ""


async def test_a_relay_that_is_off_takes_no_mail(relay: RelayPeer) -> None:
    async with mail_running(relay.port) as channel:
        (line,) = channel.lines
        assert isinstance(await channel.send(mail()), Accepted)
        line.switch(False)
        outcome = await channel.send(mail(2))
        assert (outcome.cause, len(relay.contents)) == ("relay-down", 1)
        assert (line.look().state, line.look().sent) == (LineState.OFF, 1)
        waiting = asyncio.create_task(channel.slots())
        await asyncio.sleep(0)
        line.switch(True)
        assert await asyncio.wait_for(waiting, 10) > 0


async def test_a_relay_that_is_away_says_why() -> None:
    async with mail_started(9) as channel:
        (line,) = channel.lines
        await until(lambda: line.look().trouble not in ("", "not connected yet"))
        assert line.look().state is LineState.DOWN


def test_a_tally_counts_an_hour_and_knows_what_went_wrong_last() -> None:
    now = 1_000_000.0
    tally = Tally(lambda: now)
    outcomes: list[Outcome] = [Accepted("submitted"), Failed("no-such-number"), LINE_DOWN, Unknown("lost")]
    for outcome in outcomes:
        tally.note(outcome)
    assert (tally.hour(), tally.last_error) == ((2, 2), "lost")
    now += 59 * 60
    tally.note(Accepted("submitted"))
    assert tally.hour() == (3, 2)
    now += 60
    assert tally.hour() == (1, 0)
    assert tally.last_error == "lost"
