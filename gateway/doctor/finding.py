"""A look of the doctor."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from gateway.domain import Finding
from gateway.settings import Settings

__all__ = ["Finding", "Look"]

Look = Callable[[Settings], Awaitable[Finding | Sequence[Finding]]]
