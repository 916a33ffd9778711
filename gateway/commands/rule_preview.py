"""What a rule will plan next: the days, and when the messages of each step go."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from rich.table import Table

from gateway import broadcast as planning
from gateway import planner
from gateway.commands.shared import local, table_of
from gateway.domain import Broadcast, Channel
from gateway.policy import Allow, Defer, Refuse, Rules, Verdict
from gateway.schedule import Due
from gateway.settings import Settings
from store import broadcasts
from store.engine import Store
from store.rules import Rule

ONLY_IF_FAILED = "only-if-earlier-fails"


@dataclass(frozen=True, slots=True)
class Going:
    """The messages of one step on one channel: how many go, from when to when, and how many do not.

    `if_failed`: too late unless the step before fails, when they go at once.
    """

    step: int
    channel: Channel
    messages: int
    if_failed: int
    not_sent: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True, slots=True)
class Coming:
    """A day of a rule; `step`: which of its times before, `before`: that time as it was written."""

    day: date
    step: int
    before: str
    goes_at: datetime | None
    people: int
    state: str
    steps: tuple[Going, ...] = ()


async def coming(store: Store, settings: Settings, rule: Rule) -> list[Coming]:
    """The days that a rule plans next, each judged as of now."""
    due = await planner.upcoming(store, settings.clinic.id, rule, settings.clinic.zone, Rules.of(settings))
    return [await _coming(store, settings, rule, one) for one in due]


async def _coming(store: Store, settings: Settings, rule: Rule, due: Due) -> Coming:
    clinic = settings.clinic.id
    order = await planner.ordered(store, clinic, rule, due, settings.clinic.zone)
    people = await store.read(broadcasts.audience_size, clinic, order)
    offset = due.timing.offset if due.timing else None
    told = due.day, due.step + 1, str(offset or "")
    if due.stale:
        return Coming(*told, None, people, "stale")
    steps = await _going(store, settings, order)
    # Counted back from the appointment itself, a day without one has no time at all.
    usual = due.goes_at if offset is None or offset.clock else None
    firsts = [one.first_at for one in steps if one.first_at]
    return Coming(*told, min(firsts, default=usual), people, "later" if due.early else "next", steps)


async def _going(store: Store, settings: Settings, order: Broadcast) -> tuple[Going, ...]:
    found: dict[tuple[int, Channel], list[Verdict]] = defaultdict(list)
    async for page in planning.preview(store, settings.clinic.id, order, Rules.of(settings)):
        for decision in page:
            # What is told in another message is none.
            if not decision.is_led:
                found[decision.step, decision.channel].append(decision.verdict)
    return tuple(_told(*key, found[key], store.clock()) for key in sorted(found))


def _told(step: int, channel: Channel, verdicts: Sequence[Verdict], now: datetime) -> Going:
    sent = [one.until if isinstance(one, Defer) else now for one in verdicts if _goes(one)]
    refused = sum(isinstance(one, Refuse) for one in verdicts)
    if_failed = len(verdicts) - len(sent) - refused
    ends = min(sent, default=None), max(sent, default=None)
    return Going(step + 1, channel, len(sent), if_failed, refused, *ends)


def _goes(verdict: Verdict) -> bool:
    return isinstance(verdict, Allow) or (isinstance(verdict, Defer) and verdict.reason != ONLY_IF_FAILED)


def preview_table(days: Sequence[Coming], settings: Settings) -> Table:
    """A line for each step and channel of each day that is about anybody."""
    table = table_of("Day", "Before", "Step", "Channel", "Goes at", "Messages", "Not sent", "State")
    shown = [one for one in days if one.people or one.steps]
    if len(shown) < len(days):
        table.caption = f"{len(days) - len(shown)} lines for nobody are left out"
    for one in shown:
        table.add_section()
        head = str(one.day), one.before
        if not one.steps:
            when = local(one.goes_at, settings) if one.goes_at else ""
            table.add_row(*head, "", "", when, str(one.people), "", one.state)
        for going in one.steps:
            when = _when(going, settings)
            counts = str(going.messages + going.if_failed), str(going.not_sent or "")
            table.add_row(*head, str(going.step), going.channel, when, *counts, one.state)
    return table


def _when(going: Going, settings: Settings) -> str:
    ends = dict.fromkeys(local(one, settings) for one in (going.first_at, going.last_at) if one)
    reserve = [f"{going.if_failed} only if the step before fails"] if going.if_failed else []
    return ", ".join([*([" to ".join(ends)] if ends else []), *reserve])
