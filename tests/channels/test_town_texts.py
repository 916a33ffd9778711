"""The town's SMSC, met by smpplib: an SMPP client that is not of the town's making."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import smpplib.client
import smpplib.consts
import smpplib.exceptions
import smpplib.gsm

from gateway.asterisk.instance import free_port
from gateway.town.households import SMSC_AREA, number
from gateway.town.ledger import Entry, Ledger, read_ledger
from gateway.town.smsc import Smsc

SOURCE = "12025550100"
Entries = Callable[[], list[Entry]]


class Handset:
    """A clinic's bind: submits, and collects what comes back."""

    def __init__(self, port: int) -> None:
        self._client = smpplib.client.Client("127.0.0.1", port, timeout=10, allow_unknown_opt_params=True)
        self.got: list[Any] = []
        self._answers: list[Any] = []
        self._client.set_message_received_handler(self._take)
        self.on_answer: Callable[[], None] = lambda: None
        self._client.set_message_sent_handler(self._answered)
        self._client.set_error_pdu_handler(self._answers.append)
        try:
            self._client.connect()
        except smpplib.exceptions.ConnectionError:
            self.leave()
            raise
        self._client.bind_transceiver(system_id="clinic", password="secret")
        self._client._socket.settimeout(0.2)

    def submit(self, to: str, body: bytes, **options: Any) -> Any:
        """The answer to one submit_sm."""
        asked = {"registered_delivery": True, "source_addr": SOURCE} | options
        self._answers.clear()
        self._client.send_message(destination_addr=to.removeprefix("+"), short_message=body, **asked)
        self._until(lambda: bool(self._answers))
        return self._answers[0]

    def wait(self, count: int, seconds: float = 5) -> list[Any]:
        """The first `count` deliver_sm."""
        self._until(lambda: len(self.got) >= count, seconds)
        return self.got

    def leave(self) -> None:
        """Go away without a word, as a killed process does."""
        self._client.disconnect()

    def _answered(self, pdu: Any) -> None:
        self._answers.append(pdu)
        self.on_answer()

    def _take(self, pdu: Any) -> None:
        self.got.append(pdu)

    def _until(self, done: Callable[[], bool], seconds: float = 5) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, "the SMSC did not answer in time"
            with suppress(TimeoutError):
                self._client.read_once(auto_send_enquire_link=False)


@pytest.fixture
async def smsc(tmp_path: Path) -> AsyncIterator[Smsc]:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    server = Smsc(ledger, free_port(), pace=0.5)
    await server.start()
    yield server
    await server.stop()
    ledger.close()


@pytest.fixture
def entries(tmp_path: Path) -> Entries:
    return lambda: read_ledger(tmp_path / "ledger.jsonl")


@pytest.fixture
async def handset(smsc: Smsc) -> AsyncIterator[Handset]:
    bind = await asyncio.to_thread(Handset, smsc.port)
    yield bind
    bind.leave()


async def _recorded(entries: Entries, condition: Callable[[Entry], bool]) -> Entry:
    """The last entry once it is as wanted."""
    async with asyncio.timeout(60):
        while not (found := entries()) or not condition(found[-1]):  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    return found[-1]


async def test_a_text_is_accepted_and_its_receipt_names_it(handset: Handset, entries: Entries) -> None:
    answer = await asyncio.to_thread(handset.submit, number(0), b"Hello there")
    (receipt,) = await asyncio.to_thread(handset.wait, 1)
    message_id = answer.message_id
    assert receipt.esm_class & 0x3C == 0x04
    assert receipt.short_message.startswith(b"id:" + message_id + b" sub:001 dlvrd:001 submit date:")
    assert b"stat:DELIVRD err:000 text:Hello there" in receipt.short_message
    assert receipt.receipted_message_id.rstrip(b"\0") == message_id
    assert receipt.message_state == 2
    assert (receipt.source_addr, receipt.destination_addr) == (number(0)[1:].encode(), SOURCE.encode())
    entry = await _recorded(entries, lambda e: e.receipt == "DELIVRD")
    assert entry.message_id.encode() == message_id
    assert (entry.text, entry.source, entry.address) == ("Hello there", SOURCE, number(0))


