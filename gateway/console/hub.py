"""The live hub: looks at the store while somebody watches, and tells everybody the same."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from store.engine import StoreAwayError

log = logging.getLogger(__name__)

POLL_SECONDS = 0.5
_QUEUE = 8
# A look may take at most this share of the time, so that a large store is not kept busy by its watchers.
_SHARE = 4


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What can be watched: which elements there are, and what stands in them."""

    shape: str
    cells: Mapping[str, str]


@dataclass(eq=False, slots=True)
class Watcher:
    """One open page. `texts` ends with None when the hub lets go of it."""

    texts: asyncio.Queue[str | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))
    dropped: bool = False


class Hub:
    """`run` it in a task; pages `join` and `leave`."""

    def __init__(self, look: Callable[[], Awaitable[Snapshot]], poll_seconds: float = POLL_SECONDS) -> None:
        self._look = look
        self._poll = poll_seconds
        self._watchers: set[Watcher] = set()
        self._watched = asyncio.Event()
        self._last: Snapshot | None = None
        self._away = False
        self.closed = False

    async def run(self) -> None:
        """Look and tell until cancelled; rests while nobody watches."""
        loop = asyncio.get_running_loop()
        while True:
            await self._watched.wait()
            started = loop.time()
            await self._flush()
            await asyncio.sleep(max(self._poll, _SHARE * (loop.time() - started)))

    def join(self) -> Watcher:
        """A new page; it is told everything first, then what changes."""
        watcher = Watcher()
        if self.closed:
            self._drop(watcher)
            return watcher
        if self._last is not None and self._watchers:
            watcher.texts.put_nowait(_text(self._last.shape, self._last.cells))
        else:
            # Nobody watched, so what is remembered is old: the next look tells everything.
            self._last = None
        if self._away:
            watcher.texts.put_nowait(_AWAY)
        self._watchers.add(watcher)
        self._watched.set()
        return watcher

    def leave(self, watcher: Watcher) -> None:
        """The page is gone."""
        self._watchers.discard(watcher)
        if not self._watchers:
            self._watched.clear()

    def close(self) -> None:
        """Let go of every page; the server can then stop."""
        self.closed = True
        for watcher in list(self._watchers):
            self._drop(watcher)

    async def _flush(self) -> None:
        try:
            now = await self._look()
        except StoreAwayError as error:
            self._lost(str(error))
            return
        except Exception as error:
            # A fault of the console must never stop the sending, which runs beside it.
            self._lost(f"a look at the store failed: {type(error).__name__}")
            return
        text = _change(None if self._away else self._last, now)
        self._last, self._away = now, False
        if text is not None:
            self._tell(text)

    def _lost(self, why: str) -> None:
        if not self._away:
            log.warning("console: %s; live pages wait", why)
            self._away = True
            self._tell(_AWAY)

    def _tell(self, text: str) -> None:
        for watcher in list(self._watchers):
            try:
                watcher.texts.put_nowait(text)
            except asyncio.QueueFull:
                watcher.dropped = True
                self._drop(watcher)

    def _drop(self, watcher: Watcher) -> None:
        self.leave(watcher)
        while watcher.texts.full():
            watcher.texts.get_nowait()
        watcher.texts.put_nowait(None)


def _change(before: Snapshot | None, now: Snapshot) -> str | None:
    if before is None or before.shape != now.shape:
        return _text(now.shape, now.cells)
    changed = {key: value for key, value in now.cells.items() if before.cells.get(key) != value}
    return _text(now.shape, changed) if changed else None


def _text(shape: str, cells: Mapping[str, str]) -> str:
    return json.dumps({"shape": shape, "cells": cells}, separators=(",", ":"), ensure_ascii=False)


_AWAY = json.dumps({"away": True})
