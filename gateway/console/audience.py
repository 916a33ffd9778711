"""The people who will get a broadcast and those who will not, and why: the first, and counts of all."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime

from gateway import broadcast as planning
from gateway.broadcast import Decision
from gateway.console import words
from gateway.console.plans import LATER, NOT, SEND, TOGETHER, kind
from gateway.domain import Broadcast
from gateway.policy import Defer, Rules
from gateway.policy.words import WORDS
from gateway.policy.words import told as policy_told
from store import broadcasts, people, stops
from store.engine import Store
from store.stops import Stop

# So many of each sort are shown, and so long everybody is counted.
SHOWN = 50
SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Line:
    """One person of the list."""

    recipient: int
    client: str
    name: str
    channel: str
    address: str
    kind: str
    reason: str
    until: datetime | None
    missing: tuple[str, ...]
    step: int


@dataclass
class Look:
    """What was found: the first people of each sort, counts by (sort, reason), and of how many in all."""

    size: int = 0
    counted: int = 0
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    getting: list[Line] = field(default_factory=list)
    left_out: list[Line] = field(default_factory=list)
    stops: list[Stop] = field(default_factory=list)
    whole: bool = False

    @property
    def sent(self) -> int:
        """Messages that go, now or later."""
        return sum(count for (sort, _), count in self.tally.items() if sort in (SEND, LATER))

    @property
    def unsent(self) -> list[tuple[str, int]]:
        """How many do not go, by reason, the most first."""
        found = Counter({reason: count for (sort, reason), count in self.tally.items() if sort == NOT})
        return found.most_common()

    @property
    def together(self) -> int:
        """How many are told in another message."""
        return sum(count for (sort, _), count in self.tally.items() if sort == TOGETHER)


async def look(
    store: Store,
    clinic: int,
    wanted: Broadcast,
    rules: Rules,
    seconds: float = SECONDS,
    clock: Callable[[], float] = time.monotonic,
) -> Look:
    """Judge everybody, as long as there is time for it; nothing is written."""
    found = Look(size=await store.read(broadcasts.audience_size, clinic, wanted))
    found.stops = await store.read(stops.current, clinic)
    until = clock() + seconds
    async with aclosing(planning.preview(store, clinic, wanted, rules)) as pages:
        async for page in pages:
            found.tally.update(map(kind, page))
            found.counted += sum(not decision.step for decision in page)
            _show(found, page)
            if clock() > until and found.counted < found.size:
                break
        else:
            found.whole = True
    await _name(store, clinic, found)
    return found


def _show(found: Look, page: list[Decision]) -> None:
    for decision in page:
        sort, reason = kind(decision)
        lines = found.left_out if sort == NOT else found.getting
        if len(lines) < SHOWN:
            lines.append(_line(decision, sort, reason))
        elif len(found.getting) == len(found.left_out) == SHOWN:
            return


def _line(decision: Decision, sort: str, reason: str) -> Line:
    known, verdict = decision.facts, decision.verdict
    contact = known.contacts.get(decision.channel)
    basis = verdict.basis
    missing = basis.split(", ") if basis.startswith("placeholder:") else []
    return Line(
        known.recipient.id,
        "",
        known.recipient.name,
        decision.channel.value,
        words.mask(contact.address) if contact else "",
        sort,
        reason,
        verdict.until if isinstance(verdict, Defer) else None,
        tuple(part.removeprefix("placeholder:") for part in missing),
        decision.step,
    )


async def _name(store: Store, clinic: int, found: Look) -> None:
    """With the numbers by which the practice's own system knows them."""
    who = {line.recipient for line in (*found.getting, *found.left_out)}
    ids = await store.read(people.external_ids, clinic, who)
    for lines in (found.getting, found.left_out):
        lines[:] = [replace(line, client=ids.get(line.recipient, "")) for line in lines]


def reason_told(reason: str, language: str) -> str:
    """A reason in the language of the screen."""
    return policy_told(reason, language) if reason in WORDS["en"] else words.cause(reason)
