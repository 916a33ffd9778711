"""A running EmailChannel and mails for it, as the tests of mail need them."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from gateway.channels.email import EmailChannel
from gateway.domain import Attempt, Mail, Retry, RetryKind
from gateway.settings import Relay
from tests.channels.contract import serving

LINE_DOWN = Retry(RetryKind.LINE_DOWN, "relay-down", charged=False)


@asynccontextmanager
async def started(
    port: int, tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[EmailChannel]:
    """A channel whose `run` is under way."""
    usual: dict[str, Any] = {"port": port, "security": "none", "connections": 2}
    channel = EmailChannel({"main": Relay(**(usual | settings))}, "Example Clinic", tls)
    async with serving(channel):
        yield channel


@asynccontextmanager
async def running(*args: Any, **settings: Any) -> AsyncIterator[EmailChannel]:
    """A channel that reached its relay."""
    async with started(*args, **settings) as channel:
        async with asyncio.timeout(60):
            await channel.slots()
        yield channel


@asynccontextmanager
async def reaching(channel: EmailChannel) -> AsyncIterator[None]:
    """While it lasts the channel runs, and reached a relay."""
    async with serving(channel):
        async with asyncio.timeout(60):
            await channel.slots()
        yield


def mail(number: int = 1, to: str = "jane@home.example", **changes: Any) -> Attempt:
    usual = {"subject": "Your visit", "text": "Dear Jane", "html": "<p>Dear Jane</p>", "to_name": "Jane Doe"}
    return Attempt(1, number, 1, to, Mail(**(usual | changes)))


async def down(channel: EmailChannel) -> bool:
    """Whether nothing may start now."""
    try:
        async with asyncio.timeout(0.05):
            await channel.slots()
    except TimeoutError:
        return True
    return False


def errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an administrator was told, without what aiosmtpd says on its side."""
    ours = [record for record in caplog.records if record.name.startswith("gateway")]
    return [record.getMessage() for record in ours if record.levelno == logging.ERROR]
