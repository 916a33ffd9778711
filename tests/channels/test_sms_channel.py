"""Texts met by smpp34's SMSC: what is submitted, what becomes of it, and every way to lose the line."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import pytest
import smpp34

from gateway.channels import sms_pdu
from gateway.channels.sms import SmsChannel
from gateway.channels.sms_pace import Pace
from gateway.domain import (
    Accepted,
    Attempt,
    Delivered,
    Event,
    Failed,
    Outcome,
    Receipt,
    Reply,
    ReplyKind,
    Retry,
    RetryKind,
    Text,
    Unknown,
)
from gateway.settings import Bind, SettingsError
from tests.channels.proxy import Proxy
from tests.channels.smsc_peer import SmscPeer, accept, hold
from tests.channels.waiting import until

THROTTLED, QUEUE_FULL, BAD_DESTINATION, SYSTEM_ERROR, BAD_SOURCE = 0x58, 0x14, 0x0B, 0x08, 0x0A


@pytest.fixture
async def peer() -> AsyncIterator[SmscPeer]:
    smsc = SmscPeer()
    await smsc.start()
    yield smsc
    await smsc.stop()


@pytest.fixture
async def proxy(peer: SmscPeer) -> AsyncIterator[Proxy]:
    between = Proxy(peer.port)
    await between.open()
    yield between
    await between.close()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmsChannel, "RECONNECT_FIRST", 0.02)
    monkeypatch.setattr(SmsChannel, "RECONNECT_MOST", 0.1)
    monkeypatch.setattr(Pace, "PAUSE_FIRST", 0.2)


@asynccontextmanager
async def running(port: int, **settings: Any) -> AsyncIterator[SmsChannel]:
    """A channel that is bound, and unbinds in the end."""
    channel = SmsChannel(Bind(port=port, **({"window": 10, "per_second": 10_000.0} | settings)))
    run = asyncio.create_task(channel.run())
    try:
        async with asyncio.timeout(5):
            await channel.slots()
        yield channel
    finally:
        run.cancel()
        await asyncio.wait([run])


def attempt(number: int = 1, body: str = "See you on Monday", **changes: Any) -> Attempt:
    usual: dict[str, Any] = {"clinic": 1, "message": number, "number": 1, "address": "+12125550000"}
    return Attempt(**(usual | {"content": Text(body)} | changes))


def begin(channel: SmsChannel, *args: Any, **changes: Any) -> asyncio.Task[Outcome]:
    return asyncio.create_task(channel.send(attempt(*args, **changes)))


async def down(channel: SmsChannel) -> bool:
    """Whether nothing may start now."""
    try:
        async with asyncio.timeout(0.05):
            await channel.slots()
    except TimeoutError:
        return True
    return False


# --- what is submitted ---


async def test_a_text_is_accepted_and_its_receipt_names_it(peer: SmscPeer) -> None:
    async with running(peer.port) as channel:
        outcome = await channel.send(attempt())
        assert outcome == Accepted("submitted", ("ab01",), True, {"message_id": "0000AB01"})
        sent = asyncio.create_task(peer.receipt("AB01"))
        events = channel.events()
        receipt = await anext(events)
        assert isinstance(receipt, Receipt)
        assert isinstance(receipt.outcome, Delivered)
        assert (receipt.remote_id, receipt.address) == ("ab01", "+12125550000")
        acknowledging = asyncio.create_task(anext(events, None))
        assert (await sent).is_success
        acknowledging.cancel()
    (submit,) = peer.got
    assert (submit.source_addr, submit.source_addr_ton, submit.source_addr_npi) == ("12025550100", 1, 1)
    assert (submit.destination_addr, submit.dest_addr_ton, submit.dest_addr_npi) == ("12125550000", 1, 1)
    assert (submit.registered_delivery, submit.esm_class, submit.data_coding) == (1, 0, 0)


async def test_the_message_lives_no_longer_than_its_purpose(peer: SmscPeer, proxy: Proxy) -> None:
    expires = datetime(2027, 3, 1, 9, 30, tzinfo=UTC) - timedelta(hours=1)
    async with running(proxy.port) as channel:
        await channel.send(attempt(expires_at=expires))
    assert b"\x00270301083000000+\x00" in proxy.requests


@pytest.mark.parametrize("source", ["Clinic East", "72727"])
async def test_a_name_or_a_short_code_may_send(peer: SmscPeer, source: str) -> None:
    async with running(peer.port, source=source) as channel:
        await channel.send(attempt())
    assert peer.got[0].source_addr == source
    assert peer.got[0].source_addr_ton == (3 if source.isdigit() else 5)


@pytest.mark.parametrize("body", ["Grüße [für] 10 € " * 30, "Добрый день 😀 " * 20], ids=["GSM", "UCS-2"])
async def test_a_long_text_is_joined_at_the_peer(peer: SmscPeer, body: str) -> None:
    async with running(peer.port) as channel:
        outcome = await channel.send(attempt(body=body))
    segments = peer.segments()
    assert isinstance(outcome, Accepted)
    assert len(outcome.remote_ids) == len(set(outcome.remote_ids)) == len(segments) > 1
    assert "".join(segment.text for segment in segments) == body
    assert [segment.sequence for segment in segments] == list(range(1, len(segments) + 1))
    assert {(segment.total, segment.reference) for segment in segments} == {(len(segments), 32)}


async def test_the_window_is_never_exceeded(peer: SmscPeer) -> None:
    peer.answer = hold
    async with running(peer.port, window=3) as channel:
        assert await channel.slots() == 3
        sends = [begin(channel, number) for number in range(8)]
        await until(lambda: len(peer.got) == 3)
        assert await down(channel)
        assert len(peer.got) == 3
        peer.answer = accept
        for number, submit in enumerate(list(peer.got)):
            submit.accept(f"late{number}")
        outcomes = await asyncio.gather(*sends)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert await channel.slots() == 3
    assert len(peer.got) == 8


async def test_responses_find_their_texts_in_any_order(peer: SmscPeer) -> None:
    peer.answer = hold
    async with running(peer.port) as channel:
        sends = [begin(channel, number, f"text-{number}") for number in range(3)]
        await until(lambda: len(peer.got) == 3)
        for submit in sorted(peer.got, key=lambda submit: submit.short_message, reverse=True):
            submit.accept(submit.short_message.decode())
        outcomes = await asyncio.gather(*sends)
    ids = [outcome.remote_ids for outcome in outcomes if isinstance(outcome, Accepted)]
    assert ids == [("text-0",), ("text-1",), ("text-2",)]


async def test_the_rate_is_kept(peer: SmscPeer) -> None:
    loop = asyncio.get_running_loop()
    async with running(peer.port, per_second=40.0) as channel:
        began = loop.time()
        await asyncio.gather(*(channel.send(attempt(number)) for number in range(14)))
        # Four may go at once (a tenth of a second's worth), ten wait for their turn.
        assert loop.time() - began >= 10 / 40 * 0.95
    assert len(peer.got) == 14


# --- what becomes of it ---


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (BAD_DESTINATION, Failed("invalid-destination", True, {"status": "0x0B"})),
        (SYSTEM_ERROR, Retry(RetryKind.TEMPORARY, "smsc-system-error", evidence={"status": "0x08"})),
    ],
)
async def test_a_refusal_is_told(peer: SmscPeer, status: int, expected: Outcome) -> None:
    peer.answer = lambda submit, number: submit.reject(status)
    async with running(peer.port) as channel:
        assert await channel.send(attempt()) == expected
        assert await channel.slots() == 10, "a refused message does not stop the line"


@pytest.mark.parametrize("status", [THROTTLED, QUEUE_FULL])
async def test_a_throttled_bind_pauses_and_charges_nothing(
    peer: SmscPeer, status: int, caplog: pytest.LogCaptureFixture
) -> None:
    peer.answer = lambda submit, number: submit.reject(status)
    async with running(peer.port) as channel:
        outcomes = await asyncio.gather(*(channel.send(attempt(number)) for number in range(5)))
        assert all(isinstance(o, Retry) and o.kind is RetryKind.LINE_DOWN for o in outcomes)
        assert not any(o.charged for o in outcomes if isinstance(o, Retry))
        assert await down(channel)
        seen = len(peer.got)
        held = await channel.send(attempt(9))
        assert isinstance(held, Retry)
        assert not held.charged
        assert len(peer.got) == seen, "nothing is submitted in a pause"
        peer.answer = accept
        async with asyncio.timeout(5):
            assert await channel.slots() == 1
        assert isinstance(await channel.send(attempt(10)), Accepted)
        assert await channel.slots() == 10
    assert sum("slow down" in record.message for record in caplog.records) == 1


async def test_a_bind_that_is_set_up_wrongly_is_said_once_and_charges_nothing(
    peer: SmscPeer, caplog: pytest.LogCaptureFixture
) -> None:
    peer.answer = lambda submit, number: submit.reject(BAD_SOURCE)
    async with running(peer.port) as channel:
        outcomes = await asyncio.gather(*(channel.send(attempt(number)) for number in range(3)))
        assert all(isinstance(o, Retry) and not o.charged for o in outcomes)
        assert await down(channel)
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "Invalid Source Address" in errors[0]


async def test_no_response_in_time_is_unknown_and_nothing_is_sent_again(peer: SmscPeer) -> None:
    peer.answer = hold
    async with running(peer.port, response_seconds=0.2, window=1) as channel:
        assert await channel.send(attempt()) == Unknown("response-timeout")
        peer.got[0].accept("late")
        peer.answer = accept
        outcome = await channel.send(attempt(2))
        assert isinstance(outcome, Accepted)
        assert outcome.remote_ids == ("ab02",)
    assert len(peer.got) == 2


async def test_a_text_that_is_half_accepted_is_unknown(peer: SmscPeer) -> None:
    def second_refused(submit: smpp34.SubmitSmEvent, number: int) -> None:
        submit.reject(BAD_DESTINATION) if number == 2 else submit.accept(f"id{number}")

    peer.answer = second_refused
    async with running(peer.port) as channel:
        outcome = await channel.send(attempt(body="x" * 400))
    assert outcome == Unknown(
        "partly-sent",
        {"segments": 3, "accepted": 1, "then": "invalid-destination", "message_ids": ["id1"]},
    )
    assert len(peer.got) == 2


async def test_a_later_segment_that_was_throttled_follows_after_the_pause(peer: SmscPeer) -> None:
    def second_throttled(submit: smpp34.SubmitSmEvent, number: int) -> None:
        submit.reject(THROTTLED) if number == 2 else submit.accept(f"id{number}")

    peer.answer = second_throttled
    async with running(peer.port) as channel:
        outcome = await channel.send(attempt(body="x" * 200))
    assert isinstance(outcome, Accepted)
    assert outcome.remote_ids == ("id1", "id3")
    assert [segment.sequence for segment in peer.segments()] == [1, 2, 2]


# --- the line is lost ---


async def test_lost_before_the_submit_charges_nothing(
    peer: SmscPeer, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(proxy.port) as channel:
        await proxy.close()
        await until(lambda: any("texts wait" in record.message for record in caplog.records))
        outcome = await channel.send(attempt())
        assert outcome == Retry(RetryKind.LINE_DOWN, "bind-down", charged=False)
        assert await down(channel)
        await proxy.open()
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)
    assert len(peer.got) == 1
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == 1


async def test_lost_after_the_submit_is_unknown(peer: SmscPeer, proxy: Proxy) -> None:
    peer.answer = hold
    async with running(proxy.port) as channel:
        sends = [begin(channel, number) for number in range(3)]
        await until(lambda: len(peer.got) == 3)
        proxy.cut()
        assert await asyncio.gather(*sends) == [Unknown("connection-lost")] * 3
        peer.answer = accept
        async with asyncio.timeout(5):
            assert await channel.slots() == 10
    assert len(peer.got) == 3


async def test_a_lost_response_leaves_the_receipt_to_tell_by_its_number(peer: SmscPeer, proxy: Proxy) -> None:
    async with running(proxy.port) as channel:
        proxy.forward_replies = False
        send = begin(channel)
        await until(lambda: len(peer.got) == 1)
        proxy.cut()
        assert await send == Unknown("connection-lost")
        proxy.forward_replies = True
        await until(lambda: len(peer.binds) == 2)
        late = asyncio.create_task(peer.receipt("0000AB01"))
        receipt = await anext(channel.events())
        assert isinstance(receipt, Receipt)
        assert (receipt.remote_id, receipt.address) == ("ab01", "+12125550000")
    await asyncio.wait([late])


async def test_a_dead_peer_is_noticed_within_interval_and_time_limit(peer: SmscPeer, proxy: Proxy) -> None:
    loop = asyncio.get_running_loop()
    async with running(proxy.port, enquire_link_seconds=0.3, response_seconds=0.2) as channel:
        connections = proxy.connections
        proxy.freeze()
        frozen = loop.time()
        await until(lambda: proxy.connections > connections)
        assert loop.time() - frozen <= 0.3 + 0.2 + 0.25
        proxy.thaw()
        proxy.cut()
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)


async def test_a_silent_but_living_peer_is_kept(peer: SmscPeer, proxy: Proxy) -> None:
    async with running(proxy.port, enquire_link_seconds=0.1, response_seconds=0.1) as channel:
        await until(lambda: _commands(proxy).count(sms_pdu.ENQUIRE) >= 4)
        assert isinstance(await channel.send(attempt()), Accepted)
    assert proxy.connections == 1


async def test_an_smsc_that_unbinds_is_bound_again(peer: SmscPeer) -> None:
    async with running(peer.port) as channel:
        await until(lambda: peer.binds)
        await peer.binds[0].unbind()
        await until(lambda: len(peer.binds) == 2)
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)


async def test_stopping_lets_responses_arrive_and_unbinds(peer: SmscPeer, proxy: Proxy) -> None:
    peer.answer = hold
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(running(proxy.port))
        sends = [begin(channel, number) for number in range(3)]
        await until(lambda: len(peer.got) == 3)
        stopping = asyncio.create_task(stack.pop_all().aclose())
        await until(lambda: not channel._up.is_set())
        assert await channel.send(attempt(9)) == Retry(RetryKind.LINE_DOWN, "bind-down", charged=False)
        for number, submit in enumerate(peer.got):
            submit.accept(f"id{number}")
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*sends))
        await stopping
    assert _commands(proxy)[-1] == sms_pdu.UNBIND
    assert len(peer.got) == 3


def _commands(proxy: Proxy) -> list[int]:
    """The commands of the PDUs that passed the proxy."""
    found, at = [], 0
    while at + 8 <= len(proxy.requests):
        length, command = struct.unpack_from(">LL", proxy.requests, at)
        found.append(command)
        at += length
    return found


@asynccontextmanager
async def raw_smsc(*answers: bytes) -> AsyncIterator[tuple[int, list[int]]]:
    """A peer that greets each connection's first request with these octets: (port, connections seen)."""
    seen: list[int] = []

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(1)
        await reader.read(1024)
        for answer in answers:
            writer.write(answer)
        await reader.read(1024)
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1], seen


