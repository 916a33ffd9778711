"""The steps of a cascade: whom each is for, and when it may follow the one before. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from gateway.domain import Channel, Facts, State, Step
from gateway.settings import CascadeSettings

# Nobody was reached by these: what follows takes their place.
_WITHOUT_EFFECT = (State.FAILED, State.REFUSED, State.EXPIRED, State.CANCELLED)
_SENT = (State.ACCEPTED, State.DELIVERED)
# An unknown step may be settled at any moment, which nobody tells the next one.
_LOOK_AGAIN = timedelta(minutes=15)
_SHORTEST = timedelta(minutes=1)


def channels(facts: Facts) -> tuple[Channel, ...]:
    """The channel of each step: one alone for whoever has a preference that the broadcast honours."""
    order, alone = facts.broadcast, preferred(facts)
    if alone is not None:
        return (alone,)
    return (order.channel, *(step.channel for step in order.cascade))


def is_unwanted(facts: Facts, channel: Channel) -> bool:
    """Whether the recipient prefers another channel, maybe since the plan, and the broadcast honours that."""
    return preferred(facts) not in (None, channel)


def preferred(facts: Facts) -> Channel | None:
    """The only channel for a recipient, where they prefer one and the broadcast honours that."""
    return facts.recipient.preferred if facts.broadcast.only_preference else None


def no_more(facts: Facts) -> str | None:
    """Why this step is of no use any more: somebody has answered, or a later step went instead."""
    number, visit = len(facts.steps), facts.appointment
    if facts.answered or (number and visit is not None and visit.confirmed_at is not None):
        return "already-answered"
    if not facts.overtaken:
        return None
    following = facts.broadcast.cascade[number : number + 1]
    beside = any(step.after is None for step in following)
    return None if beside else "later-step-went"


def held_until(facts: Facts, now: datetime, settings: CascadeSettings) -> datetime | None:
    """Until when this step waits for the one before; None: it need not.

    The wait is that of the first step after the last one with an effect: a call that failed is followed at
    once, and one that never could be made by what takes its place at its time.
    """
    until = _after_wait(facts, now, settings)
    return until if until is not None and until > now else None


def turn(facts: Facts, now: datetime, settings: CascadeSettings) -> datetime | None:
    """When the wait was over, or a step that was tried failed; None: this one takes the first one's time."""
    failed = [step.ended_at or now for step in facts.steps if step.state is State.FAILED]
    waited = _after_wait(facts, now, settings)
    return max([*failed, waited] if waited else failed, default=None)


def _after_wait(facts: Facts, now: datetime, settings: CascadeSettings) -> datetime | None:
    steps = facts.steps
    if not steps:
        return None
    waits = [step.after for step in facts.broadcast.cascade]
    # More steps than there are: messages of two clients who became one.
    if len(steps) > len(waits) or waits[len(steps) - 1] is None:
        return None
    last = max((n for n, step in enumerate(steps) if step.state not in _WITHOUT_EFFECT), default=None)
    if last is None:
        return None
    return _over(steps[last], waits[last] or timedelta(), now, settings)


def _over(step: Step, wait: timedelta, now: datetime, settings: CascadeSettings) -> datetime:
    sent = step.ended_at or now
    if step.state in _SENT:
        return sent + wait
    if step.state is not State.UNKNOWN:
        return max(now, step.due_at or now) + max(wait, _SHORTEST)
    again = max(sent + wait, now + _LOOK_AGAIN)
    given_up = sent + max(wait, timedelta(hours=settings.unknown_hours))
    return min(again, given_up) if settings.unknown_hours else again
