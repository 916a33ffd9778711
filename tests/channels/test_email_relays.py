"""Several relays: the preferred one that is up carries the mail, and no mail goes twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.channels.email import EmailChannel
from gateway.channels.email_relay import RELAY_DOWN
from gateway.domain import Accepted, Unknown
from gateway.settings import Relay
from tests.channels.mail_line import mail
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until


@pytest.fixture
async def second() -> AsyncIterator[RelayPeer]:
    peer = RelayPeer()
    await peer.start()
    yield peer
    await peer.stop()


@asynccontextmanager
async def both(
    first: RelayPeer, second: RelayPeer, first_is: dict[str, Any], second_is: dict[str, Any]
) -> AsyncIterator[EmailChannel]:
    relays = {
        "first": Relay(port=first.port, security="none", **first_is),
        "second": Relay(port=second.port, security="none", **second_is),
    }
    channel = EmailChannel(relays, "Example Clinic")
    run = asyncio.create_task(channel.run())
    try:
        await until(lambda: bool(first.connections and second.connections))
        async with asyncio.timeout(60):
            await channel.slots()
        await until(lambda: all(line.up for line in channel._lines))
        yield channel
    finally:
        run.cancel()
        await asyncio.wait([run])


async def test_the_preferred_relay_carries_all_mail_while_it_is_up(
    relay: RelayPeer, second: RelayPeer
) -> None:
    async with both(relay, second, {"priority": 2}, {"priority": 1}) as channel:
        for number in range(1, 6):
            assert isinstance(await channel.send(mail(number)), Accepted)
    assert (len(relay.contents), len(second.contents)) == (0, 5)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_a_mail_whose_relay_goes_before_the_dot_is_carried_by_the_next(
    relay: RelayPeer, second: RelayPeer, verb: str
) -> None:
    async with both(relay, second, {"priority": 1}, {"priority": 2}) as channel:
        relay.drop_at = verb
        assert isinstance(await channel.send(mail()), Accepted)
    assert (len(relay.contents), len(second.contents)) == (0, 1)


async def test_a_relay_that_is_closing_hands_its_mail_to_the_next(
    relay: RelayPeer, second: RelayPeer
) -> None:
    async with both(relay, second, {"priority": 1}, {"priority": 2}) as channel:
        relay.replies["RCPT"] = "421 4.3.2 closing"
        assert isinstance(await channel.send(mail()), Accepted)
    assert (len(relay.contents), len(second.contents)) == (0, 1)


async def test_a_mail_lost_after_the_dot_goes_to_no_other_relay(relay: RelayPeer, second: RelayPeer) -> None:
    async with both(relay, second, {"priority": 1}, {"priority": 2}) as channel:
        relay.drop_at = "DOT"
        assert await channel.send(mail()) == Unknown("lost-after-final-dot")
    assert (len(relay.contents), len(second.contents)) == (1, 0)


async def test_the_preferred_relay_is_used_again_once_it_is_back(relay: RelayPeer, second: RelayPeer) -> None:
    async with both(relay, second, {"priority": 1}, {"priority": 2}) as channel:
        await relay.stop()
        assert isinstance(await channel.send(mail(1)), Accepted)
        await relay.start()
        seen, number = relay.connections, 2
        await until(lambda: relay.connections > seen)
        async with asyncio.timeout(60):
            while not relay.contents:
                assert isinstance(await channel.send(mail(number)), Accepted)
                number += 1
    assert len(relay.contents) + len(second.contents) == number - 1


async def test_equal_relays_share_the_mail_by_weight(relay: RelayPeer, second: RelayPeer) -> None:
    async with both(relay, second, {"weight": 4}, {"weight": 1}) as channel:
        for number in range(1, 101):
            assert isinstance(await channel.send(mail(number)), Accepted)
    # Of 100, 80 are expected; 60 to 95 is five standard deviations around it.
    assert 60 <= len(relay.contents) <= 95
    assert len(relay.contents) + len(second.contents) == 100


async def test_one_destination_gets_no_more_than_its_share_of_connections_at_once(
    relay: RelayPeer, second: RelayPeer
) -> None:
    few = {"per_destination": 2}
    async with both(relay, second, few, few) as channel:
        relay.answering.clear()
        second.answering.clear()
        home = [asyncio.create_task(channel.send(mail(n, "a@home.example"))) for n in range(1, 5)]
        other = asyncio.create_task(channel.send(mail(9, "b@other.example")))
        await until(lambda: len(relay.contents) + len(second.contents) == 3)
        assert await _settled(channel)
        assert len(relay.contents) + len(second.contents) == 3
        relay.answering.set()
        second.answering.set()
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*home, other))


async def _settled(channel: EmailChannel) -> bool:
    """Given the loop some turns, nothing else is under way."""
    for _ in range(50):
        await asyncio.sleep(0.002)
    return await channel.slots() > 0


async def test_with_all_relays_away_nothing_is_charged(relay: RelayPeer, second: RelayPeer) -> None:
    async with both(relay, second, {}, {}) as channel:
        relay.drop_at = second.drop_at = "MAIL"
        assert await channel.send(mail()) == RELAY_DOWN
    assert relay.contents == second.contents == []
