"""Texts from the queue to their receipts: dispatcher, outbox and intake over a real bind, on SQLite."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import smpp34
from sqlalchemy import Connection, select

from gateway.channels.sms import SmsChannel
from gateway.domain import Channel, Receipt
from gateway.settings import Bind, DispatchSettings
from store.schema import attempt, consent, message, reply, segment
from tests.channels.smsc_peer import SmscPeer, hold
from tests.channels.waiting import until
from tests.line import Line, fill, serving, settings_of

AUDIENCE = 40
LONG = "Reminder <Practice> <ServiceDate> <CallBack> " * 4


class Rig:
    """The line at work, what it put on disk, and the SMSC at the other end."""

    def __init__(self, line: Line, channel: SmsChannel, smsc: SmscPeer) -> None:
        self.line, self.channel, self.smsc = line, channel, smsc

    async def states(self) -> dict[int, str]:
        """Each message's state."""
        return dict(await self.line.store.read(_rows, select(message.c.id, message.c.state)))

    async def come_to(self, state: str, count: int) -> None:
        """Wait until so many messages are in a state."""
        async with asyncio.timeout(60):
            while Counter((await self.states()).values())[state] < count:  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    async def attempts(self) -> list[tuple[int, int, str, int]]:
        """(message, attempt, outcome, charged) of every attempt on record."""
        query = select(attempt.c.message, attempt.c.number, attempt.c.outcome, message.c.charged)
        return await self.line.store.read(_rows, query.where(message.c.id == attempt.c.message))

    async def replies(self) -> int:
        """How many texts of patients are on disk."""
        return len(await self.line.store.read(_rows, select(reply)))

    async def told(self) -> int:
        """How many receipts are on disk."""
        return len(await self.line.store.read(_rows, select(segment).where(segment.c.outcome.is_not(None))))


def _rows(conn: Connection, query: Any) -> list[Any]:
    return [tuple(row) for row in conn.execute(query).all()]


@asynccontextmanager
async def at_work(smsc: SmscPeer, folder: Path, window: int = 10, claim: int = 200) -> AsyncIterator[Rig]:
    url = f"sqlite:///{folder / 'store.db'}"
    await fill(url, Channel.SMS, AUDIENCE)
    channel = SmsChannel([Bind(port=smsc.port, window=window, per_second=10_000.0)])
    dispatch = DispatchSettings(claim=claim, poll_seconds=0.02)
    settings = settings_of(folder).model_copy(update={"dispatch": dispatch})
    async with serving(url, channel, settings) as line:
        yield Rig(line, channel, smsc)


async def test_each_text_is_sent_once_and_delivered_by_its_receipt(smsc: SmscPeer, tmp_path: Path) -> None:
    async with at_work(smsc, tmp_path, claim=7) as rig:
        await rig.line.queue(AUDIENCE)
        await until(lambda: len(smsc.got) == AUDIENCE)
        answers = await asyncio.gather(*(smsc.receipt(f"AB{n:02X}") for n in range(1, AUDIENCE + 1)))
        await rig.come_to("delivered", AUDIENCE)
        assert all(answer.is_success for answer in answers)
        assert sorted(await rig.attempts()) == [(n, 1, "delivered", 1) for n in range(1, AUDIENCE + 1)]
    assert Counter(submit.destination_addr for submit in smsc.got).most_common(1)[0][1] == 1


async def test_receipts_that_overtake_their_responses_count(smsc: SmscPeer, tmp_path: Path) -> None:
    smsc.answer = hold
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(3)
        await until(lambda: len(smsc.got) == 3)
        answers = await asyncio.gather(*(smsc.receipt(f"{n}") for n in range(3)))
        assert all(answer.is_success for answer in answers)
        for n, submit in enumerate(smsc.got):
            submit.accept(f"{n}")
        await rig.come_to("delivered", 3)
        assert sorted(await rig.attempts()) == [(n, 1, "delivered", 1) for n in (1, 2, 3)]


async def test_a_receipt_is_acknowledged_only_when_it_is_on_disk(smsc: SmscPeer, tmp_path: Path) -> None:
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(2)
        await rig.come_to("accepted", 2)
        other = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        telling = [asyncio.create_task(smsc.receipt(f"AB{n:02X}")) for n in (1, 2)]
        await until(lambda: len(rig.channel._inbox) == 2)
        done, _ = await asyncio.wait(telling, timeout=0.2)
        assert not done
        assert await rig.told() == 0
        other.execute("ROLLBACK")
        assert all(answer.is_success for answer in await asyncio.gather(*telling))
        assert await rig.told() == 2
        assert set((await rig.states()).values()) == {"delivered"}
        other.close()


async def test_receipts_on_disk_but_not_acknowledged_come_again_and_change_nothing(
    smsc: SmscPeer, tmp_path: Path
) -> None:
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(2)
        await rig.come_to("accepted", 2)
        # Whoever takes this batch writes it and dies before the next is asked for.
        heard = await _overheard(rig, smsc)
        await rig.line.outbox.hear(heard)
        before = sorted(await rig.attempts())
        assert [row[2] for row in before] == ["delivered", "delivered"]
        again = [asyncio.create_task(smsc.receipt(f"AB{n:02X}")) for n in (1, 2)]
        assert all(answer.is_success for answer in await asyncio.gather(*again))
        assert sorted(await rig.attempts()) == before
        assert set((await rig.states()).values()) == {"delivered"}


