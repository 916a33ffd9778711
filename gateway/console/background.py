"""Work behind the pages: what nobody awaits ends with a line in the log, without the words of an error."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Background:
    """Tasks under way; `what` names the kind of work in the log."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it, whoever waits or not; the task itself never fails."""
        task = asyncio.create_task(self._done(work))
        # The loop itself holds tasks weakly.
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # Cut off before its first step, it would never be closed.
        task.add_done_callback(lambda _: work.close())
        return task

    async def _done(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Exception as error:
            # The message of an exception may quote a row: its kind and place are told, never its words.
            place = traceback.extract_tb(error.__traceback__)[-1]
            log.error("%s ended with %s at %s:%s", self._what, type(error).__name__, place.name, place.lineno)

    async def close(self) -> None:
        """Cut off what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
