"""What a page shows or plays of a message that is being written: files under names that tell nothing."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections.abc import Callable
from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{32}\.(html|wav)")
_KEEP_SECONDS = 86_400.0


class Previews:
    """A folder of them; whatever nobody looked at for a day is removed. Blocks, and raises OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.expanduser().absolute()

    def keep(self, told: bytes, ending: str, write: Callable[[Path], None]) -> str:
        """The name of the file that shows exactly this; `write` makes it unless it is there."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        name = f"{hashlib.blake2b(told, digest_size=16).hexdigest()}.{ending}"
        file = self._folder / name
        if file.exists():
            file.touch()
            return name
        part = self._folder / f".{secrets.token_hex(8)}.part"
        try:
            write(part)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)
        return name

    def find(self, name: str) -> Path | None:
        """The file of a name."""
        file = self._folder / name
        return file if _NAME.fullmatch(name) and file.is_file() else None

    def _sweep(self) -> None:
        before = time.time() - _KEEP_SECONDS
        for file in self._folder.iterdir():
            try:
                if file.stat().st_mtime < before:
                    file.unlink(missing_ok=True)
            except FileNotFoundError:
                continue
