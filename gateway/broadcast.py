"""Audience and schedule become messages, page by page; the plan judges as the dispatcher will."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway import policy, wording
from gateway.domain import Broadcast, Channel, Facts, State
from gateway.policy import Allow, Defer, Refuse, Rules, Verdict
from store import broadcasts, facts
from store.broadcasts import Planned, Position
from store.engine import Store

PAGE = 1000


@dataclass(frozen=True, slots=True)
class Decision:
    """What the plan decides for one recipient, and why."""

    facts: Facts
    channel: Channel
    verdict: Verdict


def judge(all_facts: Sequence[Facts], now: datetime, rules: Rules) -> list[Decision]:
    """The verdict for each recipient on the channel that their preference or the broadcast chooses."""
    decisions = []
    for known in all_facts:
        channel = policy.choose_channel(known)
        decisions.append(Decision(known, channel, policy.decide(known, channel, None, now, rules)))
    return decisions


async def preview(
    store: Store, clinic: int, wanted: Broadcast, rules: Rules
) -> AsyncIterator[list[Decision]]:
    """Pages of decisions, nothing written: who would get it, and why not."""
    async for page, _ in _pages(store, clinic, wanted):
        yield judge(page, store.clock(), rules)


async def order(store: Store, clinic: int, wanted: Broadcast) -> int:
    """Write down a broadcast and return its number. Raises TemplateError when a text cannot be used."""
    wording.check_templates(wanted.templates, wanted.type)
    return await store.run(broadcasts.order, clinic, wanted, store.clock())


async def plan(store: Store, clinic: int, wanted: Broadcast, rules: Rules) -> AsyncIterator[list[Decision]]:
    """Turn an ordered broadcast into messages; yields each page once it is on disk.

    May be interrupted and done again: a recipient who has their message keeps it.
    """
    async for page, _ in _pages(store, clinic, wanted):
        now = store.clock()
        decisions = judge(page, now, rules)
        planned = [_planned(decision, now) for decision in decisions]
        if not await store.run(broadcasts.add_messages, clinic, wanted.id, planned, now):
            return
        yield decisions
    await store.run(broadcasts.activate, clinic, wanted.id)


async def resume(store: Store, clinic: int, rules: Rules, idle: timedelta) -> int:
    """Finish plans that were interrupted; returns how many there were."""
    waiting = await store.read(broadcasts.unfinished, clinic, store.clock() - idle)
    for wanted in waiting:
        async for _ in plan(store, clinic, wanted, rules):
            pass
    return len(waiting)


def numbered(wanted: Broadcast, number: int) -> Broadcast:
    """The broadcast as ordered under this number."""
    return replace(wanted, id=number)


async def _pages(store: Store, clinic: int, wanted: Broadcast) -> AsyncIterator[tuple[list[Facts], Position]]:
    after: Position | None = None
    while True:
        candidates = await store.read(broadcasts.audience, clinic, wanted, after, PAGE)
        if not candidates:
            return
        asked = [(wanted, person, about) for person, about, _ in candidates]
        page = await store.read(facts.load, clinic, asked)
        person, about, moment = candidates[-1]
        after = (moment, about) if moment else (None, person)
        yield page.facts, after


def _planned(decision: Decision, now: datetime) -> Planned:
    known = decision.facts
    contact = known.contacts.get(decision.channel)
    state, due_at, reason = _first_state(decision.verdict, known, now)
    return Planned(
        recipient=known.recipient.id,
        channel=decision.channel.value,
        appointment=known.appointment.id if known.appointment else 0,
        address=contact.address if contact else "",
        state=state,
        due_at=due_at,
        expires_at=policy.expiry(known),
        reason=reason,
    )


def _first_state(verdict: Verdict, known: Facts, now: datetime) -> tuple[State, datetime, str | None]:
    match verdict:
        case Allow():
            return State.SCHEDULED, max(now, known.broadcast.send_at), None
        case Defer(until=until, reason=reason):
            return State.SCHEDULED, until, reason
        case Refuse(reason=reason, state=state):
            return state, now, reason
