"""The journal: what the consent ledger says, once more, in a file beside the database.

A backup of the database is older than what people said since. After it was restored, the ledger is completed
from the journal before anything leaves, and everything waits until somebody has looked (`ringwell resume`).
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from gateway.domain import RingwellError
from gateway.link import StoreLink
from store import journal as records
from store.journal import Record

log = logging.getLogger(__name__)

BATCH = 500
LOOK_SECONDS = 1.0


class JournalError(RingwellError):
    """The journal cannot be read; nothing is sent until somebody has looked."""


class Journal:
    """A file of one record a line, synced to disk before anybody is told; only its owner may read it."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def last(self) -> Record | None:
        """The last record; what a crash left of half a line is cut off."""
        if not self.file.exists():
            return None
        with self.file.open("r+b") as lines:
            end = _whole(lines.fileno())
            lines.truncate(end)
            os.fsync(lines.fileno())
            if not end:
                return None
            lines.seek(_line_before(lines.fileno(), end - 1))
            return _read(lines.readline())

    def append(self, new: Iterable[Record]) -> None:
        """Write records; they are on disk when this returns, or nothing of them is when it raises OSError."""
        fresh = not self.file.exists()
        left = memoryview(b"".join(map(_written, new)))
        file = os.open(self.file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            size = os.fstat(file).st_size
            try:
                while left:
                    left = left[os.write(file, left) :]
                os.fsync(file)
            except OSError:
                # Half a line would be glued to the next one.
                os.ftruncate(file, size)
                raise
        finally:
            os.close(file)
        if fresh:
            _sync_folder(self.file.parent)

    def batches(self) -> Iterator[list[Record]]:
        """All records, so many at a time."""
        with self.file.open("rb") as lines:
            found = (_read(line) for line in lines if line.endswith(b"\n"))
            while batch := list(islice(found, BATCH)):
                yield batch

    def become(self, other: Journal) -> None:
        """Take the place of this one."""
        other.file.replace(self.file)
        _sync_folder(self.file.parent)


def _written(record: Record) -> bytes:
    return json.dumps(record.as_data(), separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def _read(line: bytes) -> Record:
    try:
        return Record(**json.loads(line))
    except (ValueError, TypeError) as error:
        raise JournalError(
            "the journal of consent is damaged: what it says cannot be compared with the database. Move it "
            "out of the instance folder, and compare both by hand (docs/consent.md)"
        ) from error


_BLOCK = 1 << 16


def _whole(file: int) -> int:
    """Where the last whole line ends."""
    size = os.fstat(file).st_size
    return size if not size or os.pread(file, 1, size - 1) == b"\n" else _line_before(file, size)


def _line_before(file: int, end: int) -> int:
    """Where the line begins that goes up to `end`."""
    while end > 0:
        start = max(0, end - _BLOCK)
        if (found := os.pread(file, end - start, start).rfind(b"\n")) >= 0:
            return start + found + 1
        end = start
    return 0


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Scribe:
    """Keeps the journal of a clinic's ledger: completes the ledger once, then follows it until cancelled."""

    def __init__(self, link: StoreLink, clinic: int, folder: Path) -> None:
        self._link, self._clinic = link, clinic
        self._journal = Journal(folder / f"consent-{clinic}.journal")
        self._last: Record | None = None
        self._said = False

    async def catch_up(self) -> int:
        """Take back what the ledger lacks, before anything leaves; how much that was."""
        self._last = await asyncio.to_thread(self._journal.last)
        return await self._look()

    async def run(self) -> None:
        """Write down what is new, again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self._look()

    async def _look(self) -> int:
        if not await self._is_current():
            return await self._restore()
        await self._try_to(self._follow)
        return 0

    async def _try_to(self, write: Callable[[], Awaitable[None]]) -> None:
        """A full disk holds up nothing but the journal; it is told once."""
        try:
            await write()
            self._said = False
        except OSError as error:
            if not self._said:
                log.error("the journal of consent cannot be written: %s", error.strerror)
            self._said = True

    async def _is_current(self) -> bool:
        """Whether the ledger has our last record where we saw it: then it has all before it, too."""
        if self._last is None:
            return True
        last, store = self._last, self._link.store
        known = await self._link.patiently(lambda: store.read(records.known, self._clinic, [last.key]))
        return known.get(last.key) == last.number

    async def _restore(self) -> int:
        lacking = 0
        batches = self._journal.batches()
        while batch := await asyncio.to_thread(next, batches, None):
            lacking += await self._link.insist(
                records.take_back, self._clinic, batch, self._link.store.clock()
            )
        if not self._said:
            log.warning(
                "the consent ledger is older than its journal: %d entries were taken back%s",
                lacking,
                "; everything is stopped until 'ringwell resume'" if lacking else "",
            )
        await self._try_to(self._write_anew)
        return lacking

    async def _write_anew(self) -> None:
        """Numbers are others now: the journal becomes what the ledger says."""
        anew = Journal(self._journal.file.with_suffix(".part"))
        with suppress(FileNotFoundError):
            anew.file.unlink()
        before, self._last = self._last, None
        try:
            await self._follow(anew)
            await asyncio.to_thread(self._journal.become, anew)
        except OSError:
            # The journal is still the old one, and is looked at again.
            self._last = before
            raise

    async def _follow(self, into: Journal | None = None) -> None:
        store, journal = self._link.store, into or self._journal
        while True:
            after = self._last.number if self._last else 0
            new = await self._link.patiently(
                lambda after=after: store.read(records.since, self._clinic, after, BATCH)  # type: ignore[misc]
            )
            if not new:
                return
            await asyncio.to_thread(journal.append, new)
            self._last = new[-1]
