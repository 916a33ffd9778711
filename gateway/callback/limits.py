"""How often somebody may guess the birthday that belongs to a number."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Numbers that are remembered at most; a caller ID can be anything.
MOST_NUMBERS = 10_000


class Limits:
    """Wrong tries of the last day, by number, over all lines; kept while the gateway runs."""

    def __init__(self, per_hour: int, per_day: int) -> None:
        self._per_hour, self._per_day = per_hour, per_day
        self._wrong: dict[str, deque[datetime]] = {}

    def may_try(self, number: str, now: datetime) -> bool:
        """Whether this number has not failed too often."""
        wrong = self._wrong.get(number, deque())
        while wrong and wrong[0] <= now - DAY:
            wrong.popleft()
        lately = sum(moment > now - HOUR for moment in wrong)
        return lately < self._per_hour and len(wrong) < self._per_day

    def failed(self, number: str, now: datetime) -> None:
        """It was wrong."""
        if number not in self._wrong and len(self._wrong) >= MOST_NUMBERS:
            self._wrong.pop(next(iter(self._wrong)))
        self._wrong.setdefault(number, deque()).append(now)
