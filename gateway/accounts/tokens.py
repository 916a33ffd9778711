"""Bearer tokens: a program shows one with each request, and may do what the token's scopes say."""

from __future__ import annotations

import secrets
from datetime import timedelta

from gateway.accounts.signing_in import IN, digest
from store import tokens
from store.accounts import Account
from store.engine import Store
from store.sessions import Session

_BEGINS = "rw_"
# How often it is written down that a token was used.
_USED_AGAIN = timedelta(minutes=1)


def new_secret() -> str:
    """What is shown once."""
    return _BEGINS + secrets.token_urlsafe(32)


class Tokens:
    """Those of one clinic."""

    def __init__(self, store: Store, clinic: int) -> None:
        self._store, self._clinic = store, clinic

    async def admit(self, secret: str) -> Session | None:
        """Stands for a session of the program; None: the token is none, revoked or expired."""
        token = await self._store.read(tokens.find, self._clinic, digest(secret))
        now = self._store.clock()
        if token is None or token.revoked_at is not None or token.expires_at <= now:
            return None
        if token.used_at is None or now - token.used_at > _USED_AGAIN:
            await self._store.run(tokens.used, self._clinic, token.id, now)
        # A program has a number of its own: none of a user's.
        program = Account(-token.id, "", token.name, "", "en", 0, "", token.scopes, enabled=True)
        return Session(digest(secret), program, IN, token.name, token.created_at, now)
