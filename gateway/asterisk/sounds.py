"""Sounds for an exchange on another machine: it fetches them over HTTP by addresses that nobody can guess.

An address is made of the file's own place and a seal over it, so that nothing is kept of who may have what:
whoever does not hold the secret of this installation can make none. There is no listing, and everything that
is not a sealed sound is one and the same 404.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from gateway.domain import RingwellError

_SEAL_BYTES = 16


class OutsideError(RingwellError):
    """A sound lies in none of the folders that may be fetched from."""


class SoundShelf:
    """The folders whose sounds may be fetched, and how their addresses are made and read."""

    def __init__(self, secret: bytes, base: str, folders: Sequence[Path]) -> None:
        """`base`: such as http://192.0.2.7:8482, as the exchange reaches it."""
        self._secret, self._base = secret, base.rstrip("/")
        self._folders = [folder.absolute() for folder in folders]

    def url(self, file: Path) -> str:
        """Where the exchange finds this sound; OutsideError for one of no folder of ours."""
        for number, folder in enumerate(self._folders):
            if file.absolute().is_relative_to(folder):
                place = f"{number}/{file.absolute().relative_to(folder).as_posix()}"
                # Whole: & joins sounds in the dialplan, and a comma ends an argument.
                return f"{self._base}/{self._seal(place)}/{quote(place)}"
        raise OutsideError(f"a sound in {str(file.parent)!r} cannot be fetched by the exchange")

    def find(self, path: str) -> Path | None:
        """The file of such a path, seal and all, percent signs resolved; None for anything else."""
        seal, _, place = path.lstrip("/").partition("/")
        if not hmac.compare_digest(seal.encode(), self._seal(place).encode()):
            return None
        number, _, name = place.partition("/")
        file = self._folders[int(number)] / name
        return file if file.is_file() else None

    def _seal(self, place: str) -> str:
        return hmac.new(self._secret, place.encode(), hashlib.sha256).digest()[:_SEAL_BYTES].hex()
