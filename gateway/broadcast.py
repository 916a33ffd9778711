"""Audience and schedule become messages, page by page; the plan judges as the dispatcher will."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Hashable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from gateway import policy, wording
from gateway.domain import Broadcast, Channel, Facts, MessageType, RingwellError, State, Step
from gateway.domain.message_types import TYPES, Audience
from gateway.judged import judged
from gateway.known import known_for, with_stop
from gateway.policy import Allow, Defer, Refuse, Rules, Verdict, bundle, cascade
from gateway.policy.caps import counted_since
from gateway.policy.moments import moment_of
from gateway.wording.missing import Needs
from store import broadcasts, bundles, lists, stops
from store.broadcasts import Planned, Position
from store.engine import Store
from store.facts import Page
from store.stops import Stop

T = TypeVar("T")
PAGE = 1000
# The reason of a message whose template names what is not known of its recipient.
MISSING_VALUE = "missing-value"


class Decision(NamedTuple):
    """What the plan decides for one step of one recipient, and why."""

    facts: Facts
    channel: Channel
    verdict: Verdict
    step: int = 0
    # Told in another message.
    is_led: bool = False


class OrderError(RingwellError):
    """A broadcast was ordered that cannot be carried out."""


def judge(all_facts: Sequence[Facts], now: datetime, rules: Rules, needs: Needs) -> list[Decision]:
    """The verdict for each recipient on the channel that their preference or the broadcast chooses.

    With a cascade, one for each of its steps.
    """
    return [decision for known in all_facts for decision in _steps(known, now, rules, needs)]


def _steps(known: Facts, now: datetime, rules: Rules, needs: Needs) -> Iterator[Decision]:
    for number, channel in enumerate(cascade.channels(known)):
        decision = _alone(known, channel, number, now, rules, needs)
        yield decision
        known = _after(known, decision, now)


def _alone(
    known: Facts, channel: Channel, number: int, now: datetime, rules: Rules, needs: Needs
) -> Decision:
    return Decision(known, channel, _verdict(known, channel, now, rules, needs), number)


def _verdict(known: Facts, channel: Channel, now: datetime, rules: Rules, needs: Needs) -> Verdict:
    verdict = policy.decide(known, channel, None, now, rules)
    # Refusals by policy say more: whoever gets nothing lacks nothing.
    if isinstance(verdict, Refuse):
        return verdict
    return _about_words(known, channel, rules, needs) or verdict


def _about_words(known: Facts, channel: Channel, rules: Rules, needs: Needs) -> Refuse | None:
    """Whether the words lack something, or may not be sent: as the dispatcher will find."""
    if missing := needs.missing(known, channel):
        return Refuse(MISSING_VALUE, basis=", ".join(f"placeholder:{name}" for name in missing))
    if not policy.binds(known, channel, rules):
        return None
    try:
        return policy.unfit(known, channel, wording.compose(known, channel, rules.clinic), rules)
    except wording.SlotError:
        # Then there are no words to be judged: the dispatcher closes the message with this reason.
        return None


def _told_stopped(decision: Decision, held: Sequence[Stop], now: datetime, rules: Rules) -> Decision:
    """With the stop that keeps it from going: it binds at the dispatcher's gate, whatever was planned."""
    if not held or not isinstance(decision.verdict, Allow):
        return decision
    known = with_stop(decision.facts, decision.channel, held)
    verdict = policy.decide(known, decision.channel, None, now, rules)
    return decision._replace(facts=known, verdict=verdict)


def _after(known: Facts, decided: Decision, now: datetime) -> Facts:
    """What is known when the next step is judged."""
    if not known.broadcast.cascade:
        return known
    state, due_at, _ = _first_state(decided.verdict, now)
    return replace(known, steps=(*known.steps, Step(decided.channel, state, due_at=due_at)))


async def preview(
    store: Store, clinic: int, wanted: Broadcast, rules: Rules
) -> AsyncGenerator[list[Decision]]:
    """Pages of decisions, nothing written: who would get it, and why not."""
    held = await store.read(stops.current, clinic)
    async with aclosing(_judged(store, clinic, wanted, rules)) as pages:
        async for page in pages:
            yield [_told_stopped(one, held, page.at, rules) for one in page.decisions]


