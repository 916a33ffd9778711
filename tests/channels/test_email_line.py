"""Every way to lose the relay: what was handed over is known in each."""

from __future__ import annotations

import asyncio

import pytest

from gateway.channels import email_session
from gateway.domain import Accepted, Unknown
from tests.channels.mail_line import LINE_DOWN, down, mail, running, started
from tests.channels.proxy import Proxy
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO"])
async def test_a_relay_that_hangs_up_at_once_is_away(relay: RelayPeer, verb: str) -> None:
    relay.drop_at = verb
    async with started(relay.port) as channel:
        await until(lambda: relay.connections >= 2)
        assert await down(channel)
        assert await channel.send(mail()) == LINE_DOWN
        relay.drop_at = ""
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(mail()), Accepted)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_lost_before_the_message_charges_nothing(relay: RelayPeer, verb: str) -> None:
    async with running(relay.port) as channel:
        relay.drop_at = verb
        assert await channel.send(mail()) == LINE_DOWN
        relay.drop_at = ""
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(mail()), Accepted)
    assert len(relay.contents) == 1


async def test_lost_before_the_final_dot_left_charges_nothing(relay: RelayPeer) -> None:
    async with running(relay.port) as channel:
        relay.drop_at = "BODY"
        # More than the kernel's buffers hold, so that the dot is still here when the relay hangs up.
        assert await channel.send(mail(text="x" * 70 + "\n" + ("y" * 70 + "\n") * 400_000)) == LINE_DOWN
    assert relay.contents == []


async def test_lost_after_the_final_dot_is_unknown_and_nothing_is_sent_again(relay: RelayPeer) -> None:
    async with running(relay.port) as channel:
        relay.drop_at = "DOT"
        assert await channel.send(mail()) == Unknown("lost-after-final-dot")
        relay.drop_at = ""
        assert isinstance(await channel.send(mail(2)), Accepted)
    assert [got["Message-ID"] for got in relay.mails()] == [
        "<rw-1-1-1@clinic.example>",
        "<rw-1-2-1@clinic.example>",
    ]


async def test_no_answer_to_the_final_dot_is_unknown(
    relay: RelayPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email_session, "FINAL_DOT_SECONDS", 0.1)
    async with running(relay.port) as channel:
        relay.answering.clear()
        assert await channel.send(mail()) == Unknown("lost-after-final-dot")
        relay.answering.set()
        monkeypatch.setattr(email_session, "FINAL_DOT_SECONDS", 20)
        assert isinstance(await channel.send(mail(2)), Accepted)
    assert len(relay.contents) == 2


async def test_a_relay_that_answers_too_late_is_away(
    relay: RelayPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(relay.port)
    await proxy.open()
    async with running(proxy.port, connections=1) as channel:
        monkeypatch.setattr(email_session, "COMMAND_SECONDS", 0.1)
        monkeypatch.setattr(email_session, "CONNECT_SECONDS", 0.1)
        proxy.freeze()
        assert await channel.send(mail()) == LINE_DOWN
        assert await down(channel)
        proxy.thaw()
        proxy.cut()
        monkeypatch.setattr(email_session, "COMMAND_SECONDS", 20)
        monkeypatch.setattr(email_session, "CONNECT_SECONDS", 20)
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(mail()), Accepted)
    await proxy.close()


async def test_an_idle_connection_that_the_relay_closed_costs_nothing(relay: RelayPeer) -> None:
    async with running(relay.port, connections=1) as channel:
        await channel.send(mail())
        relay.hang_up()
        assert isinstance(await channel.send(mail(2)), Accepted)
    assert len(relay.contents) == 2


async def test_a_relay_away_at_the_start_and_later_is_said_once(
    relay: RelayPeer, caplog: pytest.LogCaptureFixture
) -> None:
    await relay.stop()
    async with started(relay.port) as channel:
        await until(lambda: caplog.records)
        assert await down(channel)
        await relay.start()
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(mail()), Accepted)
    words = [
        record.getMessage() for record in caplog.records if record.name == "gateway.channels.email_relay"
    ]
    assert len(words) == 2
    assert "mail waits until it is back" in words[0]
    assert "is back" in words[1]
