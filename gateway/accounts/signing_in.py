"""Signing in: password, then a code; wrong tries are slowed down without locking out whoever is known.

A wrong try counts against the place it came from. Browsers from which a user signed in before have a count of
their own: whoever tries passwords from elsewhere cannot lock those out.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.accounts import passwords, second
from gateway.accounts.rules import Rule
from gateway.domain import RingwellError
from gateway.settings.house import ConsoleSettings, SecondFactor
from store import accounts, sessions
from store.accounts import Account
from store.audit import Deed, append
from store.engine import Store
from store.sessions import Session, Try

IN, CODE, ENROL = "in", "code", "enrol"
LOOK_BACK = timedelta(minutes=15)
# Wrong tries within that time: from one place at one login, from a known browser, from one place at all
# logins, and at one login from everywhere.
A_LOGIN, A_DEVICE, A_SOURCE, EVERYWHERE = 5, 10, 50, 100


class RefusedError(RingwellError):
    """No such login and password, or no such code; which of them is wrong is not said."""


class LaterError(RingwellError):
    """Too many wrong tries; `until`: when the next one is taken."""

    def __init__(self, until: datetime) -> None:
        super().__init__("too many wrong tries")
        self.until = until


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a try comes from: its address, its own name, and the cookie that says it was here before."""

    source: str
    name: str = ""
    device: str = ""


