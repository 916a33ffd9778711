"""The store, patiently: when the database is away this says so once, waits, and goes on when it is back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from store.engine import Store, StoreAwayError, Work

P = ParamSpec("P")
T = TypeVar("T")
log = logging.getLogger(__name__)


class StoreLink:
    """Wraps a Store for work that must happen sooner or later and may safely be done twice."""

    def __init__(self, store: Store, pause: float = 0.5) -> None:
        self.store = store
        self._pause = pause
        # Whose work does not go through. On a full disk that of others, who only look, still does.
        self._away: set[object] = set()

    async def insist(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work` in a transaction, again and again until the database takes it."""
        return await self.patiently(lambda: self.store.run(work, *args, **kwargs))

    async def patiently(self, doing: Callable[[], Awaitable[T]]) -> T:
        """Await what `doing` returns, again and again until the database is there for it."""
        who = object()
        try:
            while True:
                try:
                    done = await doing()
                except StoreAwayError as error:
                    await self.wait(error, who)
                else:
                    self.back(who)
                    return done
        finally:
            self._away.discard(who)

    async def wait(self, error: StoreAwayError, who: object) -> None:
        """Say the loss once, however many suffer from it, then pause."""
        if not self._away:
            log.error("%s; nothing is sent until it is back", error)
        self._away.add(who)
        await asyncio.sleep(self._pause)

    def back(self, who: object) -> None:
        """The work of `who` went through."""
        if who in self._away:
            self._away.remove(who)
            if not self._away:
                log.warning("the database is back")
