"""How often somebody may be called and texted, as data that the last look before a start can count with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many calls and texts from this moment on."""

    since: datetime
    most: int


@dataclass(frozen=True, slots=True)
class Limited:
    """A message to `address` that may go only within these limits; what went to any of `numbers` counts.

    `beside`: the same for each of the others whom a message for several tells.
    """

    address: str
    numbers: frozenset[str]
    limits: Sequence[Limit]
    beside: tuple[Limited, ...] = ()

    @property
    def everybody(self) -> tuple[Limited, ...]:
        """Those who must have room."""
        return (self, *self.beside)
