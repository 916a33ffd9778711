"""What an SMSC sends: receipts and replies, acknowledged once they were taken."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import cast

import pytest
import smpp34

from gateway.channels.sms import SmsChannel
from gateway.domain import (
    Accepted,
    Event,
    Receipt,
    Reply,
    ReplyKind,
)
from tests.channels.sms_bind import begin, running
from tests.channels.smsc_peer import SmscPeer, hold
from tests.channels.waiting import until


async def test_a_receipt_may_come_before_the_response(smsc: SmscPeer) -> None:
    smsc.answer = hold
    async with running(smsc.port) as channel:
        send = begin(channel)
        await until(lambda: len(smsc.got) == 1)
        early = asyncio.create_task(smsc.receipt("77"))
        (receipt,) = await anext(channel.batches(1))
        assert not send.done()
        smsc.got[0].accept("00077")
        outcome = await send
    await asyncio.wait([early])
    assert isinstance(receipt, Receipt)
    assert isinstance(outcome, Accepted)
    assert outcome.remote_ids == (receipt.remote_id,) == ("77",)


async def test_a_doubled_receipt_is_told_twice_and_both_are_acknowledged(smsc: SmscPeer) -> None:
    got: list[Event] = []
    async with running(smsc.port) as channel:
        following = asyncio.create_task(_collect(channel, got))
        for _ in range(2):
            assert (await smsc.receipt("77")).is_success
        assert [event.remote_id for event in got if isinstance(event, Receipt)] == ["77", "77"]
    await following


async def _collect(channel: SmsChannel, into: list[Event]) -> None:
    async for batch in channel.batches(10):
        into += batch


async def test_an_event_is_acknowledged_only_when_the_next_is_asked_for(smsc: SmscPeer) -> None:
    async with running(smsc.port) as channel:
        first = asyncio.create_task(smsc.text("C"))
        # The peer may put texts that are sent at once on the wire in any order.
        await until(lambda: len(channel._inbox) == 1)
        second = asyncio.create_task(smsc.text("STOP"))
        events = channel.batches(1)
        await anext(events)
        done, _ = await asyncio.wait([first, second], timeout=0.1)
        assert not done
        await anext(events)
        async with asyncio.timeout(60):
            assert (await first).is_success
        done, _ = await asyncio.wait([second], timeout=0.1)
        assert not done
    assert isinstance((await asyncio.gather(second, return_exceptions=True))[0], smpp34.SmppError)


async def test_an_event_is_told_again_to_whoever_asks_next(smsc: SmscPeer) -> None:
    async with running(smsc.port) as channel:
        sent = asyncio.create_task(smsc.text("C"))
        dying = cast("AsyncGenerator[Sequence[Event], None]", channel.batches(1))
        first = await anext(dying)
        await dying.aclose()
        following = channel.batches(1)
        assert await anext(following) == first
        waiting = asyncio.create_task(anext(following, None))
        assert (await sent).is_success
        waiting.cancel()


async def test_many_events_can_be_taken_and_acknowledged_at_once(smsc: SmscPeer) -> None:
    async with running(smsc.port) as channel:
        sent = [asyncio.create_task(smsc.text(str(number))) for number in range(5)]
        await until(lambda: len(channel._inbox) == 5)
        batches = channel.batches(3)
        assert [len(await anext(batches)), len(await anext(batches))] == [3, 2]
        await until(lambda: sum(task.done() for task in sent) == 3)
    await asyncio.wait(sent)


@pytest.mark.parametrize(
    ("words", "kind"), [("C", ReplyKind.CONFIRM), ("Stop!", ReplyKind.OPT_OUT), ("Who?", ReplyKind.OTHER)]
)
async def test_a_reply_is_told_with_its_number(smsc: SmscPeer, words: str, kind: ReplyKind) -> None:
    async with running(smsc.port) as channel:
        sent = asyncio.create_task(smsc.text(words))
        (reply,) = await anext(channel.batches(1))
        assert isinstance(reply, Reply)
        assert (reply.kind, reply.address, reply.text) == (kind, "+12125550000", words)
    await asyncio.wait([sent])


async def test_a_full_inbox_asks_the_smsc_to_keep_it(smsc: SmscPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmsChannel, "MOST_UNREAD", 1)
    async with running(smsc.port) as channel:
        kept = asyncio.create_task(smsc.text("C"))
        await until(lambda: channel._inbox.full)
        assert (await smsc.text("STOP")).command_status == 0x64
    await asyncio.wait([kept])


async def test_a_receipt_without_an_id_is_refused_for_good(smsc: SmscPeer) -> None:
    async with running(smsc.port):
        assert (await smsc.text("stat:DELIVRD", esm_class=4)).command_status == 0x66
