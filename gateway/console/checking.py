"""The doctor in the background: one run at a time, with its progress; what it found is kept."""

from __future__ import annotations

import asyncio

from gateway.console.background import Background
from gateway.console.running import Running
from gateway.settings import Settings
from store import checkups
from store.checkups import Checkup
from store.engine import Store


class Doctor:
    """Of this gateway."""

    def __init__(self, store: Store, settings: Settings, running: Running) -> None:
        self._store, self._running = store, running
        self._clinic, self._node = settings.clinic.id, settings.node
        self._work = Background("the doctor's look")
        self._task: asyncio.Task[None] | None = None
        self._done, self._of = 0, 0

    @property
    def progress(self) -> tuple[int, int] | None:
        """How many looks are done, of how many; None while it does not run."""
        return (self._done, self._of) if self._task is not None and not self._task.done() else None

    def begin(self, by: str) -> bool:
        """Look at everything; False when that is under way already."""
        if self.progress is not None:
            return False
        self._done, self._of = 0, 0
        self._task = self._work.begin(self._run(by))
        return True

    def close(self) -> None:
        """Look at nothing any more."""
        if self._task is not None:
            self._task.cancel()

    async def _run(self, by: str) -> None:
        found = await self._running.examine(self._heard)
        now = self._store.clock()
        await self._store.run(checkups.keep, self._clinic, self._node, by, found, now)

    def _heard(self, done: int, of: int) -> None:
        self._done, self._of = done, of

    async def last(self) -> Checkup | None:
        """What was found last; None before the first time."""
        return await self._store.read(checkups.last, self._clinic, self._node)
