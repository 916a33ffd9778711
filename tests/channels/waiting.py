"""Waiting for a condition, with a deadline and never with a guess."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def until(condition: Callable[[], object], seconds: float = 60.0) -> None:
    """Return once the condition holds; TimeoutError when it never does."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def until_true(ask: Callable[[], Awaitable[object]], seconds: float = 60.0) -> None:
    """Return once the answer is yes; TimeoutError when it never is."""
    async with asyncio.timeout(seconds):
        while not await ask():  # noqa: ASYNC110
            await asyncio.sleep(0.1)
