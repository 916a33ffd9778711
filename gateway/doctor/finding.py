"""What a look found, and what to do about it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; `advice` is empty when it is well."""

    part: str
    well: bool
    found: str
    advice: str = ""


Look = Callable[[Settings], Awaitable[Finding | Sequence[Finding]]]
