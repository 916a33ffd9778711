"""When a message goes, counted back from what it is about: `7d`, `2d@10:00`, `3h`, `0d@09:00`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time, timedelta

from gateway.domain.words import RingwellError

_FORM = re.compile(r"(\d{1,3})(d|h|m)(?:@([01]?\d|2[0-3]):([0-5]\d))?")
_UNITS = {"h": "hours", "m": "minutes"}


class OffsetError(RingwellError):
    """A time before something is written in a way that cannot be understood."""


@dataclass(frozen=True, slots=True)
class Offset:
    """So many days before, at a clock time of the clinic; or so long before by the clock on the wall.

    No clock time: that of the appointment itself. `days` None: `ahead` is what counts.
    """

    days: int | None = None
    clock: time | None = None
    ahead: timedelta = timedelta()

    def __str__(self) -> str:
        """As it was written."""
        if self.days is None:
            minutes = int(self.ahead.total_seconds()) // 60
            return f"{minutes // 60}h" if minutes % 60 == 0 else f"{minutes}m"
        return f"{self.days}d" + (f"@{self.clock:%H:%M}" if self.clock else "")

    @property
    def about(self) -> timedelta:
        """How long before, for putting several in order."""
        return timedelta(days=self.days) if self.days is not None else self.ahead


def parse_offset(text: str) -> Offset:
    """The offset that a text says; raises OffsetError."""
    found = _FORM.fullmatch(text.strip())
    if found is None or (found[3] and found[2] != "d"):
        raise OffsetError(f"{text[:20]!r} is no time before: write 7d, 2d@10:00, 3h or 90m")
    count = int(found[1])
    if found[2] != "d":
        return Offset(ahead=timedelta(**{_UNITS[found[2]]: count}))
    return Offset(count, time(int(found[3]), int(found[4])) if found[3] else None)


@dataclass(frozen=True, slots=True)
class Timing:
    """When the messages of a broadcast go: each before its own appointment, renewal or birthday.

    `following`: the next step of the same sequence, which makes this one of no use. `business_days`: what
    would go on a weekend or a holiday goes on the business day before.
    """

    offset: Offset
    following: Offset | None = None
    business_days: bool = False
