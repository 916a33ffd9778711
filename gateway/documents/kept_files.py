"""Files that broadcasts need are copied into the instance: they may be moved or changed afterwards."""

from __future__ import annotations

import hashlib
import os
import secrets
from pathlib import Path


def keep(folder: Path, octets: bytes) -> tuple[Path, bool]:
    """The copy, named by its content, and whether it is a new one; raises OSError."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = folder / hashlib.sha256(octets).hexdigest()
    if kept.exists():
        return kept, False
    draft = folder / f".{secrets.token_hex(8)}.part"
    try:
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as copy:
            copy.write(octets)
            copy.flush()
            os.fsync(copy.fileno())
        draft.replace(kept)
    finally:
        draft.unlink(missing_ok=True)
    return kept, True
