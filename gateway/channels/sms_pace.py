"""How many submits may be under way, how many a second, and when none at all."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable


class Bucket:
    """Tokens that grow with time; who takes one too many learns how long to wait for it."""

    # At most this part of a second's texts may leave at once after a quiet time.
    BURST = 0.1

    def __init__(self, per_second: float, clock: Callable[[], float]) -> None:
        self._rate = per_second
        self._most = max(1.0, per_second * self.BURST)
        self._clock = clock
        self._tokens = self._most
        self._at = clock()

    def available(self) -> int:
        """Whole tokens there now; negative while others wait for theirs."""
        now = self._clock()
        self._tokens = min(self._most, self._tokens + (now - self._at) * self._rate)
        self._at = now
        return int(self._tokens // 1)

    def take(self) -> float:
        """Take one; seconds until it is really there (0.0: now)."""
        self.available()
        self._tokens -= 1
        return 0.0 if self._tokens >= 0 else -self._tokens / self._rate

    def delay(self) -> float:
        """Seconds until a whole token is there."""
        return 0.0 if self.available() >= 1 else (1 - self._tokens) / self._rate


class Pace:
    """The window, the rate and the pauses of one bind."""

    PAUSE_FIRST = 1.0
    PAUSE_MOST = 60.0
    # Asked to wait for so long, others of the channel's binds are used.
    PAUSE_LONG = 5.0

    def __init__(self, window: int, per_second: float, changed: asyncio.Event | None = None) -> None:
        """`changed` is set whenever `room` may have grown."""
        self._clock = asyncio.get_running_loop().time
        self._window = window
        self._free = window
        self._queue: deque[asyncio.Future[None]] = deque()
        self._bucket = Bucket(per_second, self._clock)
        self._changed = changed or asyncio.Event()
        self._paused_until = self._paused_at = 0.0
        self._pause = self.PAUSE_FIRST
        self._wary = False

    @property
    def busy(self) -> int:
        """How many submits are under way."""
        return self._window - self._free

    @property
    def paused(self) -> bool:
        """Whether the SMSC asked us to wait and that time is not over."""
        return self._clock() < self._paused_until

    @property
    def paused_long(self) -> bool:
        """Whether the pause is one that others should not wait for."""
        return self.paused and self._paused_until - self._paused_at >= self.PAUSE_LONG

    def room(self) -> int:
        """How many submits may start at once."""
        if self.paused:
            return 0
        free = self._free - len(self._queue)
        if self._wary:
            # After a pause one submit goes ahead, and the others wait for its response.
            free = 1 if free == self._window else 0
        return max(0, min(free, self._bucket.available()))

    def delay(self) -> float:
        """Seconds until `room` grows by itself; 0.0: only an answer makes room."""
        return max(0.0, self._paused_until - self._clock(), self._bucket.delay())

    async def enter(self) -> None:
        """Take a place in the window and a token; in the order of asking."""
        if self._free and not self._queue:
            self._free -= 1
        else:
            await self._stand_in_line()
        if delay := self._bucket.take():
            try:
                await asyncio.sleep(delay)
            except asyncio.CancelledError:
                self.leave()
                raise

    async def _stand_in_line(self) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to the next in line."""
        self._changed.set()
        while self._queue:
            place = self._queue.popleft()
            if not place.done():
                place.set_result(None)
                return
        self._free += 1

    def hold(self) -> float:
        """Pause, longer each time until `flow`, unless paused already; seconds that are left of it."""
        now = self._clock()
        self._wary = True
        if now >= self._paused_until:
            self._paused_at = now
            self._paused_until = now + self._pause * random.uniform(0.75, 1.25)
            self._pause = min(self._pause * 2, self.PAUSE_MOST)
        return self._paused_until - now

    def flow(self) -> None:
        """The SMSC takes messages: the next pause is a short one again."""
        self._pause = self.PAUSE_FIRST
        self._wary = False
