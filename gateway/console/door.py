"""Who may come in: one-time tokens that the start prints, exchanged for sessions."""

from __future__ import annotations

import hashlib
import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

TOKEN_LIFE = timedelta(minutes=30)
IDLE = timedelta(minutes=15)
LONGEST = timedelta(hours=12)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")

Clock = Callable[[], datetime]


def _now() -> datetime:
    return datetime.now(UTC)


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


@dataclass(slots=True)
class Session:
    """One browser that came in; it ends after 15 idle minutes, or 12 hours."""

    began: datetime
    seen: datetime

    @property
    def ends(self) -> datetime:
        """When it is over unless its user does something."""
        return min(self.seen + IDLE, self.began + LONGEST)


class Sessions:
    """Sessions by the digest of their cookie, in memory: a restart signs everybody out.

    Kept behind `begin`, `find` and `end` so that they can move into the store with accounts and roles,
    where a log-out or a changed role then holds at once on every gateway.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._open: dict[str, Session] = {}

    def begin(self) -> str:
        """A new session; returns the secret for its cookie."""
        now = self._clock()
        self._open = {key: session for key, session in self._open.items() if session.ends > now}
        secret = secrets.token_urlsafe(32)
        self._open[_digest(secret)] = Session(now, now)
        return secret

    def find(self, secret: str) -> Session | None:
        """The session that a cookie names, unless it is over."""
        session = self._open.get(_digest(secret))
        return session if session is not None and session.ends > self._clock() else None

    def touch(self, session: Session) -> None:
        """Its user did something: the idle time starts again."""
        session.seen = self._clock()

    def end(self, secret: str) -> None:
        """Sign out; open pages lose their connection when they next look."""
        if session := self._open.pop(_digest(secret), None):
            session.began = session.seen = self._clock() - LONGEST


class Door:
    """Gives out and takes back one-time tokens. `folder` holds a file named by each token's digest.

    Tokens are files so that another process of the same user (`ringwell console token`) can print one for
    a running daemon; taking a token is removing its file, which succeeds once.
    """

    def __init__(self, folder: Path, clock: Clock = _now) -> None:
        self._folder = folder
        self._clock = clock
        self.sessions = Sessions(clock)

    def issue(self) -> str:
        """A new token, good once within 30 minutes. Touches the disk."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._sweep()
        token = secrets.token_urlsafe(32)
        path = self._folder / f"{_digest(token)}.token"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            file.write((self._clock() + TOKEN_LIFE).isoformat())
        return token

    def redeem(self, token: str) -> bool:
        """Use a token up; False when it is not one, was used before or is too old. Touches the disk."""
        if not _TOKEN.fullmatch(token):
            return False
        path = self._folder / f"{_digest(token)}.token"
        try:
            expires = datetime.fromisoformat(path.read_text())
            path.unlink()
        except (FileNotFoundError, ValueError):
            return False
        return expires > self._clock()

    def _sweep(self) -> None:
        for path in self._folder.glob("*.token"):
            with suppress(FileNotFoundError, ValueError):
                if datetime.fromisoformat(path.read_text()) <= self._clock():
                    path.unlink()

    def announce(self, url: str) -> None:
        """Remember where the console listens, for `address`. Touches the disk."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / "address").write_text(url)

    def address(self) -> str | None:
        """Where the daemon of this folder last served its console."""
        with suppress(FileNotFoundError):
            return (self._folder / "address").read_text()
        return None


def entrance(url: str, token: str) -> str:
    """The link to print: opening it shows a button, and only the button uses the token up."""
    return f"{url}/enter?token={token}"
