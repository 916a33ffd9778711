"""An orderly stop: what is under way may end, for a while; a second signal ends it at once."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.dispatch import Dispatcher
from gateway.domain import LiveCall

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Draining:
    """What a stop waits for: attempts of the dispatchers, and people who called us, `seconds` at most."""

    dispatchers: Sequence[Dispatcher]
    calls: Callable[[], Awaitable[Sequence[LiveCall]]] | None
    seconds: float

    async def run(self, at_once: asyncio.Event) -> None:
        """Wait until all have ended, the time is over, or `at_once` is set; the rest is cut off."""
        attempts, callers = sum(one.under_way for one in self.dispatchers), len(await self._callers())
        words = "stopping: %d attempts and %d people who called may end, %.0f s at most"
        log.info(words + "; a second signal ends them at once", attempts, callers, self.seconds)
        waiting = asyncio.ensure_future(self._ended())
        told = asyncio.create_task(at_once.wait())
        await asyncio.wait({waiting, told}, return_when=asyncio.FIRST_COMPLETED)
        for task in (waiting, told):
            task.cancel()
        left = sum(one.under_way for one in self.dispatchers)
        if left or await self._callers():
            log.warning("stopping now: %d attempts are cut off and looked for after the next start", left)
        await asyncio.gather(*(one.drain(0) for one in self.dispatchers))

    async def _ended(self) -> None:
        drained = asyncio.gather(*(one.drain(self.seconds) for one in self.dispatchers))
        try:
            async with asyncio.timeout(self.seconds):
                while await self._callers():  # noqa: ASYNC110
                    await asyncio.sleep(LOOK_SECONDS)
        except TimeoutError:
            log.debug("people who called are still on the line")
        await drained

    async def _callers(self) -> Sequence[LiveCall]:
        return [call for call in await self.calls() if call.back] if self.calls else []
