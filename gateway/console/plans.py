"""Plans of broadcasts that were ordered in the console: made behind the pages, and seen from any of them.

A plan that is cut off, by a gateway that stops, is finished by whichever gateway runs next.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass, field

from gateway import broadcast as planning
from gateway.broadcast import Decision
from gateway.console.background import Background
from gateway.domain import Broadcast, RingwellError
from gateway.policy import Allow, Defer, Rules
from store.engine import Store

log = logging.getLogger(__name__)

_REMEMBERED = 100
# What is decided on a message: to send, later, not, or told in another one.
SEND, LATER, NOT, TOGETHER = "send", "later", "not", "together"


def kind(decision: Decision) -> tuple[str, str]:
    """A decision for counting: what, and why."""
    if decision.is_led:
        return TOGETHER, "told-together"
    match decision.verdict:
        case Allow():
            return SEND, ""
        case Defer(reason=reason):
            return LATER, reason
        case refused:
            return NOT, refused.reason


@dataclass
class Progress:
    """How far a plan is: so many of `size` people, and what was decided."""

    size: int
    people: int = 0
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    ended: bool = False
    failed: bool = False


class Plans:
    """Those under way, and the last that ended."""

    def __init__(self, store: Store, clinic: int) -> None:
        self._store, self._clinic = store, clinic
        self._known: dict[int, Progress] = {}
        self._work = Background("a plan")

    def start(self, wanted: Broadcast, rules: Rules, size: int) -> None:
        """Plan a broadcast that was ordered."""
        progress = self._known[wanted.id] = Progress(size)
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]
        self._work.begin(self._plan(wanted, rules, progress))

    def progress(self, number: int) -> Progress | None:
        """Of a broadcast that was ordered here lately."""
        return self._known.get(number)

    async def close(self) -> None:
        """Cut off what is under way: the gateway finishes it later."""
        await self._work.close()

    async def _plan(self, wanted: Broadcast, rules: Rules, progress: Progress) -> None:
        try:
            async for page in planning.plan(self._store, self._clinic, wanted, rules):
                progress.tally.update(map(kind, page))
                progress.people += sum(not decision.step for decision in page)
        except RingwellError as error:
            # The database is away, say: the gateway tries again by itself.
            log.error("broadcast %d is not planned yet: %s", wanted.id, error)
            progress.failed = True
        except Exception:
            progress.failed = True
            raise
        finally:
            progress.ended = True
