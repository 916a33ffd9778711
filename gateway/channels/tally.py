"""What a line carried in the last hour, and what went wrong there last."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from datetime import UTC, datetime

from gateway.domain import Outcome, Retry, RetryKind, Unknown

MINUTES = 60


class Tally:
    """Counts by the minute. What the recipient's own line did is no error of ours."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        # Minute, sent, failed; of minutes in which something happened.
        self._minutes: deque[list[int]] = deque()
        self.last_error = ""
        self.last_error_at: datetime | None = None

    def note(self, outcome: Outcome) -> None:
        """An attempt over this line ended so."""
        wrong = isinstance(outcome, Unknown) or (
            isinstance(outcome, Retry) and outcome.kind is RetryKind.LINE_DOWN
        )
        now = self._clock()
        minute = self._minute(int(now) // 60)
        minute[2 if wrong else 1] += 1
        if wrong:
            self.last_error, self.last_error_at = outcome.cause, datetime.fromtimestamp(now, UTC)

    def hour(self) -> tuple[int, int]:
        """How many were sent and how many failed by the line in the last 60 minutes."""
        first = int(self._clock()) // 60 - MINUTES
        lately = [one for one in self._minutes if one[0] > first]
        return sum(one[1] for one in lately), sum(one[2] for one in lately)

    def _minute(self, number: int) -> list[int]:
        if not self._minutes or self._minutes[-1][0] != number:
            self._minutes.append([number, 0, 0])
            while len(self._minutes) > MINUTES:
                self._minutes.popleft()
        return self._minutes[-1]
