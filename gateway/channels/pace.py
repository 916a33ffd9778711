"""How many calls a trunk may carry at once and begin in a second, and its pauses after a refusal."""

from __future__ import annotations

import asyncio
import logging

from gateway.channels.voice_causes import FORBIDDEN, REFUSES_US, with_evidence
from gateway.domain import Outcome, Retry, RetryKind
from gateway.settings import Trunk

log = logging.getLogger(__name__)

# A burst of this many seconds' calls evens out a dispatcher that works in batches.
BURST_SECONDS = 0.2
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)
# How long a started call waits for a line that the trunk's other channel was quicker to take.
ENTER_SECONDS = 5.0
# So many numbers forbidden, and none taken between: then it is not the numbers.
FORBIDDEN_IN_A_ROW = 3


class Pace:
    """A token bucket over a count of free lines, for all channels of one trunk; used on one event loop."""

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
        self._forbidden: set[str] = set()

    async def free(self) -> int:
        """Wait until a call may begin, and say how many may."""
        await self._room()
        # A trunk that refused is tried with one call.
        return 1 if self._refusals else min(self._most - self._busy, int(self._tokens))

    async def _room(self) -> None:
        while True:
            wait = self._pause()
            if wait == 0 and self._busy < self._most:
                self._fill()
                if self._tokens >= 1:
                    return
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

    async def enter(self, seconds: float = ENTER_SECONDS) -> bool:
        """A call begins; False when there was no room for it within this time."""
        try:
            async with asyncio.timeout(seconds):
                await self._room()
        except TimeoutError:
            return False
        self._busy += 1
        self._tokens -= 1
        return True

    def leave(self) -> None:
        """A call is over."""
        self._busy -= 1
        self._left.set()

    def heard(self, outcome: Outcome, address: str) -> Outcome:
        """Learn from how a call went; many numbers forbidden in a row become a refusal of all of us."""
        if outcome.cause == FORBIDDEN.cause:
            self._forbidden.add(address)
            if len(self._forbidden) < FORBIDDEN_IN_A_ROW:
                return outcome
            outcome = with_evidence(REFUSES_US, outcome.evidence)
        if isinstance(outcome, Retry) and outcome.kind is RetryKind.LINE_DOWN:
            self.refused(outcome.cause)
        else:
            self.taken()
        return outcome

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
        self._forbidden.clear()


class Share:
    """One channel's part of a trunk: at most so many of its calls at once."""

    def __init__(self, trunk: Pace, most: int) -> None:
        self.trunk = trunk
        self._most = most
        self._busy = 0
        self._left = asyncio.Event()

    async def free(self) -> int:
        """Wait until a call of this channel may begin, and say how many may."""
        while self._busy >= self._most:
            self._left.clear()
            await self._left.wait()
        return min(self._most - self._busy, await self.trunk.free())

    async def enter(self) -> bool:
        """A call begins; False when the trunk had no room for it."""
        entered = await self.trunk.enter()
        self._busy += entered
        return entered

    def leave(self) -> None:
        """A call is over."""
        self._busy -= 1
        self._left.set()
        self.trunk.leave()


def trunk_pace(trunk: Trunk) -> Pace:
    """How many calls and faxes together this trunk may carry and begin."""
    return Pace("the trunk", trunk.max_calls, trunk.calls_per_second)


def _now() -> float:
    return asyncio.get_running_loop().time()
