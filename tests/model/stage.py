"""A channel without a line: whatever is sent is written down, and ends as somebody says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass

from gateway.domain import Attempt, Channel, Content, Event, Outcome

Sending = Callable[[Channel, Attempt], Awaitable[Outcome]]


@dataclass
class Stage:
    """Has room for everybody; `ends` says what becomes of an attempt."""

    name: Channel
    ends: Sending

    async def run(self) -> None:
        """Nothing to keep up."""

    async def slots(self) -> int:
        """Room for everybody."""
        await asyncio.sleep(0)
        return 1000

    async def prepare(self, content: Content) -> Content:
        """As it is."""
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        """What becomes of it."""
        return await self.ends(self.name, attempt)

    def halt(self) -> None:
        """Nothing waits in here."""

    def proceed(self) -> None:
        """Nothing waits in here."""

    async def hang_up(self) -> None:
        """Nothing to end."""

    async def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """Nothing comes back."""
        for none in ():
            yield none

    async def reconcile(self, attempts: Collection[str]) -> None:
        """Nothing is known."""

    async def acknowledge(self, attempts: Collection[str]) -> None:
        """Nothing is kept."""
