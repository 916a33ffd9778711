"""What is known of messages when they are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from gateway import wording
from gateway.domain import Broadcast, Channel, Facts
from gateway.policy.caps import CAPPED
from store import bundles, cascades, facts, room
from store.cascades import Place, Standing
from store.engine import Store
from store.facts import Page
from store.queue import Claimed
from store.stops import Stop


async def known_of(
    store: Store, clinic: int, claimed: Sequence[Claimed], since: datetime | None = None
) -> tuple[list[Facts], int]:
    """The facts of each message, in this order, and the position of the consent ledger they were read at.

    `since`: how far back calls and texts are counted; None: they are not.
    """
    if all(item.broadcast for item in claimed):
        return await _of_broadcasts(store, clinic, claimed, since)
    planned = [item for item in claimed if item.broadcast]
    alone = [item for item in claimed if not item.broadcast]
    known, as_of = await _of_broadcasts(store, clinic, planned, since)
    directs = await store.read(facts.load_directs, clinic, alone)
    found = dict(zip([item.id for item in (*planned, *alone)], [*known, *directs.facts], strict=True))
    return [found[item.id] for item in claimed], min(as_of, directs.consent_as_of)


async def _of_broadcasts(
    store: Store, clinic: int, claimed: Sequence[Claimed], since: datetime | None
) -> tuple[list[Facts], int]:
    orders = await store.read(facts.broadcasts, clinic, {item.broadcast for item in claimed})
    asked = [(orders[item.broadcast], item.recipient, item.appointment) for item in claimed]
    page = await known_for(store, clinic, asked, since)
    left = await _voicemails(store, clinic, claimed, orders)
    known = [
        replace(found, tried=True, voicemails=left.get(item.id, 0)) if item.attempt else found
        for item, found in zip(claimed, page.facts, strict=True)
    ]
    known, as_of = await _together(store, clinic, claimed, known, page.consent_as_of, since)
    return await _with_steps(store, clinic, claimed, known), as_of


async def _together(
    store: Store,
    clinic: int,
    claimed: Sequence[Claimed],
    known: list[Facts],
    as_of: int,
    since: datetime | None,
) -> tuple[list[Facts], int]:
    """The same with the other visits that each message tells of, and the earlier position of the ledger."""
    asking = [item.id for item, found in zip(claimed, known, strict=True) if found.broadcast.bundle]
    members = await store.read(bundles.members, clinic, asking) if asking else {}
    if not members:
        return known, as_of
    orders = {item.id: found.broadcast for item, found in zip(claimed, known, strict=True)}
    asked = [(orders[number], *one) for number, those in members.items() for one in those]
    page = await known_for(store, clinic, asked, since)
    others = iter(page.facts)
    beside = {number: tuple(next(others) for _ in those) for number, those in members.items()}
    whole = [
        replace(found, together=tuple(replace(one, tried=found.tried) for one in beside[item.id]))
        if item.id in beside
        else found
        for item, found in zip(claimed, known, strict=True)
    ]
    return whole, min(as_of, page.consent_as_of)


async def known_for(
    store: Store, clinic: int, asked: Sequence[tuple[Broadcast, int, int]], since: datetime | None = None
) -> Page:
    """The same for each (broadcast, recipient, appointment or 0), whether or not there is a message yet."""
    page = await store.read(facts.load, clinic, asked)
    return Page(page.consent_as_of, await _with_contacts_made(store, clinic, page.facts, since))


def with_stop(known: Facts, channel: Channel, held: Sequence[Stop]) -> Facts:
    """With the stop that keeps the channel from sending: the dispatcher waits for it at its gate."""
    stop = next((one.id for one in held if one.covers(channel)), None)
    return known if stop is None else replace(known, stop=stop)


async def _with_steps(
    store: Store, clinic: int, claimed: Sequence[Claimed], known: list[Facts]
) -> list[Facts]:
    """The same with what became of the other steps, where there is a cascade."""
    asking = [(item, found) for item, found in zip(claimed, known, strict=True) if found.broadcast.cascade]
    if not asking:
        return known
    places = {
        item.id: [_place(item, item.recipient, item.appointment)]
        + [
            _place(item, one.recipient.id, one.appointment.id if one.appointment else 0)
            for one in found.together
        ]
        for item, found in asking
    }
    wanted = [place for those in places.values() for place in those]
    stand = iter(await store.read(cascades.standings, clinic, wanted))
    seen = {number: [next(stand) for _ in those] for number, those in places.items()}
    return [
        _standing(found, seen[item.id]) if item.id in seen else found
        for item, found in zip(claimed, known, strict=True)
    ]


def _place(item: Claimed, recipient: int, appointment: int) -> Place:
    return item.broadcast, recipient, appointment, item.step


def _standing(found: Facts, seen: Sequence[Standing]) -> Facts:
    """The same with how the cascade of each of its visits stands."""
    first, *rest = [
        replace(one, steps=how.steps, overtaken=how.overtaken, answered=how.answered)
        for one, how in zip((found, *found.together), seen, strict=True)
    ]
    return replace(first, together=tuple(rest))


async def _with_contacts_made(
    store: Store, clinic: int, known: list[Facts], since: datetime | None
) -> list[Facts]:
    """The same with the calls and texts that each recipient got, on whichever of their numbers."""
    if since is None:
        return known
    numbers = {number for found in known for number in numbers_of(found)}
    made = await store.read(room.contacts_made, clinic, numbers, since)
    return [_with_made(found, made) for found in known] if made else known


def _with_made(found: Facts, made: Mapping[str, Sequence[datetime]]) -> Facts:
    contacted = tuple(moment for number in numbers_of(found) for moment in made.get(number, ()))
    return replace(found, contacted=contacted) if contacted else found


def numbers_of(found: Facts) -> frozenset[str]:
    """Where the recipient is called and texted: what goes to any of them counts."""
    return frozenset({found.contacts[channel].address for channel in CAPPED if channel in found.contacts})


async def _voicemails(
    store: Store, clinic: int, claimed: Sequence[Claimed], orders: Mapping[int, Broadcast]
) -> Mapping[int, int]:
    """Those left by earlier attempts, where a template leaves more than one."""
    asking = {id for id, order in orders.items() if wording.most_voicemails(order.templates) > 1}
    messages = [item.id for item in claimed if item.broadcast in asking and item.attempt]
    return await store.read(facts.voicemails, clinic, messages) if messages else {}
