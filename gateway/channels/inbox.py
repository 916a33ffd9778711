"""What came in over a line and nobody has recorded yet; one for each channel.

An event is forgotten here, and acknowledged to whoever sent it, only when the next batch is asked for: that
says it is on disk. One that was taken by somebody who then died is told again to whoever asks next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from itertools import islice

from gateway.domain import Event
from gateway.gathering import gather_more


class Inbox:
    """Events in order of arrival, each with what acknowledges it where the protocol wants that."""

    def __init__(self, most: int | None = None) -> None:
        """`most`: how many may wait before the inbox is full."""
        self._most = most
        self._events: deque[tuple[Event, Callable[[], None] | None]] = deque()
        self._news = asyncio.Event()
        self._closed = False

    def __len__(self) -> int:
        return len(self._events)

    @property
    def full(self) -> bool:
        """Whether the sender must keep the next one for later."""
        return self._most is not None and len(self._events) >= self._most

    def put(self, event: Event, acknowledge: Callable[[], None] | None = None) -> None:
        """Keep an event until it was taken."""
        self._events.append((event, acknowledge))
        self._news.set()

    def close(self) -> None:
        """End the iterations; what is not acknowledged is the sender's to tell again."""
        self._closed = True
        self._news.set()

    async def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """What is waiting, up to `most` events at a time; see gateway.channels.port."""
        while True:
            while not self._events and not self._closed:
                self._news.clear()
                await self._news.wait()
            await gather_more(self.__len__, most)
            if self._closed:
                return
            batch = [event for event, _ in islice(self._events, most)]
            yield batch
            self._forget(len(batch))

    def _forget(self, count: int) -> None:
        for _ in range(count):
            _, acknowledge = self._events.popleft()
            if acknowledge is not None:
                acknowledge()