async def test_no_receipt_comes_where_none_is_asked_for(handset: Handset, entries: Entries) -> None:
    await asyncio.to_thread(handset.submit, number(0), b"quiet", registered_delivery=False)
    await asyncio.to_thread(handset.submit, number(0, 1), b"silent household")
    await asyncio.to_thread(handset.submit, number(0), b"asked")
    (receipt,) = await asyncio.to_thread(handset.wait, 1)
    assert b"text:asked" in receipt.short_message
    await _recorded(entries, lambda e: e.receipt == "DELIVRD")
    assert [entry.receipt for entry in entries()] == ["", "", "DELIVRD"]


@pytest.mark.parametrize("to", [number(0, 2), "+442079460000"], ids=["by habit", "outside the town"])
async def test_a_text_is_rejected_at_submit(handset: Handset, entries: Entries, to: str) -> None:
    answer = await asyncio.to_thread(handset.submit, to, b"anybody?")
    assert answer.status == smpplib.consts.SMPP_ESME_RINVDSTADR
    (entry,) = entries()
    assert (entry.result, entry.text, entry.message_id) == ("rejected", "anybody?", "")


async def test_an_undeliverable_text_says_so(handset: Handset) -> None:
    await asyncio.to_thread(handset.submit, number(0, 3), b"lost")
    (receipt,) = await asyncio.to_thread(handset.wait, 1)
    assert b"stat:UNDELIV" in receipt.short_message
    assert receipt.message_state == 5


@pytest.mark.parametrize(("habit", "words"), [(4, b"C"), (5, b"STOP")])
async def test_a_household_answers_after_the_receipt(
    handset: Handset, entries: Entries, habit: int, words: bytes
) -> None:
    await asyncio.to_thread(handset.submit, number(0, habit), b"Will you come?")
    receipt, reply = await asyncio.to_thread(handset.wait, 2)
    assert (receipt.esm_class, reply.esm_class) == (4, 0)
    assert (reply.short_message, reply.source_addr) == (words, number(0, habit)[1:].encode())
    assert reply.destination_addr == SOURCE.encode()
    await _recorded(entries, lambda e: e.reply == words.decode())


@pytest.mark.parametrize("words", ["Grüße [für] 10 € " * 14, "Добрый день " * 20], ids=["GSM", "UCS-2"])
async def test_a_long_text_in_parts_is_one_entry(handset: Handset, entries: Entries, words: str) -> None:
    parts, coding, esm_class = smpplib.gsm.make_parts(words)
    for part in parts:
        await asyncio.to_thread(handset.submit, number(0, 4), part, data_coding=coding, esm_class=esm_class)
    await asyncio.to_thread(handset.wait, len(parts) + 1)
    entry = await _recorded(entries, lambda e: e.reply == "C")
    assert entry.text == words
    assert (entry.segments, entry.parts, entry.result) == (len(parts), len(parts), "accepted")
    assert len(set(entry.message_ids)) == len(parts)
    assert len(entries()) == 1


async def test_a_text_of_which_a_part_is_missing_shows(handset: Handset, entries: Entries) -> None:
    parts, coding, esm_class = smpplib.gsm.make_parts("long " * 60)
    await asyncio.to_thread(handset.submit, number(0), parts[0], data_coding=coding, esm_class=esm_class)
    (entry,) = entries()
    assert (entry.result, entry.segments, entry.parts) == ("incomplete", 1, len(parts))


def _hard(kind: int) -> str:
    return number(0, kind, area=SMSC_AREA)


@pytest.mark.parametrize(("kind", "status"), [(0, 0x58), (1, 0x14)], ids=["throttled", "queue full"])
async def test_a_text_is_taken_when_it_comes_again(
    handset: Handset, entries: Entries, kind: int, status: int
) -> None:
    first = await asyncio.to_thread(handset.submit, _hard(kind), b"too quick")
    again = await asyncio.to_thread(handset.submit, _hard(kind), b"too quick")
    assert (first.status, again.status) == (status, 0)
    await asyncio.to_thread(handset.wait, 1)
    await _recorded(entries, lambda e: e.receipt == "DELIVRD")
    assert [entry.result for entry in entries()] == ["paused", "accepted"]