async def test_a_refused_bind_is_said_once_as_an_error_and_nothing_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with raw_smsc(sms_pdu.response(sms_pdu.BIND_RESP, 0x0E, 1)) as (port, seen):
        channel = SmsChannel(Bind(port=port))
        run = asyncio.create_task(channel.run())
        await until(lambda: len(seen) >= 3)
        assert await down(channel)
        run.cancel()
        await asyncio.wait([run])
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "Invalid Password" in errors[0]
    assert "correct system_id and password" in errors[0]


@pytest.mark.parametrize("length", [0, 15, 70_000, 0xFFFFFFFF])
async def test_octets_that_are_no_smpp_end_the_connection(length: int) -> None:
    bound = sms_pdu.response(sms_pdu.BIND_RESP, 0, 1)
    async with raw_smsc(bound, struct.pack(">LLLL", length, 5, 0, 1)) as (port, seen):
        channel = SmsChannel(Bind(port=port))
        run = asyncio.create_task(channel.run())
        await until(lambda: len(seen) >= 2)
        run.cancel()
        await asyncio.wait([run])


# --- what comes back ---


async def test_a_receipt_may_come_before_the_response(peer: SmscPeer) -> None:
    peer.answer = hold
    async with running(peer.port) as channel:
        send = begin(channel)
        await until(lambda: len(peer.got) == 1)
        early = asyncio.create_task(peer.receipt("77"))
        receipt = await anext(channel.events())
        assert not send.done()
        peer.got[0].accept("00077")
        outcome = await send
    await asyncio.wait([early])
    assert isinstance(receipt, Receipt)
    assert isinstance(outcome, Accepted)
    assert outcome.remote_ids == (receipt.remote_id,) == ("77",)


