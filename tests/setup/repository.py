"""The checkout as tests see it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ROOT / "docker" / "setup"


# What a checkout without git (an unpacked archive) holds beside its files.
_MADE = {".venv", ".git", "__pycache__", "secrets", "build"}


def files() -> list[Path]:
    """Every file that is, or would be, committed."""
    if (ROOT / ".git").exists() and shutil.which("git"):
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        return sorted(path for name in listed.split("\0") if name and (path := ROOT / name).is_file())
    return sorted(path for path in ROOT.rglob("*") if path.is_file() and not _is_made(path.relative_to(ROOT)))


def _is_made(path: Path) -> bool:
    caches = any(part.endswith(("_cache", ".egg-info")) for part in path.parts)
    return caches or not _MADE.isdisjoint(path.parts)