async def test_a_receipt_overtakes_the_response(handset: Handset) -> None:
    came = []
    handset.on_answer = lambda: came.append(len(handset.got))
    answer = await asyncio.to_thread(handset.submit, _hard(2), b"overtaken")
    assert came == [1]
    assert handset.got[0].receipted_message_id.rstrip(b"\0") == answer.message_id


async def test_a_receipt_comes_twice(handset: Handset) -> None:
    await asyncio.to_thread(handset.submit, _hard(3), b"twice")
    one, other = await asyncio.to_thread(handset.wait, 2)
    assert one.short_message == other.short_message


async def test_a_receipt_comes_late(handset: Handset, entries: Entries) -> None:
    await asyncio.to_thread(handset.submit, _hard(4), b"late")
    await asyncio.to_thread(handset.submit, number(0), b"in time")
    first, second = await asyncio.to_thread(handset.wait, 2, 10)
    assert b"text:in time" in first.short_message
    assert b"text:late" in second.short_message


async def test_an_intermediate_receipt_comes_before_the_last_one(handset: Handset) -> None:
    await asyncio.to_thread(handset.submit, _hard(5), b"on its way")
    on_its_way, lost = await asyncio.to_thread(handset.wait, 2)
    assert (on_its_way.esm_class, on_its_way.message_state) == (0x20, 1)
    assert (lost.esm_class, lost.message_state) == (0x04, 5)
    assert b"stat:UNDELIV err:001" in lost.short_message


@pytest.mark.parametrize(
    ("kind", "same"),
    [
        (6, lambda response, receipt: int(response) == int(receipt, 16)),
        (7, lambda response, receipt: int(response, 16) == int(receipt) and len(receipt) == 20),
    ],
    ids=["hexadecimal in receipts", "hexadecimal in responses, padded in receipts"],
)
async def test_ids_are_written_otherwise_in_receipts(
    handset: Handset, kind: int, same: Callable[[bytes, bytes], bool]
) -> None:
    answer = await asyncio.to_thread(handset.submit, _hard(kind), b"dialect")
    (receipt,) = await asyncio.to_thread(handset.wait, 1)
    named = receipt.receipted_message_id.rstrip(b"\0")
    assert named != answer.message_id
    assert same(answer.message_id, named)
    assert receipt.short_message.startswith(b"id:" + named + b" ")


async def test_a_receipt_is_untidy_and_has_no_tlvs(handset: Handset) -> None:
    answer = await asyncio.to_thread(handset.submit, _hard(8), b"untidy")
    (receipt,) = await asyncio.to_thread(handset.wait, 1)
    assert receipt.short_message.startswith(b"ID: " + answer.message_id + b" SUB: 1 ")
    assert b"STAT: Delivrd" in receipt.short_message
    assert receipt.receipted_message_id is None


async def test_a_receipt_has_tlvs_alone(handset: Handset) -> None:
    answer = await asyncio.to_thread(handset.submit, _hard(9), b"terse")
    (receipt,) = await asyncio.to_thread(handset.wait, 1)
    assert not receipt.short_message
    assert (receipt.receipted_message_id.rstrip(b"\0"), receipt.message_state) == (answer.message_id, 2)


async def test_a_receipt_waits_for_the_next_bind(smsc: Smsc, entries: Entries) -> None:
    killed = await asyncio.to_thread(Handset, smsc.port)
    answer = await asyncio.to_thread(killed.submit, number(0), b"then I was gone")
    killed.leave()
    returned = await asyncio.to_thread(Handset, smsc.port)
    (receipt,) = await asyncio.to_thread(returned.wait, 1)
    assert receipt.receipted_message_id.rstrip(b"\0") == answer.message_id
    await _recorded(entries, lambda e: e.receipt == "DELIVRD")
    returned.leave()


async def test_a_paused_smsc_cuts_its_binds_and_comes_back(smsc: Smsc, handset: Handset) -> None:
    await smsc.pause()
    with pytest.raises(smpplib.exceptions.ConnectionError):
        await asyncio.to_thread(handset.submit, number(0), b"anybody?")
    with pytest.raises(smpplib.exceptions.ConnectionError):
        await asyncio.to_thread(Handset, smsc.port)
    await smsc.start()
    again = await asyncio.to_thread(Handset, smsc.port)
    assert (await asyncio.to_thread(again.submit, number(0), b"back")).status == 0
    again.leave()
