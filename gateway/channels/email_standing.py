"""How we stand with a relay: one that refuses us gets a mail now and then, until it takes one.

Why it is the relay that stops and not the broadcast: docs/decisions/0006.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)


class Standing:
    """Of one relay. `changed` is called when the next trial may begin."""

    TRIAL_FIRST = 60.0
    TRIAL_MOST = 900.0

    def __init__(self, relay: str, most: int, changed: Callable[[], None]) -> None:
        """`most`: of how many domains in a row recipients may be refused by policy before it is us."""
        self._relay, self._most, self._changed = relay, most, changed
        self._domains: set[str] = set()
        self._pause = 0.0
        self._try_at = 0.0
        # Why it refuses us, as long as it does.
        self.why = ""

    @property
    def refuses(self) -> bool:
        """Whether it refused us, and took nothing since then."""
        return self._pause > 0

    @property
    def open(self) -> bool:
        """Whether a mail may be given to it now; only one at a time while it refuses us."""
        return not self.refuses or _now() >= self._try_at

    def refused(self, why: str) -> None:
        """It is us whom it refuses: nothing goes for a while. Said once."""
        if not self.open:
            return  # an answer to what was under way
        if not self.refuses:
            log.error(
                "relay %s %s: it needs an administrator; mail waits, and one is tried now and then",
                *(self._relay, why),
            )
        self.why = why
        self._pause = min(self._pause * 2, self.TRIAL_MOST) if self.refuses else self.TRIAL_FIRST
        self._try_at = _now() + self._pause
        asyncio.get_running_loop().call_later(self._pause, self._changed)

    def refused_by_policy(self, domain: str) -> bool:
        """A recipient of this domain was refused; whether by now it is us, and nobody's own wish."""
        self._domains.add(domain.lower())
        return self.refuses or len(self._domains) >= self._most

    def taken(self) -> None:
        """It took a mail."""
        if self.refuses:
            log.warning("relay %s takes our mail again", self._relay)
        self._pause, self.why = 0.0, ""
        self._domains.clear()


def _now() -> float:
    return asyncio.get_running_loop().time()
