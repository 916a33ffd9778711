"""What every channel promises to the dispatcher and the intake; one suite that all of them pass.

A channel's module subclasses ChannelContract and gives a `rig` fixture: the channel, not yet running, its
real peer, and a way to lose and find that peer again. `reached` counts contacts on the peer's own side.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

import pytest

from gateway.channels.port import Channel
from gateway.domain import Accepted, Attempt, Content, ContentError, Delivered, Failed, Retry, RetryKind

PATIENCE = 20.0


class Rig(Protocol):
    """A channel with its peer."""

    channel: Channel

    def good(self, number: int) -> Attempt:
        """An attempt that the peer takes; its content went through `prepare` or needs no rendering."""
        ...

    def composed(self) -> Content:
        """What `good` sends, as it is before `prepare`."""
        ...

    def nobody(self, number: int) -> Attempt:
        """An attempt to an address at which nobody is."""
        ...

    def unusable(self, number: int) -> Attempt:
        """An attempt whose address holds a line break and a command."""
        ...

    def unsendable(self) -> Content:
        """Content that can never be sent on this channel."""
        ...

    async def lose(self) -> None:
        """The peer goes away."""
        ...

    async def find(self) -> None:
        """The peer comes (back)."""
        ...

    def reached(self) -> int:
        """How many recipients the peer reached."""
        ...


@asynccontextmanager
async def serving(channel: Channel) -> AsyncIterator[asyncio.Task[None]]:
    """The channel runs, and is stopped as the daemon stops it."""
    run = asyncio.create_task(channel.run())
    try:
        yield run
    finally:
        run.cancel()
        await asyncio.wait([run], timeout=PATIENCE)
        assert run.cancelled(), "a channel ends when it is cancelled"


async def ready(channel: Channel) -> int:
    """The free slots, once there are any."""
    async with asyncio.timeout(PATIENCE):
        return await channel.slots()


async def blocked(channel: Channel, seconds: float = 0.2) -> bool:
    """Whether nothing may start."""
    try:
        async with asyncio.timeout(seconds):
            await channel.slots()
    except TimeoutError:
        return True
    return False


def told(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What the gateway told an administrator."""
    return [
        record.getMessage()
        for record in caplog.records
        if record.name.startswith("gateway.") and record.levelno >= logging.WARNING
    ]


class ChannelContract:
    """The promises of gateway.channels.port.Channel."""

    async def test_nothing_starts_before_the_line_is_up(self, rig: Rig) -> None:
        assert await blocked(rig.channel)
        async with serving(rig.channel):
            assert await blocked(rig.channel)
            await rig.find()
            assert await ready(rig.channel) >= 1

    async def test_a_good_attempt_reaches_its_recipient_once(self, rig: Rig) -> None:
        await rig.find()
        async with serving(rig.channel):
            await ready(rig.channel)
            outcome = await rig.channel.send(rig.good(1))
            assert isinstance(outcome, Accepted | Delivered), outcome
        assert rig.reached() == 1

    async def test_attempts_side_by_side_each_reach_their_recipient_once(self, rig: Rig) -> None:
        await rig.find()
        async with serving(rig.channel):
            many = min(5, await ready(rig.channel))
            sends = (rig.channel.send(rig.good(number)) for number in range(many))
            assert all(isinstance(o, Accepted | Delivered) for o in await asyncio.gather(*sends))
            assert await ready(rig.channel) >= 1
        assert rig.reached() == many

    async def test_an_address_where_nobody_is_fails_for_good(self, rig: Rig) -> None:
        await rig.find()
        async with serving(rig.channel):
            await ready(rig.channel)
            outcome = await rig.channel.send(rig.nobody(1))
            assert isinstance(outcome, Failed), outcome
            assert outcome.bad_address
            assert await ready(rig.channel) >= 1

    async def test_an_address_that_holds_a_command_never_leaves(self, rig: Rig) -> None:
        await rig.find()
        async with serving(rig.channel):
            await ready(rig.channel)
            outcome = await rig.channel.send(rig.unusable(1))
            assert isinstance(outcome, Failed), outcome
        assert rig.reached() == 0

    async def test_without_a_line_no_attempt_is_charged(self, rig: Rig) -> None:
        async with serving(rig.channel):
            async with asyncio.timeout(PATIENCE):
                outcome = await rig.channel.send(rig.good(1))
            assert isinstance(outcome, Retry), outcome
            assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)
        assert rig.reached() == 0

    async def test_a_lost_line_is_said_once_and_the_channel_goes_on_when_it_is_back(
        self, rig: Rig, caplog: pytest.LogCaptureFixture
    ) -> None:
        await rig.find()
        async with serving(rig.channel):
            await ready(rig.channel)
            await rig.lose()
            await self._notice(rig, caplog)
            assert await blocked(rig.channel)
            assert len(told(caplog)) == 1
            await rig.find()
            await ready(rig.channel)
            assert isinstance(await rig.channel.send(rig.good(9)), Accepted | Delivered)
        assert rig.reached() == 1

    async def _notice(self, rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
        """Some channels see a loss at once, others at the next attempt."""
        async with asyncio.timeout(PATIENCE):
            number = 2
            while not told(caplog):
                if not await blocked(rig.channel, 0.05):
                    outcome = await rig.channel.send(rig.good(number))
                    assert not isinstance(outcome, Accepted | Delivered | Failed), outcome
                    number += 1

    async def test_what_can_never_be_sent_is_refused_beforehand(self, rig: Rig) -> None:
        with pytest.raises(ContentError):
            await rig.channel.prepare(rig.unsendable())

    async def test_preparing_twice_gives_the_same(self, rig: Rig) -> None:
        content = rig.composed()
        assert await rig.channel.prepare(content) == await rig.channel.prepare(content)

    async def test_a_cancelled_attempt_leaves_the_channel_usable(self, rig: Rig) -> None:
        await rig.find()
        async with serving(rig.channel):
            await ready(rig.channel)
            send = asyncio.create_task(rig.channel.send(rig.good(1)))
            await asyncio.sleep(0)
            send.cancel()
            await asyncio.wait([send], timeout=PATIENCE)
            assert send.done()
            assert isinstance(await rig.channel.send(rig.good(2)), Accepted | Delivered)
            assert await ready(rig.channel) >= 1

    async def test_events_end_when_the_channel_is_closed(self, rig: Rig) -> None:
        await rig.find()

        async def follow() -> None:
            async for _ in rig.channel.batches(10):
                pass

        async with serving(rig.channel):
            following = asyncio.create_task(follow())
            await ready(rig.channel)
        async with asyncio.timeout(PATIENCE):
            await following

    async def test_asking_after_unknown_attempts_does_no_harm(self, rig: Rig) -> None:
        await rig.find()
        async with serving(rig.channel):
            await ready(rig.channel)
            await rig.channel.reconcile(["rw-1-999-1"])
            await rig.channel.acknowledge(["rw-1-999-1"])
            assert isinstance(await rig.channel.send(rig.good(1)), Accepted | Delivered)
