"""How many calls a trunk may carry at once and begin in a second, and its pauses after a refusal."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress

from gateway.channels.voice_causes import FORBIDDEN, REFUSES_US, with_evidence
from gateway.domain import Outcome, Retry, RetryKind

log = logging.getLogger(__name__)

# A burst of this many seconds' calls evens out a dispatcher that works in batches.
BURST_SECONDS = 0.2
PAUSES = (1.0, 2.0, 5.0, 10.0, 20.0)
# So many numbers forbidden, and none taken between: then it is not the numbers.
FORBIDDEN_IN_A_ROW = 3
# So many calls refused, and none taken between or a moment before: then it is the trunk.
REFUSED_IN_A_ROW = 3
ALIVE_SECONDS = 5.0
# A trunk that refused gets one call in this time until it has taken one.
TRIAL_SECONDS = 2.0


class Pace:
    """A token bucket over a count of free lines, for all channels of one trunk; used on one event loop."""

    def __init__(self, name: str, most: int, per_second: float, kept_free: int = 0) -> None:
        """`kept_free`: so many of its lines stay free for people who call in."""
        self._name = name
        self._most, self._per_second = most, per_second
        self._kept_free, self._callers = kept_free, 0
        self._depth = max(1.0, per_second * BURST_SECONDS)
        self._tokens = self._depth
        self._filled_at = 0.0
        self._busy = 0
        self._left = asyncio.Event()
        self._refusals = self._in_a_row = 0
        self._taken_at = float("-inf")
        self._paused_until = self._trial_until = 0.0
        self._forbidden: set[str] = set()
        self.off = False
        # Why it refused last, as long as it does.
        self.why = ""

    @property
    def refuses(self) -> bool:
        """Whether it refused a call lately; with room, it is to be tried with one."""
        return self._refusals > 0

    @property
    def busy(self) -> int:
        """How many calls are under way."""
        return self._busy

    def switch(self, on: bool) -> None:
        """Nothing begins while it is off; what is under way goes on."""
        self.off = not on
        self._left.set()

    def keep(self, callers: int) -> None:
        """So many people are calling in over this trunk now."""
        self._callers = callers
        self._left.set()

    async def free(self) -> int:
        """Wait until a call may begin, and say how many may."""
        while not (room := self.room()):
            await self._change()
        return room

    def room(self) -> int:
        """How many calls may begin now."""
        if self._pause() > 0:
            return 0
        self._fill()
        if self.off:
            return 0
        lines = self._most - max(self._kept_free, self._callers) - self._busy
        room = max(0, min(lines, int(self._tokens)))
        # A trunk that refused is tried with one call.
        return min(room, 1) if self.refuses else room

    async def _change(self) -> None:
        """Wait for what comes first: a token, the end of a pause, or a line that is left."""
        wait = max(self._pause(), (1 - self._tokens) / self._per_second)
        self._left.clear()
        with suppress(TimeoutError):
            async with asyncio.timeout(wait if wait > 0 else None):
                await self._left.wait()

    def _pause(self) -> float:
        return max(0.0, max(self._paused_until, self._trial_until) - _now())

    def _fill(self) -> None:
        now = _now()
        self._tokens = min(self._depth, self._tokens + (now - self._filled_at) * self._per_second)
        self._filled_at = now

    def enter(self) -> None:
        """A call begins; there must be room for it."""
        self._busy += 1
        self._tokens -= 1
        if self.refuses:
            self._trial_until = _now() + TRIAL_SECONDS

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
            self._in_a_row += 1
            # One of many calls at once: the trunk is alive, and this number may be at fault.
            if self._in_a_row >= REFUSED_IN_A_ROW or self._taken_at < _now() - ALIVE_SECONDS:
                self.refused(outcome.cause)
        else:
            self.taken()
        return outcome

    def refused(self, cause: str) -> None:
        """The trunk took no call: nothing begins for a while, longer each time."""
        if self._paused_until > _now():
            return  # one of several calls that the same outage ended
        if not self._refusals:
            log.error("%s takes no calls (%s); they wait and are not counted", self._name, cause)
        self._paused_until = _now() + PAUSES[min(self._refusals, len(PAUSES) - 1)]
        self._refusals += 1
        self.why = cause

    def taken(self) -> None:
        """The trunk took a call."""
        if self._refusals:
            log.warning("%s takes calls again", self._name)
        self._refusals = self._in_a_row = 0
        self._taken_at = _now()
        self._paused_until = self._trial_until = 0.0
        self._forbidden.clear()
        self._left.set()


def _now() -> float:
    return asyncio.get_running_loop().time()
