"""PINs: what is good enough for one, and how it is kept."""

from __future__ import annotations

from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.domain import RingwellError

# OWASP's second choice for Argon2id: 19 MB and two passes; a call waits 30 ms for it.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
# Of no PIN: what is compared for a number of nobody, so that it takes as long.
_NOBODY = "$argon2id$v=19$m=19456,t=2,p=1$cmluZ3dlbGwtbm9ib2R5$0000000000000000000000000000000000000000000"


class WeakPinError(RingwellError):
    """The PIN would be guessed; the message says what a better one is."""


def hashed(pin: str, digits: int) -> str:
    """The PIN as it is kept; WeakPinError for one that is among the first anybody tries."""
    if not (pin.isascii() and pin.isdigit() and len(pin) == digits):
        raise WeakPinError(f"a PIN is {digits} digits")
    steps = {(int(after) - int(before)) % 10 for before, after in pairwise(pin)}
    if len(steps) == 1 or len(set(pin)) < 3 or pin[: len(pin) // 2] * 2 == pin:
        raise WeakPinError("this PIN would be guessed first: choose one without a pattern")
    return _HASHER.hash(pin)


def matches(pin: str, pin_hash: str | None) -> bool:
    """Whether this is the PIN; without one to compare, it takes as long and is none."""
    try:
        return _HASHER.verify(pin_hash or _NOBODY, pin) and pin_hash is not None
    except (VerificationError, InvalidHashError):
        return False
