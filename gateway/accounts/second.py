"""The second factor: codes by time (RFC 6238) from an app, and recovery codes for when it is lost."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

import pyotp

# How many 30-second steps a clock may be off.
_OFF = 1
_STEP = 30
RECOVERY_CODES = 10
# Without signs that look like others.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"


def new_secret() -> str:
    """A secret to share with an app: 160 bits."""
    return pyotp.random_base32()


def address(secret: str, login: str, clinic: str) -> str:
    """What the app reads from a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name=f"Ringwell {clinic}")


def counter_of(code: str, secret: str, now: datetime) -> int | None:
    """The number of the 30 seconds that a code is of; None when it is wrong or too old."""
    digits = "".join(code.split())
    present = int(now.timestamp()) // _STEP
    for counter in range(present - _OFF, present + _OFF + 1):
        if secrets.compare_digest(pyotp.TOTP(secret).at(counter * _STEP).encode(), digits.encode()):
            return counter
    return None


def new_recovery() -> list[str]:
    """Codes to print and lock away, each good once: about 49 bits."""
    parts = ("".join(secrets.choice(_SIGNS) for _ in range(5)) for _ in range(2 * RECOVERY_CODES))
    return [f"{one}-{other}" for one, other in zip(parts, parts, strict=True)]


def digest_of(code: str) -> str:
    """How a recovery code is kept, however it is typed."""
    plain = "".join(sign for sign in code.casefold() if sign.isalnum())
    return hashlib.sha256(plain.encode()).hexdigest()