async def order(store: Store, clinic: int, wanted: Broadcast) -> int:
    """Write down a broadcast and return its number. Raises OrderError or TemplateError."""
    await check(store, clinic, wanted)
    return await store.run(broadcasts.order, clinic, wanted, store.clock())


async def check(store: Store, clinic: int, wanted: Broadcast) -> None:
    """Raise OrderError or TemplateError unless class, list and texts go with the message type."""
    rules = TYPES[wanted.type]
    if wanted.bundle:
        _check_bundle(wanted)
    if wanted.broadcast_class not in rules.classes:
        raise OrderError(
            f"messages of type {wanted.type} are {' or '.join(rules.classes)}, not {wanted.broadcast_class}"
        )
    if (rules.audience is Audience.LIST) != (wanted.custom_list is not None):
        needs = "needs a list: name it with --list" if rules.audience is Audience.LIST else "has no list"
        raise OrderError(f"a broadcast of type {wanted.type} {needs}")
    if wanted.timing is not None and rules.audience in (Audience.LIST, Audience.EVERYBODY):
        raise OrderError(f"messages of type {wanted.type} are about nothing that they could go before")
    columns: tuple[str, ...] = ()
    if wanted.custom_list is not None:
        columns = await store.read(lists.columns, clinic, wanted.custom_list)
    wording.check_templates(wanted.templates, wanted.type, columns)


def _check_bundle(wanted: Broadcast) -> None:
    if wanted.type is not MessageType.UPCOMING_APPOINTMENTS:
        raise OrderError("one message for all visits of a day is for reminders of clients' appointments")
    if lacking := wording.without_appointments(wanted.templates):
        raise OrderError(f"template {lacking}: must name <Appointments>, the list of all visits of the day")


async def plan(
    store: Store, clinic: int, wanted: Broadcast, rules: Rules, only_new: bool = False
) -> AsyncIterator[list[Decision]]:
    """Turn an ordered broadcast into messages; yields each page once it is on disk.

    May be interrupted and done again: a recipient who has their message keeps it. `only_new`: those who have
    one are not even looked at.
    """
    async with aclosing(_ahead(_judged(store, clinic, wanted, rules, only_new))) as pages:
        async for decisions, as_of, at in pages:
            planned = [planned_as(decision, as_of, at, rules) for decision in decisions]
            if not await store.run(broadcasts.add_messages, clinic, wanted.id, planned, at):
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


class _Judged(NamedTuple):
    """Decisions on a page, the position of the consent ledger that they rest on, and their moment."""

    decisions: list[Decision]
    consent_as_of: int
    at: datetime


async def _judged(
    store: Store, clinic: int, wanted: Broadcast, rules: Rules, only_new: bool = False
) -> AsyncGenerator[_Judged]:
    """Every page, judged; the next one is read meanwhile."""
    needs = Needs(rules.language)
    async with aclosing(_ahead(_pages(store, clinic, wanted, rules, only_new))) as pages:
        async for page in pages:
            now = store.clock()
            decisions = await _decisions(store, clinic, wanted, page.facts, now, rules, needs)
            yield _Judged(decisions, page.consent_as_of, now)


async def _pages(
    store: Store, clinic: int, wanted: Broadcast, rules: Rules, only_new: bool = False
) -> AsyncGenerator[Page]:
    """The facts that the dispatcher will look at, calls and texts of the last days among them."""
    since = counted_since(store.clock()) if rules.are_capped else None
    after = None
    while found := await _page(store, clinic, wanted, since, only_new, after):
        page, after = found
        yield page


