"""Several binds: which one carries a text, what happens when one goes, pairs, TLS, limits of campaigns."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import smpp34

from gateway.channels.sms import SmsChannel
from gateway.channels.sms_pace import Bucket
from gateway.channels.sms_quota import BrandDay, Quota
from gateway.domain import Accepted, Outcome, Receipt, Retry, RetryKind
from gateway.settings import Bind, Settings, SettingsError, TextSettings
from gateway.town.coding import read_segment
from tests.channels.relay_peer import certificate, server_context
from tests.channels.sms_bind import down, text
from tests.channels.smsc_peer import SmscPeer
from tests.channels.waiting import until


@pytest.fixture
async def second() -> AsyncIterator[SmscPeer]:
    peer = SmscPeer()
    await peer.start()
    yield peer
    await peer.stop()


@asynccontextmanager
async def over(*binds: dict[str, Any], quota: Quota | None = None, **texts: Any) -> AsyncIterator[SmsChannel]:
    usual = {"window": 10, "per_second": 10_000.0}
    made = [Bind(**(usual | {"account": f"a{number}"} | bind)) for number, bind in enumerate(binds)]
    quotas = {"reminders": quota} if quota else {}
    channel = SmsChannel(made, TextSettings(**texts), quotas)
    run = asyncio.create_task(channel.run())
    try:
        yield channel
    finally:
        run.cancel()
        await asyncio.wait([run])


async def _send(channel: SmsChannel, count: int, **changes: Any) -> list[Outcome]:
    async with asyncio.timeout(60):
        await channel.slots()
        return await asyncio.gather(*(channel.send(text(number, **changes)) for number in range(count)))


# --- which one ---


async def test_equals_share_by_weight(smsc: SmscPeer, second: SmscPeer) -> None:
    async with over({"port": smsc.port, "weight": 3}, {"port": second.port, "weight": 1}) as channel:
        await until(lambda: smsc.binds and second.binds)
        for _ in range(30):
            await _send(channel, 10)
    share = len(smsc.got) / 300
    assert len(smsc.got) + len(second.got) == 300
    assert 0.62 < share < 0.88


async def test_the_backup_carries_texts_while_the_first_is_away_and_no_longer(
    smsc: SmscPeer, second: SmscPeer
) -> None:
    async with over({"port": smsc.port}, {"port": second.port, "priority": 1}) as channel:
        await until(lambda: smsc.binds and second.binds)
        await _send(channel, 5)
        assert (len(smsc.got), len(second.got)) == (5, 0)
        await smsc.stop()
        await _send(channel, 5)
        assert len(second.got) == 5
        await smsc.start()
        await until(lambda: len(smsc.binds) > 1)
        await asyncio.sleep(0)
        await until(lambda: channel._best()[0].settings.port == smsc.port)
        await _send(channel, 5)
        assert (len(smsc.got), len(second.got)) == (10, 5)


async def test_a_bind_that_an_administrator_must_look_at_is_left_for_the_backup(
    smsc: SmscPeer, second: SmscPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.channels.sms_pace.Pace.PAUSE_FIRST", 20.0)
    smsc.answer = lambda submit, number: submit.reject(0x0F)
    async with over({"port": smsc.port}, {"port": second.port, "priority": 1}) as channel:
        await until(lambda: smsc.binds and second.binds)
        (refused,) = await _send(channel, 1)
        assert refused.cause == "bind-misconfigured"
        assert all(isinstance(outcome, Accepted) for outcome in await _send(channel, 5))
        assert len(second.got) == 5


async def test_ids_of_different_accounts_are_different_messages(smsc: SmscPeer, second: SmscPeer) -> None:
    async with over({"port": smsc.port}, {"port": second.port}) as channel:
        await until(lambda: smsc.binds and second.binds)
        for _ in range(20):
            await _send(channel, 1)
        assert smsc.got
        assert second.got
        tells = [asyncio.create_task(peer.receipt("0000AB01")) for peer in (smsc, second)]
        found: list[str] = []
        async for batch in channel.batches(10):
            found += [event.remote_id for event in batch if isinstance(event, Receipt)]
            if len(found) == 2:
                break
        for tell in tells:
            tell.cancel()
    assert sorted(found) == ["a0/ab01", "a1/ab01"]


def test_binds_of_different_providers_must_say_which_share_receipts() -> None:

    with pytest.raises(ValueError, match="each bind needs an 'account'"):
        Settings.model_validate({"binds": {"one": {"host": "a.example"}, "two": {"host": "b.example"}}})
    with pytest.raises(ValueError, match="not one of"):
        Settings.model_validate({"binds": {"one": {"campaign": "none"}}})
    brand = {"brand": "clinic", "per_day": 100}
    with pytest.raises(ValueError, match="must agree"):
        Settings.model_validate({"campaigns": {"one": brand, "two": brand | {"per_day": 200}}})


# --- pairs and TLS ---


async def test_a_pair_sends_over_one_connection_and_hears_over_the_other(smsc: SmscPeer) -> None:
    async with over({"port": smsc.port, "mode": "pair"}) as channel:
        await until(lambda: len(smsc.binds) == 2)
        assert isinstance((await _send(channel, 1))[0], Accepted)
        kinds = sorted((bind.can_receive, bind.session_id == smsc.got[0].session_id) for bind in smsc.binds)
        assert kinds == [(False, True), (True, False)]
        telling = asyncio.create_task(smsc.receipt("0000AB01"))
        async for batch in channel.batches(10):
            assert [event.remote_id for event in batch if isinstance(event, Receipt)] == ["a0/ab01"]
            break
        telling.cancel()


async def test_a_pair_of_which_one_goes_is_bound_again_as_a_whole(smsc: SmscPeer) -> None:
    async with over({"port": smsc.port, "mode": "pair"}) as channel:
        await until(lambda: len(smsc.binds) == 2)
        receiver = next(bind for bind in smsc.binds if bind.can_receive)
        await receiver.unbind()
        await until(lambda: len(smsc.binds) == 4)
        assert isinstance((await _send(channel, 1))[0], Accepted)


@asynccontextmanager
async def tls_before(port: int, context: ssl.SSLContext) -> AsyncIterator[int]:
    """A port that speaks TLS and passes all on to this one."""

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        beyond_reader, beyond = await asyncio.open_connection("127.0.0.1", port)

        async def one_way(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            try:
                while data := await source.read(4096):
                    sink.write(data)
            finally:
                sink.close()

        await asyncio.gather(one_way(reader, beyond), one_way(beyond_reader, writer), return_exceptions=True)

    server = await asyncio.start_server(pass_on, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_bind_over_tls_believes_only_the_certificate_it_was_told(
    smsc: SmscPeer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = await asyncio.to_thread(certificate, tmp_path, "DNS:smsc.example")
    async with tls_before(smsc.port, server_context(file)) as port:
        known = {"port": port, "tls": True, "tls_ca": file, "tls_name": "smsc.example"}
        async with over(known) as channel:
            assert isinstance((await _send(channel, 1))[0], Accepted)
        async with over({"port": port, "tls": True}) as channel:
            await until(lambda: "certificate" in caplog.text.lower())
            assert await down(channel)
        async with over({"port": port, "tls": True, "tls_verify": False}) as channel:
            assert isinstance((await _send(channel, 1))[0], Accepted)
    with pytest.raises(SettingsError, match="tls_ca"):
        SmsChannel([Bind(tls=True, tls_ca=tmp_path / "none.pem")])


# --- how long texts are put together ---

LONG = "Example Clinic: your appointment is on Tuesday. " * 8


def _read(submit: smpp34.SubmitSmEvent) -> Any:
    tlvs = {tlv.tag: tlv.value for tlv in submit.tlvs}
    return read_segment(submit.short_message, submit.esm_class, submit.data_coding, tlvs)


@pytest.mark.parametrize(("way", "submits"), [("udh", 3), ("sar", 3), ("payload", 1)])
async def test_a_long_text_is_put_together_the_way_of_the_bind(
    smsc: SmscPeer, way: str, submits: int
) -> None:
    async with over({"port": smsc.port, "concatenation": way}) as channel:
        (outcome,) = await _send(channel, 1, body=LONG)
    assert isinstance(outcome, Accepted)
    assert len(outcome.remote_ids) == len(smsc.got) == submits
    parts = [_read(submit) for submit in smsc.got]
    assert "".join(part.text for part in parts) == LONG
    assert [(part.total, part.sequence) for part in parts] == [(submits, n) for n in range(1, submits + 1)]


async def test_look_alikes_are_replaced_where_the_clinic_wants_it(smsc: SmscPeer) -> None:
    async with over({"port": smsc.port}, replace_look_alikes=True) as channel:
        await _send(channel, 1, body="Dr. Ito’s office – see you")
        await _send(channel, 1, body="Привет – see you")
    assert [segment.text for segment in smsc.segments()] == ["Dr. Ito's office - see you", "Привет – see you"]


# --- campaigns ---


class Ledger:
    """A day in memory, as the store keeps it."""

    def __init__(self) -> None:
        self.taken = 0

    async def reserve(self, brand: str, day: date, most: int, wanted: int) -> int:
        granted = max(-self.taken, min(wanted, most - self.taken))
        self.taken += granted
        return granted


def _quota(ledger: Ledger, most: int, now: datetime | None = None) -> Quota:
    clock = (lambda: now) if now else (lambda: datetime.now(UTC))
    return Quota(day=BrandDay("clinic", most, ZoneInfo("America/New_York"), ledger.reserve, clock))


async def test_a_brand_sends_no_more_segments_in_a_day_than_it_may(smsc: SmscPeer) -> None:
    ledger = Ledger()
    bind = {"port": smsc.port, "campaign": "reminders"}
    async with over(bind, quota=_quota(ledger, 7)) as channel:
        outcomes = await _send(channel, 5)
        assert all(isinstance(outcome, Accepted) for outcome in outcomes)
        async with asyncio.timeout(60):
            await channel.slots()
        late = await channel.send(text(9, body=LONG))
        assert late == Retry(RetryKind.LINE_DOWN, "brand-day-limit", charged=False)
        assert len(await _send(channel, 2)) == 2
        assert await down(channel)
    assert (len(smsc.got), ledger.taken) == (7, 7)


async def test_a_spent_brand_leaves_the_texts_to_another(smsc: SmscPeer, second: SmscPeer) -> None:
    binds = ({"port": smsc.port, "campaign": "reminders"}, {"port": second.port, "priority": 1})
    async with over(*binds, quota=_quota(Ledger(), 2)) as channel:
        await until(lambda: smsc.binds and second.binds)
        for _ in range(6):
            await _send(channel, 1)
    assert (len(smsc.got), len(second.got)) == (2, 4)


async def test_what_is_not_sent_of_a_block_is_given_back_and_the_next_day_begins_at_midnight() -> None:
    ledger, now = Ledger(), [datetime(2026, 3, 10, 3, 59, 59, tzinfo=UTC)]
    day = BrandDay("clinic", 100, ZoneInfo("America/New_York"), ledger.reserve, lambda: now[0])
    await day.refill()
    assert day.take(2)
    await day.give_back()
    assert ledger.taken == 2
    assert 0 < day.seconds_left() <= 1
    await day.refill()
    now[0] = datetime(2026, 3, 10, 4, 0, tzinfo=UTC)
    assert day.room() == 0, "yesterday's are yesterday's"


async def test_a_campaign_sends_its_segments_a_minute_over_all_its_binds(smsc: SmscPeer) -> None:
    clock = asyncio.get_running_loop().time
    quota = Quota(Bucket(1200 / 60, clock))
    async with over({"port": smsc.port, "campaign": "reminders"}, quota=quota) as channel:
        await _send(channel, 1)
        begin = clock()
        await _send(channel, 1, body=LONG)
        await _send(channel, 1, body=LONG)
        assert clock() - begin >= 0.2
    assert len(smsc.got) == 7
