"""Own-voice prompts: those kept in the studio, and a folder of WAV files named by prompt."""

from __future__ import annotations

import hashlib
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from voices import wav
from voices.errors import PromptAwayError, PromptError

_NAME = re.compile(r"[\w-]{1,64}")
LARGEST_BYTES = 100 << 20


@dataclass(frozen=True, slots=True)
class Mark:
    """Tells whether a file is still the one that was looked at."""

    inode: int
    size: int
    changed_ns: int


@dataclass(frozen=True, slots=True)
class Recording:
    """A prompt's file; `digest` is empty when the exchange plays it as it is."""

    file: Path
    mark: Mark
    digest: str


class KeptPrompts:
    """What the studio keeps, as it is now: telephone-rate files by name and language."""

    def __init__(self, files: Mapping[tuple[str, str], Path] | None = None) -> None:
        self._files: Mapping[tuple[str, str], Path] = files or {}

    def replace(self, files: Mapping[tuple[str, str], Path]) -> None:
        """From now on these are played."""
        self._files = dict(files)

    def find(self, name: str, language: str) -> Path | None:
        """The recording in this language, in any when none is named; PromptAwayError when it is gone."""
        file = self._files.get((name, language))
        if file is None and not language:
            file = next((found for (known, _), found in sorted(self._files.items()) if known == name), None)
        if file is not None and not file.is_file():
            raise PromptAwayError(f"the recording of prompt {name} is missing from {file.parent}: restore it")
        return file


class PromptFolder:
    """Looks prompts up by name."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder.expanduser() if folder else None
        self._known: dict[str, Recording] = {}

    def known(self, name: str) -> Recording | None:
        """A prompt that was examined and has not changed since; one stat. PromptError if it is gone."""
        file = self._file(name)
        mark = self._mark(name, file)
        recording = self._known.get(name)
        return recording if recording is not None and recording.mark == mark else None

    def examine(self, name: str) -> Recording:
        """Read a prompt's file; blocks. PromptError says which prompt, and what to do."""
        file = self._file(name)
        mark = self._mark(name, file)
        try:
            with file.open("rb") as opened:
                as_it_is = wav.read_format(opened).is_telephone
                opened.seek(0)
                digest = "" if as_it_is else hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError as error:
            raise PromptAwayError(f"prompt {name} cannot be read: {error.strerror} ({file})") from error
        except wav.WavError as error:
            raise PromptError(f"prompt {name} ({file}) {error}") from error
        self._known[name] = Recording(file, mark, digest)
        return self._known[name]

    def _file(self, name: str) -> Path:
        if not _NAME.fullmatch(name):
            raise PromptError(f"{name[:64]!r} is no name of a prompt: use letters, digits, - and _")
        if self._folder is None:
            raise PromptError(
                f"prompt {name} is wanted, but it was not recorded, and no folder is set (voice.prompts)"
            )
        return self._folder / f"{name}.wav"

    def _mark(self, name: str, file: Path) -> Mark:
        try:
            found = file.stat()
        except FileNotFoundError:
            if name in self._known or not any(file.parent.glob("*.wav")):
                # It was there, or nothing is: a share that is not mounted looks like this.
                raise PromptAwayError(f"prompt {name} cannot be read: {file} is not there now") from None
            raise PromptError(f"prompt {name} is missing: record it as {file}") from None
        except OSError as error:
            raise PromptAwayError(f"prompt {name} cannot be read: {error.strerror} ({file})") from error
        return _mark_of(name, file, found)


def _mark_of(name: str, file: Path, found: os.stat_result) -> Mark:
    if not stat.S_ISREG(found.st_mode):
        raise PromptError(f"prompt {name} cannot be read: {file} is not a file")
    if found.st_size > LARGEST_BYTES:
        raise PromptError(f"prompt {name} has {found.st_size >> 20} MB, more than {LARGEST_BYTES >> 20}")
    return Mark(found.st_ino, found.st_size, found.st_mtime_ns)
