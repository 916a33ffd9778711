"""One-time links: what the start and commands print, each good once for what it was made for."""

from __future__ import annotations

import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path

TOKEN_LIFE = timedelta(minutes=30)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


class Purpose(StrEnum):
    """What a link is for: the first administrator, a user's password, or coming in as a user."""

    FIRST = "first"
    PASSWORD = "password"
    ENTER = "enter"


@dataclass(frozen=True, slots=True)
class Pass:
    """What a link opens; `account` is the user's number, 0 where there is none yet."""

    purpose: Purpose
    account: int
    expires: datetime


class Door:
    """Gives out and takes back one-time tokens. `folder` holds a file named by each token's digest.

    Tokens are files so that another process of the same user (`ringwell console token`) can print one for
    a running daemon; taking a token is removing its file, which succeeds once.
    """

    def __init__(self, folder: Path, clock: Clock = _now) -> None:
        self._folder = folder
        self._clock = clock

    def issue(self, purpose: Purpose, account: int = 0) -> str:
        """A new token, good once within 30 minutes. Touches the disk."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        token = secrets.token_urlsafe(32)
        said = {"for": purpose, "account": account, "expires": (self._clock() + TOKEN_LIFE).isoformat()}
        handle = os.open(self._path(token), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            json.dump(said, file)
        return token

    def look(self, token: str) -> Pass | None:
        """What a token opens, without using it up; None: nothing (any more). Touches the disk."""
        if not _TOKEN.fullmatch(token):
            return None
        found = _read(self._path(token))
        return found if found is not None and found.expires > self._clock() else None

    def redeem(self, token: str) -> Pass | None:
        """Use a token up; None when it is not one, was used before or is too old. Touches the disk."""
        if (found := self.look(token)) is None:
            return None
        try:
            self._path(token).unlink()
        except FileNotFoundError:
            return None
        return found

    def _path(self, token: str) -> Path:
        return self._folder / f"{_digest(token)}.token"

    def _sweep(self) -> None:
        for path in self._folder.glob("*.token"):
            found = _read(path)
            if found is not None and found.expires <= self._clock():
                path.unlink(missing_ok=True)

    def announce(self, url: str) -> None:
        """Remember where the console listens, for `address`. Touches the disk."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / "address").write_text(url)

    def address(self) -> str | None:
        """Where the daemon of this folder last served its console."""
        with suppress(FileNotFoundError):
            return (self._folder / "address").read_text()
        return None


def _read(path: Path) -> Pass | None:
    try:
        said = json.loads(path.read_text())
        return Pass(Purpose(said["for"]), int(said["account"]), datetime.fromisoformat(said["expires"]))
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return None


def entrance(url: str, token: str) -> str:
    """The link to print: opening it shows a form, and only sending that uses the token up."""
    return f"{url}/enter?token={token}"
