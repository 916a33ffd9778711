"""A running SmsChannel and texts for it, as the tests of texts need them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from gateway.channels.sms import SmsChannel
from gateway.domain import (
    Attempt,
    Outcome,
    Text,
)
from gateway.settings import Bind


@asynccontextmanager
async def running(port: int, **settings: Any) -> AsyncIterator[SmsChannel]:
    """A channel that is bound, and unbinds in the end."""
    channel = SmsChannel([Bind(port=port, **({"window": 10, "per_second": 10_000.0} | settings))])
    run = asyncio.create_task(channel.run())
    try:
        async with asyncio.timeout(60):
            await channel.slots()
        yield channel
    finally:
        run.cancel()
        await asyncio.wait([run])


def text(number: int = 1, body: str = "See you on Monday", **changes: Any) -> Attempt:
    usual: dict[str, Any] = {"clinic": 1, "message": number, "number": 1, "address": "+12125550000"}
    return Attempt(**(usual | {"content": Text(body)} | changes))


def begin(channel: SmsChannel, *args: Any, **changes: Any) -> asyncio.Task[Outcome]:
    return asyncio.create_task(channel.send(text(*args, **changes)))


async def down(channel: SmsChannel) -> bool:
    """Whether nothing may start now."""
    try:
        async with asyncio.timeout(0.05):
            await channel.slots()
    except TimeoutError:
        return True
    return False
