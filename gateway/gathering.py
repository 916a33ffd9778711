"""Waiting a moment for more: what goes to disk together costs a fraction of what it costs one by one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

# The other side waits meanwhile for its acknowledgements. Where its window is small nothing more comes
# and the first step is the last.
LONGEST_SECONDS, STEP_SECONDS = 0.012, 0.003


async def gather_more(count: Callable[[], int], enough: int) -> None:
    """Return once nothing has been added for a step, there is `enough`, or the time is over."""
    now = asyncio.get_running_loop().time
    until, before = now() + LONGEST_SECONDS, 0
    while before < (waiting := count()) < enough and now() < until:
        before = waiting
        await asyncio.sleep(STEP_SECONDS)
