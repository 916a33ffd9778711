"""Why and why not: every verdict on a client's messages, what it rested on, and what changed in between."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gateway import policy
from gateway.domain import (
    DUE_STATES,
    Channel,
    Facts,
    RingwellError,
    any_notice,
)
from gateway.judged import judged
from gateway.known import known_for, known_of, with_stop
from gateway.policy import Rules
from gateway.policy.caps import counted_since
from gateway.policy.snapshot import Change, Snapshot, changes
from store import history, stops, verdicts
from store import settings as kept_settings
from store import why as records
from store.engine import Store
from store.history import Entry
from store.stops import Stop
from store.verdicts import Judged, Kept
from store.why import Line, Person

LATEST = 5


class UnknownClientError(RingwellError):
    """No client with this id is on record."""


class UnknownMessageError(RingwellError):
    """There is no such message to this client."""


@dataclass(frozen=True, slots=True)
class Different:
    """A fact that changed before a verdict.

    `entries`: the lines that the ledger got meanwhile; `settings`: the changes of settings that decide.
    """

    change: Change
    entries: tuple[int, ...] = ()
    settings: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """A verdict on record, with what had changed since the one before."""

    phase: str
    judged: Judged
    attempt: int | None
    changed: tuple[Different, ...]


@dataclass(frozen=True, slots=True)
class Story:
    """One message: its verdicts in the order of time, what changed since, and the verdict of this moment.

    `now` is None of a message that waits for nothing any more.
    """

    entry: Entry
    steps: tuple[Step, ...]
    since: tuple[Different, ...]
    now: Judged | None


@dataclass(frozen=True, slots=True)
class Why:
    """What holds for a client on each channel now, and the story of their messages.

    `lines` of the ledger, all `changes` of settings that decide, the newest first, and `stops` that hold.
    """

    person: Person
    at: datetime
    channels: Mapping[Channel, Judged]
    stories: tuple[Story, ...]
    lines: Mapping[int, Line]
    changes: Sequence[kept_settings.Change] = ()
    stops: Sequence[Stop] = ()


async def why(store: Store, clinic: int, rules: Rules, name: str, message: int | None = None) -> Why:
    """Everything that is asked about a client: of one message, or of the latest."""
    person = await store.read(records.person, clinic, name)
    if person is None:
        raise UnknownClientError("no client or member of staff has this id")
    return await why_of(store, clinic, rules, person, message)


async def why_of(store: Store, clinic: int, rules: Rules, person: Person, message: int | None = None) -> Why:
    """The same of somebody who is known already."""
    now = store.clock()
    held = await store.read(stops.current, clinic)
    channels = await _by_channel(store, clinic, rules, person, now, held)
    changed = [one for one in await store.read(kept_settings.history, clinic) if _decides(one.name)]
    stories = await _stories(store, clinic, rules, person, message, now, [one.id for one in changed], held)
    asked = _entries_of(channels.values(), stories)
    lines = await store.read(records.lines, clinic, asked)
    return Why(person, now, channels, stories, lines, changed, held)


def _decides(name: str) -> bool:
    return name.startswith("policy.")


async def _by_channel(
    store: Store, clinic: int, rules: Rules, person: Person, now: datetime, held: Sequence[Stop]
) -> dict[Channel, Judged]:
    asked = [(any_notice(one, now), person.id, 0) for one in Channel]
    page = await known_for(store, clinic, asked, counted_since(now))
    return {
        channel: _verdict(with_stop(known, channel, held), channel, None, page.consent_as_of, now, rules)
        for channel, known in zip(Channel, page.facts, strict=True)
    }


def _verdict(
    known: Facts, channel: Channel, address: str | None, as_of: int, now: datetime, rules: Rules
) -> Judged:
    return judged(policy.decide(known, channel, address, now, rules), known, channel, as_of, now, rules)


async def _stories(
    store: Store,
    clinic: int,
    rules: Rules,
    person: Person,
    message: int | None,
    now: datetime,
    changed: Sequence[int],
    held: Sequence[Stop],
) -> tuple[Story, ...]:
    numbers = (
        [message] if message is not None else await store.read(records.latest, clinic, person.id, LATEST)
    )
    asked = await store.read(records.asked_again, clinic, numbers)
    if message is not None and not any(one.recipient == person.id for one in asked):
        raise UnknownMessageError(f"there is no message {message} to this client")
    known, as_of = await known_of(store, clinic, asked, counted_since(now))
    facts = {item.id: (item, found) for item, found in zip(asked, known, strict=True)}
    kept = await store.read(verdicts.of_messages, clinic, numbers)
    entries = await store.read(history.entries_of, clinic, numbers)
    stories = []
    for number in numbers:
        item, found = facts[number]
        planned = policy.Place(Channel(entries[number].channel), item.address)
        channel, address = policy.place_of(found, planned, item.step)
        today = _verdict(with_stop(found, channel, held), channel, address, as_of, now, rules)
        of_this = [one for one in kept if one.message == number]
        stories.append(_story(entries[number], of_this, found, today, changed))
    return tuple(stories)


def _story(entry: Entry, kept: Sequence[Kept], found: Facts, today: Judged, changed: Sequence[int]) -> Story:
    steps, before = [], Snapshot.read(None)
    for one in kept:
        after = Snapshot.read(one.judged.facts)
        steps.append(Step(one.phase, one.judged, one.attempt, _different(before, after, found, changed)))
        before = after
    waits = entry.state in DUE_STATES
    since = _different(before, Snapshot.read(today.facts), found, changed)
    return Story(entry, tuple(steps), since, today if waits else None)


def _different(
    before: Snapshot, after: Snapshot, found: Facts, changed: Sequence[int]
) -> tuple[Different, ...]:
    """Entries of the ledger and changes of settings are told by their numbers: they are only ever added."""
    first, last = before.ledger or 0, after.ledger or 0
    added = tuple(entry.id for entry in found.consents if first <= entry.id < last)
    earlier, later = before.settings or 0, after.settings or 0
    set_ = tuple(number for number in sorted(changed) if earlier < number <= later)
    more = {"consent": (added, ()), "settings": ((), set_)}
    return tuple(Different(one, *more.get(one.what, ())) for one in changes(before, after))


def _entries_of(now: Iterable[Judged], stories: Iterable[Story]) -> set[int]:
    """The numbers of all lines of the ledger that something rests on, or that came in between."""
    found, said = set(), list(now)
    for story in stories:
        said += [step.judged for step in story.steps] + ([story.now] if story.now else [])
        for different in (*story.since, *(one for step in story.steps for one in step.changed)):
            found |= set(different.entries)
    for one in said:
        ground, _, number = one.basis.partition(":")
        if ground == "entry" and number.isdigit():
            found.add(int(number))
    return found