async def _overheard(rig: Rig, smsc: SmscPeer) -> Sequence[Receipt]:
    """The receipts of two texts as the channel tells them."""
    telling = [asyncio.create_task(smsc.receipt(f"AB{n:02X}")) for n in (1, 2)]
    heard: list[Receipt] = []
    put = rig.channel._inbox.put

    def overhear(event: object, acknowledge: object) -> None:
        assert isinstance(event, Receipt)
        heard.append(event)

    rig.channel._inbox.put = overhear  # type: ignore[method-assign,assignment]
    await until(lambda: len(heard) == 2)
    rig.channel._inbox.put = put  # type: ignore[method-assign]
    for one in telling:
        one.cancel()
    return heard


@pytest.mark.parametrize(
    ("states", "expected"),
    [((2, 2), "delivered"), ((2, 5), "failed"), ((5, 2), "failed"), ((2,), "accepted")],
)
async def test_a_text_in_two_segments_is_what_both_receipts_say(
    smsc: SmscPeer, tmp_path: Path, states: Sequence[int], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = {channel.value: {"body": LONG} for channel in Channel}
    monkeypatch.setattr("gateway.wording.default_templates", lambda type: texts)
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(1)
        await rig.come_to("accepted", 1)
        assert len(smsc.got) == 2
        telling = (smsc.receipt(f"AB{n:02X}", state) for n, state in enumerate(states, 1))
        assert all(answer.is_success for answer in await asyncio.gather(*telling))
        assert await rig.states() == {1: expected}


@pytest.mark.parametrize("early", [False, True], ids=["after the response", "before it"])
async def test_a_number_that_nobody_has_is_bad_from_then_on(
    smsc: SmscPeer, tmp_path: Path, early: bool
) -> None:
    smsc.answer = hold
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(2)
        await until(lambda: len(smsc.got) == 2)
        gone, off = sorted(smsc.got, key=lambda submit: submit.destination_addr)
        for submit, error in ((gone, "001"), (off, "027")):
            if early:
                await _undelivered(smsc, submit, error)
            submit.accept(error)
            if not early:
                await _undelivered(smsc, submit, error)
        await rig.come_to("failed", 2)
        bad = select(consent.c.address, consent.c.source).where(consent.c.recipient == 0)
        found = await rig.line.store.read(_rows, bad)
        assert [tuple(row) for row in found] == [(f"+{gone.destination_addr}", "no-texts")]


async def _undelivered(smsc: SmscPeer, submit: smpp34.SubmitSmEvent, error: str) -> None:
    words = f"id:{error} stat:UNDELIV err:{error}"
    assert (await smsc.text(words, esm_class=4, source_addr=submit.destination_addr)).is_success


async def test_a_receipt_with_the_number_of_somebody_else_settles_nothing(
    smsc: SmscPeer, tmp_path: Path
) -> None:
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(1)
        await rig.come_to("accepted", 1)
        assert (await smsc.receipt("AB01", source_addr="13055550999")).is_success
        assert await rig.states() == {1: "accepted"}
        assert (await smsc.receipt("AB01")).is_success
        assert await rig.states() == {1: "delivered"}


async def test_receipts_and_words_of_one_batch_all_count(smsc: SmscPeer, tmp_path: Path) -> None:
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(2)
        await rig.come_to("accepted", 2)
        number = smsc.got[0].destination_addr
        told = (smsc.receipt("AB01"), smsc.text("STOP", source_addr=number), smsc.receipt("AB02", 5))
        assert all(answer.is_success for answer in await asyncio.gather(*told))
        states = await rig.states()
        assert sorted(states[number] for number in (1, 2)) == ["delivered", "failed"]
        withdrawn = await rig.line.store.read(_rows, select(consent.c.recipient).where(~consent.c.given))
        assert len(withdrawn) == 1


def _words(smsc: SmscPeer) -> list[str]:
    return [segment.text for segment in smsc.segments()]


async def test_a_confirmation_is_answered_and_after_stop_nothing_but_its_answer_leaves(
    smsc: SmscPeer, tmp_path: Path
) -> None:
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(1)
        await rig.come_to("accepted", 1)
        number = smsc.got[0].destination_addr
        for _ in range(2):
            assert (await smsc.text("Yes, thanks", source_addr=number)).is_success
        await until(lambda: len(smsc.got) == 2)
        assert _words(smsc)[1] == "Example Clinic: thank you, your appointment is confirmed."
        for words in ("STOP", "stop", "C", "Yes!"):
            assert (await smsc.text(words, source_addr=number)).is_success
        await until(lambda: len(smsc.got) == 3)
        # What the SMSC delivers again is the same reply.
        assert await rig.replies() == 5
        assert "you are opted out" in _words(smsc)[2]
        assert len(smsc.got) == 3
        assert {submit.destination_addr for submit in smsc.got} == {number}


async def test_a_long_reply_in_segments_is_one_reply_whose_words_count(
    smsc: SmscPeer, tmp_path: Path
) -> None:
    async with at_work(smsc, tmp_path) as rig:
        await rig.line.queue(1)
        await rig.come_to("accepted", 1)
        number = smsc.got[0].destination_addr
        header = bytes((5, 0, 3, 9, 2))
        parts = [header + b"\x01please stop ", header + b"\x02texting me"]
        for octets in reversed(parts):
            sent = await smsc.octets(octets, source_addr=number, esm_class=0x40)
            assert sent.is_success
        await until(lambda: len(smsc.got) == 2)
        assert "you are opted out" in _words(smsc)[1]