def digest(secret: str) -> str:
    """How the secret of a cookie, or a login of nobody, is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def locked_until(wanted: Try, past: Sequence[Try]) -> datetime | None:
    """Until when no further try like this is taken; pure. `past`: the wrong ones lately, in order."""
    if wanted.device:
        return _over([one for one in past if one.device == wanted.device], A_DEVICE)
    strange = [one for one in past if not one.device]
    counts = (
        _over([one for one in strange if (one.login, one.source) == (wanted.login, wanted.source)], A_LOGIN),
        _over([one for one in strange if one.source == wanted.source], A_SOURCE),
        _over([one for one in strange if one.login == wanted.login], EVERYWHERE),
    )
    return max((until for until in counts if until), default=None)


def _over(tries: Sequence[Try], most: int) -> datetime | None:
    return tries[-most].at + LOOK_BACK if len(tries) >= most else None


class SignIn:
    """The way in, at one clinic."""

    def __init__(self, store: Store, clinic: int, settings: ConsoleSettings) -> None:
        self._store = store
        self._clinic = clinic
        self._settings = settings

    async def by_password(self, login: str, password: str, browser: Browser) -> tuple[Account, str]:
        """The user, and the secret of a session, which may have to show a code. RefusedError, LaterError."""
        found = await self._store.read(accounts.by_login, self._clinic, login)
        number = await self._begin(login, found, browser)
        right = await self._is_password(found, password)
        if not right or found is None or not found.enabled:
            raise RefusedError("this login and password do not go together")
        await self._store.run(sessions.forgive, self._clinic, number)
        return found, await self.begin(found, self._stage(found), browser)

    async def is_own_password(self, account: Account, password: str, browser: Browser) -> bool:
        """Whether it is the password of somebody who is in; wrong ones count as at the door. LaterError."""
        number = await self._begin(account.login, account, browser)
        if right := await self._is_password(account, password):
            await self._store.run(sessions.forgive, self._clinic, number)
        return right

    async def _is_password(self, found: Account | None, password: str) -> bool:
        known = None
        if found is not None:
            known = await self._store.read(accounts.secrets_of, self._clinic, found.id)
        return await asyncio.to_thread(passwords.matches, password, known.password_hash if known else None)

    def _stage(self, account: Account) -> str:
        if account.has_second:
            return CODE
        return ENROL if self.needs_second(account) else IN

    def needs_second(self, account: Account) -> bool:
        """Whether the settings ask this user for a second factor."""
        match self._settings.second_factor:
            case SecondFactor.EVERYBODY:
                return True
            case SecondFactor.ADMINISTRATORS:
                return Rule.USERS in account.rules or Rule.SETTINGS in account.rules
            case _:
                return False

    async def by_code(self, session: Session, code: str, browser: Browser) -> None:
        """Show the second factor: a code of the app, or a recovery code. RefusedError, LaterError."""
        account = session.account
        number = await self._begin(account.login, account, browser)
        if not await self._uses_up(account, code):
            raise RefusedError("this code is not right, or was used before")
        await self._store.run(self._let_in, session, number, self._store.clock())

    def _let_in(self, conn: Connection, session: Session, number: int, now: datetime) -> None:
        sessions.forgive(conn, self._clinic, number)
        sessions.promote(conn, self._clinic, session.digest, IN)
        append(conn, self._clinic, Deed(session.account.id, session.account.name, "signed-in"), now)

    async def _uses_up(self, account: Account, code: str) -> bool:
        known = await self._store.read(accounts.secrets_of, self._clinic, account.id)
        if known is None or known.secret is None:
            return False
        counter = second.counter_of(code, known.secret, self._store.clock())
        if counter is not None:
            return await self._store.run(accounts.use_code, self._clinic, account.id, counter)
        return await self._store.run(accounts.use_recovery, self._clinic, account.id, second.digest_of(code))

    async def _begin(self, login: str, found: Account | None, browser: Browser) -> int:
        now = self._store.clock()
        device = await self._known(browser, found)
        wanted = Try(digest(accounts.plain(login)), browser.source, device, now)

        def judge(past: Sequence[Try]) -> datetime | None:
            return locked_until(wanted, past)

        number = await self._store.run(sessions.begin_try, self._clinic, wanted, now - LOOK_BACK, judge)
        if isinstance(number, datetime):
            raise LaterError(number)
        return number

    async def _known(self, browser: Browser, found: Account | None) -> str:
        """The browser's digest, if this user signed in from it before."""
        if found is None or not browser.device:
            return ""
        device = digest(browser.device)
        known = await self._store.read(sessions.is_known, self._clinic, device, found.id)
        return device if known else ""

    async def begin(self, account: Account, stage: str, browser: Browser) -> str:
        """A session; returns the secret of its cookie."""
        secret = secrets.token_urlsafe(32)
        await self._store.run(self._started, secret, account, stage, browser, self._store.clock())
        return secret

    def _started(
        self, conn: Connection, secret: str, account: Account, stage: str, browser: Browser, now: datetime
    ) -> None:
        sessions.sweep(conn, self._clinic, now - self.idle, now - self.longest)
        key, name = digest(secret), browser.name[:200]
        sessions.begin(conn, self._clinic, key, account.id, stage, name, now)
        if stage == IN:
            append(conn, self._clinic, Deed(account.id, account.name, "signed-in"), now)

    @property
    def idle(self) -> timedelta:
        """How long a session lasts without a touch."""
        return timedelta(minutes=self._settings.idle_minutes)

    @property
    def longest(self) -> timedelta:
        """How long a session lasts at most."""
        return timedelta(hours=self._settings.longest_hours)

    def ends(self, session: Session) -> datetime:
        """When a session is over unless its user does something."""
        return min(session.seen + self.idle, session.began + self.longest)

    async def find(self, secret: str) -> Session | None:
        """The session that a cookie names, unless it is over."""
        if not secret:
            return None
        session = await self._store.read(sessions.find, self._clinic, digest(secret))
        return None if session is None or self.is_over(session) else session

    def is_over(self, session: Session) -> bool:
        """Whether it has ended by time."""
        return self.ends(session) <= self._store.clock()

    async def touch(self, session: Session) -> None:
        """Its user did something: the idle time starts again. Written down a few times a minute at most."""
        now = self._store.clock()
        if now - session.seen > _TOUCH_AGAIN:
            await self._store.run(sessions.touch, self._clinic, session.digest, now)


_TOUCH_AGAIN = timedelta(seconds=20)
