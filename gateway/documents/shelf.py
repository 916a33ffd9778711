"""Where rendered faxes are kept for as long as attempts may need them, under names that tell nothing."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from pathlib import Path

# Faxes hold letters about people: they are removed when they were not used for this long. The next
# attempt renders them again.
KEEP_SECONDS = 2 * 86_400.0
SWEEP_SECONDS = 3600.0
# Pictures of what was delivered prove it for longer.
KEEP_PICTURES_SECONDS = 400 * 86_400.0
_PICTURE = re.compile(r"[0-9a-f]{32}(-after-\d+)?\.png")
_OURS = re.compile(r"[0-9a-f]{32}(-after-\d+)?\.tiff?|\.[0-9a-f]{32}(-after-\d+)?\.[0-9a-f]{8}\.part")


class Shelf:
    """A folder of faxes that several processes may share; blocks, and raises OSError."""

    def __init__(self, folder: Path) -> None:
        # The rendering process and the exchange may work elsewhere.
        folder = folder.expanduser().absolute()
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (found := folder.stat()).st_uid == os.getuid() and found.st_mode & 0o077:
            # Made by an earlier version or by somebody's hand: letters are for nobody else on this machine.
            folder.chmod(0o700)
        self.folder = folder
        self._key = _key(folder / "key")

    def address(self, told: bytes) -> Path:
        """The file that holds the fax of exactly this; the key keeps it from being found out by trying."""
        name = hashlib.blake2b(told, key=self._key, digest_size=16).hexdigest()
        return self.folder / f"{name}.tiff"

    def part(self, file: Path) -> Path:
        """Where that file may be written before it is whole."""
        return self.folder / f".{file.stem}.{secrets.token_hex(4)}.part"

    def use(self, file: Path) -> bool:
        """Whether a fax is there; if so it is kept for longer."""
        try:
            os.utime(file)
            # Nothing is synced to disk: a power cut may leave a name with nothing in it.
            return file.stat().st_size > 0
        except FileNotFoundError:
            return False

    def sweep(self) -> None:
        """Once an hour, whichever process comes first: remove what nobody used."""
        mark = self.folder / "swept"
        if mark.exists() and time.time() - mark.stat().st_mtime < SWEEP_SECONDS:
            return
        mark.touch()
        for file in self.folder.iterdir():
            kept = KEEP_PICTURES_SECONDS if _PICTURE.fullmatch(file.name) else KEEP_SECONDS
            if (_OURS.fullmatch(file.name) or _PICTURE.fullmatch(file.name)) and _age(file) > kept:
                file.unlink(missing_ok=True)


def _age(file: Path) -> float:
    try:
        return time.time() - file.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _key(file: Path) -> bytes:
    if not file.exists():
        part = file.with_name(f".key.{secrets.token_hex(4)}")
        part.touch(mode=0o600)
        part.write_bytes(secrets.token_bytes(32))
        try:
            # A link never replaces the key of a process that was first.
            os.link(part, file)
        except FileExistsError:
            return file.read_bytes()
        finally:
            part.unlink()
    return file.read_bytes()
