"""Texts met by smpp34's SMSC: what is submitted and what becomes of it."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import smpp34

from gateway.channels.sms import SmsChannel
from gateway.domain import (
    Accepted,
    Delivered,
    Failed,
    Outcome,
    Receipt,
    Retry,
    RetryKind,
    Unknown,
)
from gateway.settings import Bind, SettingsError
from tests.channels.proxy import Proxy
from tests.channels.sms_bind import begin, down, running, text
from tests.channels.smsc_peer import SmscPeer, accept, hold
from tests.channels.waiting import until

THROTTLED, QUEUE_FULL, BAD_DESTINATION, SYSTEM_ERROR, BAD_SOURCE = 0x58, 0x14, 0x0B, 0x08, 0x0A


# --- what is submitted ---


async def test_a_text_is_accepted_and_its_receipt_names_it(smsc: SmscPeer) -> None:
    async with running(smsc.port) as channel:
        outcome = await channel.send(text())
        assert outcome == Accepted("submitted", ("ab01",), True, {"message_id": "0000AB01"})
        sent = asyncio.create_task(smsc.receipt("AB01"))
        events = channel.batches(1)
        (receipt,) = await anext(events)
        assert isinstance(receipt, Receipt)
        assert isinstance(receipt.outcome, Delivered)
        assert (receipt.remote_id, receipt.address) == ("ab01", "+12125550000")
        acknowledging = asyncio.create_task(anext(events, None))
        assert (await sent).is_success
        acknowledging.cancel()
    (submit,) = smsc.got
    assert (submit.source_addr, submit.source_addr_ton, submit.source_addr_npi) == ("12025550100", 1, 1)
    assert (submit.destination_addr, submit.dest_addr_ton, submit.dest_addr_npi) == ("12125550000", 1, 1)
    assert (submit.registered_delivery, submit.esm_class, submit.data_coding) == (1, 0, 0)


async def test_the_message_lives_no_longer_than_its_purpose(smsc: SmscPeer, proxy: Proxy) -> None:
    expires = datetime(2027, 3, 1, 9, 30, tzinfo=UTC) - timedelta(hours=1)
    async with running(proxy.port) as channel:
        await channel.send(text(expires_at=expires))
    assert b"\x00270301083000000+\x00" in proxy.requests


@pytest.mark.parametrize("source", ["Clinic East", "72727"])
async def test_a_name_or_a_short_code_may_send(smsc: SmscPeer, source: str) -> None:
    async with running(smsc.port, source=source) as channel:
        await channel.send(text())
    assert smsc.got[0].source_addr == source
    assert smsc.got[0].source_addr_ton == (3 if source.isdigit() else 5)


@pytest.mark.parametrize("body", ["Grüße [für] 10 € " * 30, "Добрый день 😀 " * 20], ids=["GSM", "UCS-2"])
async def test_a_long_text_is_joined_at_the_peer(smsc: SmscPeer, body: str) -> None:
    async with running(smsc.port) as channel:
        outcome = await channel.send(text(body=body))
    segments = smsc.segments()
    assert isinstance(outcome, Accepted)
    assert len(outcome.remote_ids) == len(set(outcome.remote_ids)) == len(segments) > 1
    assert "".join(segment.text for segment in segments) == body
    assert [segment.sequence for segment in segments] == list(range(1, len(segments) + 1))
    assert {(segment.total, segment.reference) for segment in segments} == {(len(segments), 32)}


async def test_the_window_is_never_exceeded(smsc: SmscPeer) -> None:
    smsc.answer = hold
    async with running(smsc.port, window=3) as channel:
        assert await channel.slots() == 3
        sends = [begin(channel, number) for number in range(8)]
        await until(lambda: len(smsc.got) == 3)
        assert await down(channel)
        assert len(smsc.got) == 3
        smsc.answer = accept
        for number, submit in enumerate(list(smsc.got)):
            submit.accept(f"late{number}")
        outcomes = await asyncio.gather(*sends)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        assert await channel.slots() == 3
    assert len(smsc.got) == 8


async def test_responses_find_their_texts_in_any_order(smsc: SmscPeer) -> None:
    smsc.answer = hold
    async with running(smsc.port) as channel:
        sends = [begin(channel, number, f"text-{number}") for number in range(3)]
        await until(lambda: len(smsc.got) == 3)
        for submit in sorted(smsc.got, key=lambda submit: submit.short_message, reverse=True):
            submit.accept(submit.short_message.decode())
        outcomes = await asyncio.gather(*sends)
    ids = [outcome.remote_ids for outcome in outcomes if isinstance(outcome, Accepted)]
    assert ids == [("text-0",), ("text-1",), ("text-2",)]


async def test_the_rate_is_kept(smsc: SmscPeer) -> None:
    loop = asyncio.get_running_loop()
    async with running(smsc.port, per_second=40.0) as channel:
        began = loop.time()
        await asyncio.gather(*(channel.send(text(number)) for number in range(14)))
        # Four may go at once (a tenth of a second's worth), ten wait for their turn.
        assert loop.time() - began >= 10 / 40 * 0.95
    assert len(smsc.got) == 14


# --- what becomes of it ---


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (BAD_DESTINATION, Failed("invalid-destination", True, {"status": "0x0B"})),
        (SYSTEM_ERROR, Retry(RetryKind.PASSING, "smsc-system-error", evidence={"status": "0x08"})),
    ],
)
async def test_a_refusal_is_told(smsc: SmscPeer, status: int, expected: Outcome) -> None:
    smsc.answer = lambda submit, number: submit.reject(status)
    async with running(smsc.port) as channel:
        assert await channel.send(text()) == expected
        assert await channel.slots() == 10, "a refused message does not stop the line"


@pytest.mark.parametrize("status", [THROTTLED, QUEUE_FULL])
async def test_a_throttled_bind_pauses_and_charges_nothing(
    smsc: SmscPeer, status: int, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.channels.sms_pace.Pace.PAUSE_FIRST", 2.0)
    smsc.answer = lambda submit, number: submit.reject(status)
    async with running(smsc.port) as channel:
        outcomes = await asyncio.gather(*(channel.send(text(number)) for number in range(5)))
        assert all(isinstance(o, Retry) and o.kind is RetryKind.LINE_DOWN for o in outcomes)
        assert not any(o.charged for o in outcomes if isinstance(o, Retry))
        assert await down(channel)
        seen = len(smsc.got)
        held = await channel.send(text(9))
        assert isinstance(held, Retry)
        assert not held.charged
        assert len(smsc.got) == seen, "nothing is submitted in a pause"
        smsc.answer = accept
        async with asyncio.timeout(60):
            assert await channel.slots() == 1
        assert isinstance(await channel.send(text(10)), Accepted)
        assert await channel.slots() == 10
    assert sum("slow down" in record.message for record in caplog.records) == 1


async def test_a_bind_that_is_set_up_wrongly_is_said_once_and_charges_nothing(
    smsc: SmscPeer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.channels.sms_pace.Pace.PAUSE_FIRST", 2.0)
    smsc.answer = lambda submit, number: submit.reject(BAD_SOURCE)
    async with running(smsc.port) as channel:
        outcomes = await asyncio.gather(*(channel.send(text(number)) for number in range(3)))
        assert all(isinstance(o, Retry) and not o.charged for o in outcomes)
        assert await down(channel)
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "Invalid Source Address" in errors[0]


async def test_no_response_in_time_is_unknown_and_nothing_is_sent_again(smsc: SmscPeer) -> None:
    smsc.answer = hold
    async with running(smsc.port, response_seconds=2.0, window=1) as channel:
        assert await channel.send(text()) == Unknown("response-timeout")
        smsc.got[0].accept("late")
        smsc.answer = accept
        outcome = await channel.send(text(2))
        assert isinstance(outcome, Accepted)
        assert outcome.remote_ids == ("ab02",)
    assert len(smsc.got) == 2


async def test_a_long_text_whose_first_response_is_lost_is_sent_in_part_at_most(smsc: SmscPeer) -> None:
    smsc.answer = hold
    async with running(smsc.port, response_seconds=2.0) as channel:
        outcome = await channel.send(text(body="x" * 400))
    evidence = {"segments": 3, "accepted": 0, "then": "response-timeout", "message_ids": []}
    assert outcome == Unknown("partly-sent", evidence)
    assert len(smsc.got) == 1


async def test_a_text_that_is_half_accepted_is_unknown(smsc: SmscPeer) -> None:
    def second_refused(submit: smpp34.SubmitSmEvent, number: int) -> None:
        submit.reject(BAD_DESTINATION) if number == 2 else submit.accept(f"id{number}")

    smsc.answer = second_refused
    async with running(smsc.port) as channel:
        outcome = await channel.send(text(body="x" * 400))
    assert outcome == Unknown(
        "partly-sent",
        {"segments": 3, "accepted": 1, "then": "invalid-destination", "message_ids": ["id1"]},
    )
    assert len(smsc.got) == 2


async def test_a_later_segment_that_was_throttled_follows_after_the_pause(smsc: SmscPeer) -> None:
    def second_throttled(submit: smpp34.SubmitSmEvent, number: int) -> None:
        submit.reject(THROTTLED) if number == 2 else submit.accept(f"id{number}")

    smsc.answer = second_throttled
    async with running(smsc.port) as channel:
        outcome = await channel.send(text(body="x" * 200))
    assert isinstance(outcome, Accepted)
    assert outcome.remote_ids == ("id1", "id3")
    assert [segment.sequence for segment in smsc.segments()] == [1, 2, 2]


# --- settings ---


@pytest.mark.parametrize(
    "wrong", [{"system_id": "x" * 16}, {"password": "ninechars"}, {"source": "A name too long"}]
)
async def test_settings_that_smpp_has_no_room_for_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="setting binds"):
        SmsChannel([Bind(**wrong)])
