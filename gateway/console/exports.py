"""Exports of the history: made in the background with their progress, kept for an hour, for whoever asked."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import Connection

from gateway.console import rows
from gateway.console.background import Background
from gateway.console.sheets import KINDS, MOST
from gateway.console.words import Say
from gateway.domain import RingwellError
from store import overview, searching
from store.engine import Store
from store.searching import Search

KEEP_SECONDS = 3600
AT_ONCE = 2
PAGE = 500
# Everything that a search gets in one look at the store.
_LOOK_SECONDS = 0.2
HEADS = (
    "Number",
    "Recipient",
    "Channel",
    "Address",
    "Broadcast",
    "Status",
    "Attempts",
    "Updated",
    "Why",
    "State",
)


class BusyError(RingwellError):
    """As many exports as may be are being made."""


@dataclass(slots=True)
class Export:
    """A file that is being made, or lies there. `top`: the number from which it goes down."""

    token: str
    account: int
    kind: str
    path: Path
    top: int = 0
    at: int = 0
    count: int = 0
    done: bool = False
    failed: bool = False
    cut: bool = False
    ended: float = 0.0

    @property
    def percent(self) -> int:
        """How far it is, by the numbers that it has gone through."""
        if self.done:
            return 100
        return min(99, int(100 * (self.top - self.at) / self.top)) if self.top else 0


@dataclass(slots=True)
class Exports:
    """Those of this process. `folder`: of the instance; what an earlier process left there is removed."""

    folder: Path
    _known: dict[str, Export] = field(default_factory=dict)
    _work: Background = field(default_factory=lambda: Background("an export"))

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    def find(self, token: str, account: int) -> Export | None:
        """An export of this user; nobody else's."""
        self._forget()
        found = self._known.get(token)
        return found if found is not None and found.account == account else None

    def begin(self, account: int, kind: str, work: Work) -> Export:
        """Start making a file; BusyError when enough are being made."""
        self._forget()
        going = [one for one in self._known.values() if not (one.done or one.failed)]
        if len(going) >= AT_ONCE or any(one.account == account for one in going):
            raise BusyError("An export is being made already: wait until it is done.")
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        token = secrets.token_urlsafe(16)
        made = Export(token, account, kind, self.folder / f"{token}.{kind}")
        self._known[token] = made
        self._work.begin(self._make(made, work))
        return made

    async def _make(self, made: Export, work: Work) -> None:
        try:
            await work.run(made)
            made.done = True
        finally:
            made.failed = not made.done
            made.ended = time.monotonic()
            if made.failed:
                made.path.unlink(missing_ok=True)
            asyncio.get_running_loop().call_later(KEEP_SECONDS + 1, self._forget)

    def _forget(self) -> None:
        for token, one in list(self._known.items()):
            if one.ended and time.monotonic() - one.ended > KEEP_SECONDS:
                one.path.unlink(missing_ok=True)
                del self._known[token]


@dataclass(frozen=True, slots=True)
class Work:
    """What is exported, in whose words."""

    store: Store
    clinic: int
    wanted: Search
    zone: ZoneInfo
    say: Say
    title: str

    async def run(self, made: Export) -> None:
        """Write all rows, a page of them at a time, so that others have their turn."""
        names = await self.store.read(_names, self.clinic)
        made.top = made.at = await self.store.read(searching.newest, self.clinic)
        most = MOST.get(made.kind)
        os.close(os.open(made.path, os.O_CREAT | os.O_WRONLY, 0o600))
        heads = [self.say(head) for head in HEADS]
        with KINDS[made.kind](made.path, heads, self.title) as sheet:
            before: int | None = None
            while True:
                left = PAGE if most is None else min(PAGE, most - made.count)
                found, before = await self.store.read(_page, self.clinic, self, names, left, before)
                await asyncio.to_thread(sheet.add, found)
                made.count += len(found)
                made.at = before or 0
                if before is None:
                    return
                if most is not None and made.count >= most:
                    made.cut = True
                    return


def _names(conn: Connection, clinic: int) -> dict[int, str]:
    return {one.id: one.name for one in overview.headings(conn, clinic, 100_000)}


def _page(
    conn: Connection, clinic: int, work: Work, names: dict[int, str], most: int, before: int | None
) -> tuple[Sequence[Sequence[Any]], int | None]:
    """Rows as they stand in the file, and from where to go on; None: that was all."""
    found = searching.page(conn, clinic, work.wanted, most, before, seconds=_LOOK_SECONDS)
    cells = [
        _cells(rows.plain_row(entry, names.get(entry.broadcast, ""), work.zone, work.say))
        for entry in found.entries
    ]
    if found.further is not None:
        return cells, found.further
    return cells, found.entries[-1].id if len(found.entries) == most else None


def _cells(row: rows.Row) -> Sequence[object]:
    broadcast = row.broadcast_name or str(row.broadcast or "")
    named = (row.id, row.name, row.channel, row.address, broadcast, row.chip.word)
    return (*named, row.attempts, row.updated, row.why, row.state)