async def test_a_doubled_receipt_is_told_twice_and_both_are_acknowledged(peer: SmscPeer) -> None:
    got: list[Event] = []
    async with running(peer.port) as channel:
        following = asyncio.create_task(_collect(channel, got))
        for _ in range(2):
            assert (await peer.receipt("77")).is_success
        assert [event.remote_id for event in got if isinstance(event, Receipt)] == ["77", "77"]
    await following


async def _collect(channel: SmsChannel, into: list[Event]) -> None:
    async for event in channel.events():
        into.append(event)


async def test_an_event_is_acknowledged_only_when_the_next_is_asked_for(peer: SmscPeer) -> None:
    async with running(peer.port) as channel:
        first = asyncio.create_task(peer.text("C"))
        second = asyncio.create_task(peer.text("STOP"))
        events = channel.events()
        await anext(events)
        done, _ = await asyncio.wait([first, second], timeout=0.1)
        assert not done
        await anext(events)
        async with asyncio.timeout(5):
            assert (await first).is_success
        done, _ = await asyncio.wait([second], timeout=0.1)
        assert not done
    assert isinstance((await asyncio.gather(second, return_exceptions=True))[0], smpp34.SmppError)


async def test_an_event_is_told_again_to_whoever_asks_next(peer: SmscPeer) -> None:
    async with running(peer.port) as channel:
        sent = asyncio.create_task(peer.text("C"))
        dying = cast("AsyncGenerator[Event, None]", channel.events())
        first = await anext(dying)
        await dying.aclose()
        following = channel.events()
        assert await anext(following) == first
        waiting = asyncio.create_task(anext(following, None))
        assert (await sent).is_success
        waiting.cancel()


