"""Every way in which the bind to an SMSC is lost, refused or found dead."""

from __future__ import annotations

import asyncio
import logging
import struct
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from gateway.channels import sms_pdu
from gateway.channels.sms import SmsChannel
from gateway.domain import (
    Accepted,
    Receipt,
    Retry,
    RetryKind,
    Unknown,
)
from gateway.settings import Bind
from tests.channels.proxy import Proxy
from tests.channels.sms_bind import begin, down, running, text
from tests.channels.smsc_peer import SmscPeer, accept, hold
from tests.channels.waiting import until

BOUND = 0x80000009  # bind_transceiver_resp


async def test_lost_before_the_submit_charges_nothing(
    smsc: SmscPeer, proxy: Proxy, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(proxy.port) as channel:
        await proxy.close()
        await until(lambda: any("texts wait" in record.message for record in caplog.records))
        outcome = await channel.send(text())
        assert outcome == Retry(RetryKind.LINE_DOWN, "bind-down", charged=False)
        assert await down(channel)
        await proxy.open()
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(text()), Accepted)
    assert len(smsc.got) == 1
    assert sum(record.levelno >= logging.WARNING for record in caplog.records) == 1


async def test_lost_after_the_submit_is_unknown(smsc: SmscPeer, proxy: Proxy) -> None:
    smsc.answer = hold
    async with running(proxy.port) as channel:
        sends = [begin(channel, number) for number in range(3)]
        await until(lambda: len(smsc.got) == 3)
        proxy.cut()
        assert await asyncio.gather(*sends) == [Unknown("connection-lost")] * 3
        smsc.answer = accept
        async with asyncio.timeout(60):
            assert await channel.slots() == 10
    assert len(smsc.got) == 3


async def test_a_lost_response_leaves_the_receipt_to_tell_by_its_number(smsc: SmscPeer, proxy: Proxy) -> None:
    async with running(proxy.port) as channel:
        proxy.forward_replies = False
        send = begin(channel)
        await until(lambda: len(smsc.got) == 1)
        proxy.cut()
        assert await send == Unknown("connection-lost")
        proxy.forward_replies = True
        await until(lambda: len(smsc.binds) == 2)
        late = asyncio.create_task(smsc.receipt("0000AB01"))
        (receipt,) = await anext(channel.batches(1))
        assert isinstance(receipt, Receipt)
        assert (receipt.remote_id, receipt.address) == ("ab01", "+12125550000")
    await asyncio.wait([late])


async def test_a_dead_peer_is_noticed_within_interval_and_time_limit(smsc: SmscPeer, proxy: Proxy) -> None:
    loop = asyncio.get_running_loop()
    async with running(proxy.port, enquire_link_seconds=0.3, response_seconds=2.0) as channel:
        connections = proxy.connections
        proxy.freeze()
        frozen = loop.time()
        await until(lambda: proxy.connections > connections)
        assert loop.time() - frozen <= 0.3 + 0.3 + 3
        proxy.thaw()
        proxy.cut()
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(text()), Accepted)


async def test_a_silent_but_living_peer_is_kept(smsc: SmscPeer, proxy: Proxy) -> None:
    async with running(proxy.port, enquire_link_seconds=0.5, response_seconds=0.5) as channel:
        await until(lambda: _commands(proxy).count(sms_pdu.ENQUIRE) >= 4)
        assert isinstance(await channel.send(text()), Accepted)
    assert proxy.connections == 1


async def test_an_smsc_that_unbinds_is_bound_again(smsc: SmscPeer) -> None:
    async with running(smsc.port) as channel:
        await until(lambda: smsc.binds)
        await smsc.binds[0].unbind()
        await until(lambda: len(smsc.binds) == 2)
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(text()), Accepted)


async def test_stopping_lets_responses_arrive_and_unbinds(smsc: SmscPeer, proxy: Proxy) -> None:
    smsc.answer = hold
    async with AsyncExitStack() as stack:
        channel = await stack.enter_async_context(running(proxy.port))
        sends = [begin(channel, number) for number in range(3)]
        await until(lambda: len(smsc.got) == 3)
        stopping = asyncio.create_task(stack.pop_all().aclose())
        await until(lambda: not channel._best())
        assert await channel.send(text(9)) == Retry(RetryKind.LINE_DOWN, "bind-down", charged=False)
        for number, submit in enumerate(smsc.got):
            submit.accept(f"id{number}")
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*sends))
        await stopping
    assert _commands(proxy)[-1] == sms_pdu.UNBIND
    assert len(smsc.got) == 3


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
    """A smsc that greets each connection's first request with these octets: (port, connections seen)."""
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


@pytest.mark.usefixtures("quick")
async def test_a_refused_bind_is_said_once_as_an_error_and_nothing_starts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with raw_smsc(sms_pdu.response(BOUND, 0x0E, 1)) as (port, seen):
        channel = SmsChannel([Bind(port=port)])
        run = asyncio.create_task(channel.run())
        await until(lambda: len(seen) >= 3)
        assert await down(channel)
        run.cancel()
        await asyncio.wait([run])
    errors = [record.message for record in caplog.records if record.levelno == logging.ERROR]
    assert len(errors) == 1
    assert "Invalid Password" in errors[0]
    assert "correct system_id and password" in errors[0]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("length", [0, 15, 70_000, 0xFFFFFFFF])
async def test_octets_that_are_no_smpp_end_the_connection(length: int) -> None:
    bound = sms_pdu.response(BOUND, 0, 1)
    async with raw_smsc(bound, struct.pack(">LLLL", length, 5, 0, 1)) as (port, seen):
        channel = SmsChannel([Bind(port=port)])
        run = asyncio.create_task(channel.run())
        await until(lambda: len(seen) >= 2)
        run.cancel()
        await asyncio.wait([run])