async def _ahead(pages: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """The same, the next one being made while one is used."""
    following = asyncio.create_task(anext(pages, None))
    try:
        while (page := await following) is not None:
            following = asyncio.create_task(anext(pages, None))
            yield page
    finally:
        # Not cancelled: a connection whose query is broken off is lost.
        await asyncio.gather(following, return_exceptions=True)
        await pages.aclose()


async def _page(
    store: Store,
    clinic: int,
    wanted: Broadcast,
    since: datetime | None,
    only_new: bool,
    after: Position | None,
) -> tuple[Page, Position] | None:
    """A page and its last position; None behind the last one."""
    candidates = await store.read(broadcasts.audience, clinic, wanted, after, PAGE, only_new)
    if not candidates:
        return None
    asked = [(wanted, person, about) for person, about, _ in candidates]
    person, about, moment = candidates[-1]
    return await known_for(store, clinic, asked, since), (moment, about) if moment else (None, person)


def planned_as(decision: Decision, consent_as_of: int, now: datetime, rules: Rules) -> Planned:
    """The message that a decision becomes."""
    known = decision.facts
    contact = known.contacts.get(decision.channel)
    state, due_at, reason = _first_state(decision.verdict, now)
    return Planned(
        recipient=known.recipient.id,
        channel=decision.channel,
        appointment=_number_of(known),
        address=contact.address if contact else "",
        state=state,
        due_at=due_at,
        expires_at=max(map(policy.expiry, (known, *known.together))),
        reason=reason,
        judged=judged(decision.verdict, known, decision.channel, consent_as_of, now, rules),
        step=decision.step,
        members=tuple((one.recipient.id, _number_of(one)) for one in known.together),
        is_led=decision.is_led,
        visit=known.appointment,
    )


async def _decisions(
    store: Store,
    clinic: int,
    wanted: Broadcast,
    page: Sequence[Facts],
    now: datetime,
    rules: Rules,
    needs: Needs,
) -> list[Decision]:
    """The decisions on a page, with visits of one day put together, also with those of other pages."""
    if not wanted.bundle:
        return judge(page, now, rules, needs)
    there = [(known.recipient.id, _number_of(known)) for known in page]
    others = await store.read(bundles.siblings, clinic, wanted, there)
    since = counted_since(now) if rules.are_capped else None
    beside = await known_for(store, clinic, [(wanted, person, about) for person, about in others], since)
    found = _bundled([*page, *beside.facts], now, rules, needs)
    return [one for steps in found[: len(page)] for one in steps]


def _bundled(everybody: list[Facts], now: datetime, rules: Rules, needs: Needs) -> list[list[Decision]]:
    """The decisions on the steps of each; what they are told together counts for the step behind it."""
    ways = [cascade.channels(known) for known in everybody]
    known, found = list(everybody), [list[Decision]() for _ in everybody]
    for step in range(max(map(len, ways))):
        alone = {
            n: _alone(known[n], channels[step], step, now, rules, needs)
            for n, channels in enumerate(ways)
            if step < len(channels)
        }
        groups: dict[Hashable, list[int]] = defaultdict(list)
        for n, one in alone.items():
            if not isinstance(one.verdict, Refuse) and (key := bundle.key(one.facts, one.channel)):
                groups[key].append(n)
        leading = [
            (group, _leading([alone[n] for n in group], now, rules, needs)) for group in groups.values()
        ]
        led = {n: first for group, first in leading for n in group}
        for n, one in alone.items():
            found[n].append(_in_bundle(one, led.get(n)))
            known[n] = _after(known[n], led.get(n, one), now)
    return found


def _leading(group: list[Decision], now: datetime, rules: Rules, needs: Needs) -> Decision:
    """The decision on the message about all of them: about the first visit."""
    first, *rest = sorted(group, key=lambda one: moment_of(one.facts))
    if not rest:
        return first
    known = replace(first.facts, together=tuple(one.facts for one in rest))
    return first._replace(facts=known, verdict=_verdict(known, first.channel, now, rules, needs))


def _in_bundle(decision: Decision, led: Decision | None) -> Decision:
    if led is None or _number_of(led.facts) == _number_of(decision.facts):
        return led or decision
    return decision._replace(is_led=True)


def _number_of(known: Facts) -> int:
    """The number of what a message is about: two messages of a broadcast never have it in common."""
    about = known.appointment or known.occasion
    return about.id if about else 0


def _first_state(verdict: Verdict, now: datetime) -> tuple[State, datetime, str | None]:
    match verdict:
        case Allow():
            return State.SCHEDULED, now, None
        case Defer(until=until, reason=reason):
            return State.SCHEDULED, until, reason
        case Refuse(reason=reason, state=state):
            return state, now, reason
