"""The folder of recordings: what was spoken or uploaded, and the prompt that was made of it.

Files are named by what is in them, so that nothing from outside becomes a name, a file never changes, and the
same recording is there once. What is written here is on disk before any row of the store names it.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import secrets
import shutil
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from gateway.domain import RingwellError
from gateway.settings import Settings
from voices.errors import RecordingError
from voices.findings import Mastered, read_mastered
from voices.jobs import Master
from voices.workers import RECORDINGS, Workers

_WORK = "work"
# A file is written before the row that names it: what is younger may be about to be named.
_KEEP_SECONDS = 3600.0
_ITEM_SECONDS = 30.0
_WORKERS = 2


class RecordingsFolderError(RingwellError):
    """The folder of recordings cannot be used."""


@dataclass(frozen=True, slots=True)
class Made:
    """A prompt and its files: `audio` names the telephone-rate one, `original` the other."""

    mastered: Mastered
    audio: str
    original: str


class Recordings:
    """Makes prompts of recordings; close it to end its processes."""

    def __init__(self, folder: Path, loudness: float, longest_seconds: float, upload_bytes: int) -> None:
        self.folder = folder
        self._loudness, self._longest, self._most = loudness, longest_seconds, upload_bytes
        self._workers = Workers(_WORKERS, _ITEM_SECONDS, RECORDINGS)

    @classmethod
    def of(cls, settings: Settings) -> Recordings:
        """As the settings say."""
        studio = settings.studio
        return cls(settings.recordings, studio.loudness, studio.longest_seconds, studio.upload_mb << 20)

    def audio(self, name: str) -> Path:
        """The telephone-rate file of a version."""
        return self.folder / f"{name}.wav"

    async def make(self, source: Path) -> Made:
        """The prompt of a recording; no files when nothing is heard. RecordingError says what is wrong."""
        await asyncio.to_thread(self._examine, source)
        output = self.folder / _WORK / f"{secrets.token_hex(8)}.wav"
        # A little longer than a call may record: the exchange rounds up.
        job = Master(str(source), str(output), self._loudness, self._longest + 2)
        try:
            mastered = read_mastered(await self._workers.do(job))
            if not mastered.usable:
                return Made(mastered, "", "")
            return await asyncio.to_thread(self._keep, mastered, source, output)
        finally:
            output.unlink(missing_ok=True)

    def _examine(self, source: Path) -> None:
        try:
            (self.folder / _WORK).mkdir(parents=True, exist_ok=True, mode=0o700)
            size = source.stat().st_size
        except OSError as error:
            raise RecordingsFolderError(f"{error.filename} cannot be used: {error.strerror}") from error
        if not source.is_file():
            raise RecordingError("is not a file")
        if size > self._most:
            raise RecordingError(f"has {size >> 20} MB, more than the {self._most >> 20} allowed")

    def _keep(self, mastered: Mastered, source: Path, output: Path) -> Made:
        audio = _digest(output)
        original = f"{_digest(source)}.{mastered.form}"
        if original == f"{audio}.wav":
            # Uploaded as we would have made it ourselves.
            original = f"{audio}.original.wav"
        _store(output, self.folder / f"{audio}.wav")
        _store(source, self.folder / original)
        _sync(self.folder)
        return Made(mastered, audio, original)

    def sweep(self, needed: Collection[str]) -> int:
        """Remove files that no version names; how many went. Blocks."""
        kept = {f"{name}" if "." in name else f"{name}.wav" for name in needed}
        gone = 0
        for file in (*self.folder.glob("*.*"), *(self.folder / _WORK).glob("*")):
            if file.name not in kept and file.is_file() and _age(file) > _KEEP_SECONDS:
                file.unlink(missing_ok=True)
                gone += 1
        return gone

    async def close(self) -> None:
        """End the processes."""
        await self._workers.close()


def _age(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _digest(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()


def _store(source: Path, target: Path) -> None:
    """A copy that is whole and on disk, or not there."""
    if target.exists():
        # Old as it is, it is needed again.
        os.utime(target)
        return
    draft = target.with_name(f".{secrets.token_hex(8)}.part")
    try:
        with (
            source.open("rb") as reading,
            open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as writing,
        ):
            shutil.copyfileobj(reading, writing)
            writing.flush()
            os.fsync(writing.fileno())
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
