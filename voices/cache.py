"""Rendered sounds under names that say nothing of what is in them, the least used removed."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import secrets
import time
from pathlib import Path

from voices.errors import RenderError

log = logging.getLogger(__name__)

# A sound is marked as used by the time of its file, at most this often ...
_MARK_SECONDS = 600.0
# ... and never removed within an hour of its use: a call may be playing it, or about to.
KEEP_SECONDS = 3600.0 + _MARK_SECONDS
_OURS = re.compile(r"[0-9a-f]{32}\.wav|\.(key|[0-9a-f]{32})\.[0-9a-f]{8}\.part")


class SoundCache:
    """A folder of sounds that several processes may share."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder, self.limit = folder, limit
        self._key: bytes | None = None

    def open(self) -> None:
        """Make the folder and its key; the key keeps names from being found out by trying texts."""
        if self._key is None:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                self._key = _key(self.folder / "key")
            except OSError as error:
                raise self._unusable(error) from error

    def address(self, *what: object) -> Path:
        """The file that holds the sound of exactly this."""
        assert self._key is not None, "open() comes first"
        told = json.dumps(what, ensure_ascii=True).encode()
        return self.folder / (hashlib.blake2b(told, key=self._key, digest_size=16).hexdigest() + ".wav")

    def has(self, file: Path) -> bool:
        """Whether a sound is there; asking counts as a use. One stat."""
        try:
            found = os.stat(file)
            if abs(time.time() - found.st_mtime) > _MARK_SECONDS:
                os.utime(file)
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unusable(error) from error
        # Nothing is synced to disk: a power cut may leave a name with nothing in it.
        return found.st_size > 0

    def _unusable(self, error: OSError) -> RenderError:
        return RenderError(f"the folder of rendered sounds cannot be used: {error.strerror} ({self.folder})")

    def sweep(self) -> int:
        """Remove the least recently used sounds beyond the limit, and leftovers; how many went."""
        with os.scandir(self.folder) as entries:
            ours = [entry for entry in entries if _OURS.fullmatch(entry.name)]
        files = sorted(seen for entry in ours if (seen := _seen(entry.path)) is not None)
        total, gone = sum(size for _, size, _ in files), 0
        for used, size, path in files:
            left_over = path.endswith(".part")
            if time.time() - used < KEEP_SECONDS or (total <= self.limit and not left_over):
                continue
            # Looked at again: another process may have used it since.
            if (now := _seen(path)) is not None and now[0] == used:
                Path(path).unlink(missing_ok=True)
                total, gone = total - size, gone + 1
        if total > self.limit:
            log.warning("sounds in use take %d MB, the limit is %d MB", total >> 20, self.limit >> 20)
        return gone


def _seen(path: str) -> tuple[float, int, str] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_mtime, found.st_size, path


def _key(file: Path) -> bytes:
    part = file.with_name(f".key.{secrets.token_hex(4)}.part")
    if not file.exists():
        part.touch(mode=0o600)
        part.write_bytes(secrets.token_bytes(32))
        try:
            # A link fails where another process was first: everybody reads the same key.
            os.link(part, file)
        except FileExistsError:
            log.debug("another process made the key")
        finally:
            part.unlink()
    return file.read_bytes()
