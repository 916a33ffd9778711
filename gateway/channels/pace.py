"""How many calls a trunk may carry at once and begin in a second, and its pauses after a refusal."""

from __future__ import annotations

import asyncio
import logging

log = logging.getLogger(__name__)

# A burst of this many seconds' calls evens out a dispatcher that works in batches.
BURST_SECONDS = 0.2
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)


class Pace:
    """A token bucket over a count of free lines; used on one event loop."""

    def __init__(self, name: str, most: int, per_second: float) -> None:
        self._name = name
        self._most, self._per_second = most, per_second
        self._depth = max(1.0, per_second * BURST_SECONDS)
        self._tokens = self._depth
        self._filled_at = 0.0
        self._busy = 0
        self._left = asyncio.Event()
        self._refusals = 0
        self._paused_until = 0.0

    async def free(self) -> int:
        """Wait until a call may begin, and say how many may."""
        while True:
            wait = self._pause()
            if wait == 0 and self._busy < self._most:
                self._fill()
                if self._tokens >= 1:
                    # A trunk that refused is tried with one call.
                    return 1 if self._refusals else min(self._most - self._busy, int(self._tokens))
                wait = (1 - self._tokens) / self._per_second
            await self._sleep(wait)

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            await asyncio.sleep(seconds)
        else:
            self._left.clear()
            await self._left.wait()

    def _pause(self) -> float:
        return max(0.0, self._paused_until - _now())

    def _fill(self) -> None:
        now = _now()
        self._tokens = min(self._depth, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now

    def enter(self) -> None:
        """A call begins."""
        self._fill()
        self._busy += 1
        self._tokens -= 1

    def leave(self) -> None:
        """A call is over."""
        self._busy -= 1
        self._left.set()

    def refused(self, cause: str) -> None:
        """The trunk took no call: nothing begins for a while, longer each time."""
        if self._pause() > 0:
            return  # one of several calls that the same outage ended
        if not self._refusals:
            log.error("%s takes no calls (%s); they wait and are not counted", self._name, cause)
        self._paused_until = _now() + PAUSES[min(self._refusals, len(PAUSES) - 1)]
        self._refusals += 1

    def taken(self) -> None:
        """The trunk took a call."""
        if self._refusals:
            log.warning("%s takes calls again", self._name)
        self._refusals = 0
        self._paused_until = 0.0


def _now() -> float:
    return asyncio.get_running_loop().time()
