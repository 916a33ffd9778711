"""What the SMSC told us and nobody has recorded yet; each is acknowledged to it once it is on disk."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence

from gateway.domain import Event


class Inbox:
    """Events with what acknowledges them, in order of arrival."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._events: deque[tuple[Event, Callable[[], None]]] = deque()
        self._news = asyncio.Event()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether the SMSC must keep the next one for later."""
        return len(self._events) >= self._most

    def put(self, event: Event, acknowledge: Callable[[], None]) -> None:
        """Keep an event until it was taken."""
        self._events.append((event, acknowledge))
        self._news.set()

    def close(self) -> None:
        """End the iterations; what is not acknowledged comes again with the next bind."""
        self._closed = True
        self._news.set()

    async def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """Up to `most` events at a time, acknowledged when the next batch is asked for."""
        while True:
            while not self._events and not self._closed:
                self._news.clear()
                await self._news.wait()
            if self._closed:
                return
            batch = [event for event, _ in list(self._events)[:most]] if most > 1 else [self._events[0][0]]
            yield batch
            for _ in batch:
                self._events.popleft()[1]()