async def test_many_events_can_be_taken_and_acknowledged_at_once(peer: SmscPeer) -> None:
    async with running(peer.port) as channel:
        sent = [asyncio.create_task(peer.text(str(number))) for number in range(5)]
        await until(lambda: len(channel._inbox._events) == 5)
        batches = channel.batches(3)
        assert [len(await anext(batches)), len(await anext(batches))] == [3, 2]
        await until(lambda: sum(task.done() for task in sent) == 3)
    await asyncio.wait(sent)


@pytest.mark.parametrize(
    ("words", "kind"), [("C", ReplyKind.CONFIRM), ("Stop!", ReplyKind.OPT_OUT), ("Who?", ReplyKind.OTHER)]
)
async def test_a_reply_is_told_with_its_number(peer: SmscPeer, words: str, kind: ReplyKind) -> None:
    async with running(peer.port) as channel:
        sent = asyncio.create_task(peer.text(words))
        reply = await anext(channel.events())
        assert isinstance(reply, Reply)
        assert (reply.kind, reply.address, reply.text) == (kind, "+12125550000", words)
    await asyncio.wait([sent])


async def test_a_full_inbox_asks_the_smsc_to_keep_it(peer: SmscPeer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmsChannel, "MOST_UNREAD", 1)
    async with running(peer.port) as channel:
        kept = asyncio.create_task(peer.text("C"))
        await until(lambda: channel._inbox.full)
        assert (await peer.text("STOP")).command_status == 0x64
    await asyncio.wait([kept])


async def test_a_receipt_without_an_id_is_refused_for_good(peer: SmscPeer) -> None:
    async with running(peer.port):
        assert (await peer.text("stat:DELIVRD", esm_class=4)).command_status == 0x66


# --- settings ---


@pytest.mark.parametrize(
    "wrong", [{"system_id": "x" * 16}, {"password": "ninechars"}, {"source": "A name too long"}]
)
async def test_settings_that_smpp_has_no_room_for_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="setting binds"):
        SmsChannel(Bind(**wrong))
