"""Passwords: what is good enough for one, and how it is kept."""

from __future__ import annotations

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain import RingwellError

# OWASP's first choice for Argon2id: 46 MB and one pass.
_HASHER = PasswordHasher(time_cost=1, memory_cost=46 * 1024, parallelism=1)
# Of no password: what is compared for a login of nobody, so that it takes as long.
_NOBODY = "$argon2id$v=19$m=47104,t=1,p=1$cmluZ3dlbGwtbm9ib2R5$0000000000000000000000000000000000000000000"
SHORTEST, LONGEST = 12, 200
_FEWEST_SIGNS = 6


class WeakPasswordError(RingwellError):
    """The password would be guessed; the message says what a better one is."""


def hashed(password: str, login: str) -> str:
    """The password as it is kept; WeakPasswordError for one that is guessed. Takes some 30 ms."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise WeakPasswordError("A password has 12 to 200 characters: four or five words make a good one.")
    plain = password.casefold()
    if len(set(plain)) < _FEWEST_SIGNS or len(set(plain.split())) == 1 < len(plain.split()):
        raise WeakPasswordError("This password repeats itself: choose one that is harder to guess.")
    name = login.casefold().partition("@")[0]
    if "ringwell" in plain or "password" in plain or (len(name) > 2 and name in plain):
        raise WeakPasswordError(
            "This password would be guessed first: leave out login, product and “password”."
        )
    return _HASHER.hash(password)


def matches(password: str, password_hash: str | None) -> bool:
    """Whether this is the password; without one to compare, it takes as long and is none."""
    try:
        found = _HASHER.verify(password_hash or _NOBODY, password[: LONGEST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return found and password_hash is not None
