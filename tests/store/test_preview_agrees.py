"""What a preview says is what is decided at dispatch, unless a fact changed: then the change is seen."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from gateway import broadcast, policy
from gateway.domain import Broadcast, Channel, Limited, MessageType, Source, State
from gateway.judged import judged
from gateway.known import known_of, numbers_of
from gateway.policy import Allow, Rules
from gateway.policy.caps import counted_since
from gateway.policy.snapshot import Snapshot, changes
from gateway.settings import Settings
from store import ledger, people, room
from store.ledger import Bad
from store.schema import attempt, consent, message
from store.verdicts import Judged
from tests.store.world import CLINIC, NOON, World

RULES = Rules.of(Settings())
CHANNELS = (Channel.SMS, Channel.VOICE, Channel.EMAIL)


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of client; `made`: how often their number was called and texted before, hours ago."""

    name: str
    person: dict[str, Any]
    made: tuple[int, ...] = ()
    bad: bool = False


def _with(*channels: Channel, **more: Any) -> dict[str, Any]:
    return {"channels": channels, **more}


KINDS = (
    Kind("willing", _with(*CHANNELS)),
    Kind("prefers mail", _with(*CHANNELS, preferred=Channel.EMAIL)),
    Kind("prefers calls", _with(*CHANNELS, preferred=Channel.VOICE)),
    Kind("prefers what there is no address for", _with(Channel.SMS, preferred=Channel.FAX)),
    Kind("still asleep", _with(*CHANNELS, zone="Pacific/Honolulu")),
    Kind("asleep, prefers mail", _with(*CHANNELS, zone="Pacific/Honolulu", preferred=Channel.EMAIL)),
    Kind("withdrawn", _with(*CHANNELS, consent=False)),
    Kind("never asked", _with(*CHANNELS, consent=None)),
    Kind("mail alone", _with(Channel.EMAIL)),
    Kind("number that nobody has", _with(Channel.SMS), bad=True),
    Kind("had enough today", _with(Channel.SMS, Channel.VOICE), made=(1, 2, 3)),
    Kind("had enough this week", _with(Channel.SMS, visit_in=100), made=(25, 26, 50, 51, 75, 76, 100)),
    Kind("had some", _with(Channel.SMS, Channel.VOICE), made=(1, 30)),
    Kind("visit before the window", _with(*CHANNELS, zone="Pacific/Honolulu", visit_in=1)),
    Kind("visit before the cap is over", _with(Channel.SMS), made=(1, 2, 3)),
)


async def _client(world: World, number: int, kind: Kind) -> int:
    told = dict(kind.person)
    phone = f"+1202555{number:04}"
    ways = {Channel.EMAIL: f"c{number}@example.org"}
    details = {channel: ways.get(channel, phone) for channel in told.pop("channels")}
    hours = told.pop("visit_in", 30 if "visit" not in kind.name else 10)
    person = await world.person(f"c{number}", details=details, **told)
    await world.visit(f"v{number}", f"c{number}", starts_at=NOON + timedelta(hours=hours))
    if kind.bad:
        bad = Bad(Channel.SMS, phone, Source.INVALID)
        await world.store.run(ledger.suppress, CLINIC, [bad], world.clock())
    for ago in kind.made:
        at = NOON - timedelta(hours=ago)
        sent = await world.message(State.DELIVERED, address=phone, started_at=at, broadcast=0)
        same = {"outcome": "delivered", "cause": "x", "evidence": {}, "charged": True}
        row = same | {"clinic": CLINIC, "message": sent, "number": 1, "started_at": at, "settled_at": at}
        await world.store.run(lambda conn, row=row: conn.execute(attempt.insert(), [row]))
    return person


async def _planned(world: World) -> tuple[Broadcast, dict[int, Judged]]:
    """A broadcast to all, and the plan's verdict on each client."""
    order = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, only_preference=True)
    previewed = [one async for page in broadcast.preview(world.store, CLINIC, order, RULES) for one in page]
    decided = [one async for page in broadcast.plan(world.store, CLINIC, order, RULES) for one in page]
    assert [(one.facts, one.verdict) for one in previewed] == [(one.facts, one.verdict) for one in decided]
    as_of = len(await world.rows(consent)) + 1
    found = {
        one.facts.recipient.id: judged(one.verdict, one.facts, one.channel, as_of, NOON, RULES)
        for one in decided
    }
    return order, found


async def _at_dispatch(world: World, order: Broadcast) -> dict[int, Judged]:
    """The verdict that each message would meet when it leaves, those that the plan refused as well."""
    await world.store.run(
        lambda conn: conn.execute(
            update(message)
            .where(message.c.broadcast == order.id)
            .values(state="queued", due_at=NOON, lease_owner=None, lease_until=None)
        )
    )
    found, now = {}, world.clock()
    for channel in Channel:
        claimed = await world.claim(channel=channel)
        known, as_of = await known_of(world.store, CLINIC, claimed, counted_since(now))
        for item, facts in zip(claimed, known, strict=True):
            by, to = policy.place_of(facts, policy.Place(channel, item.address), item.step)
            verdict = policy.decide(facts, by, to, now, RULES)
            found[item.recipient] = judged(verdict, facts, by, as_of, now, RULES)
    return found


async def _population(world: World) -> list[tuple[int, Kind]]:
    clients = [(number, kind) for number, kind in enumerate(KINDS * 2)]
    return [(await _client(world, number, kind), kind) for number, kind in clients]


async def test_preview_plan_and_dispatch_decide_alike_on_everybody(world: World) -> None:
    everybody = await _population(world)
    order, planned = await _planned(world)
    assert len(planned) == len(everybody)
    assert await _at_dispatch(world, order) == planned
    reasons = {(one.kind, one.reason) for one in planned.values()}
    assert {("allow", None), ("defer", "outside-window"), ("defer", "day-cap")} <= reasons
    assert {("defer", "week-cap"), ("refuse", "consent-withdrawn"), ("refuse", "no-consent")} <= reasons
    assert {("refuse", "no-address"), ("refuse", "bad-address")} <= reasons
    assert {("refuse", "window-after-expiry"), ("refuse", "cap-after-expiry")} <= reasons


async def test_a_plan_that_is_left_early_has_written_what_it_told_and_is_finished_by_the_next(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broadcast, "PAGE", 2)
    everybody = {person for person, _ in await _population(world)}
    order = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, only_preference=True)
    async with aclosing(broadcast.plan(world.store, CLINIC, order, RULES)) as pages:
        told = [one.facts.recipient.id for one in await anext(pages)]
    assert await _recipients(world, order) == sorted(told)
    async for _ in broadcast.plan(world.store, CLINIC, order, RULES):
        pass
    assert await _recipients(world, order) == sorted(everybody)


async def _recipients(world: World, order: Broadcast) -> list[int]:
    return sorted(row["recipient"] for row in await world.rows(message, broadcast=order.id))


async def test_what_changed_in_between_is_seen_and_nothing_else_differs(world: World) -> None:
    everybody = await _population(world)
    willing = [person for person, kind in everybody if kind.name == "willing"]
    some = [person for person, kind in everybody if kind.name == "had some"]
    order, planned = await _planned(world)
    await world.store.run(people.add_consent, CLINIC, [willing[0]], False, Source.TEXT, NOON)
    number = everybody.index((some[0], KINDS[12]))
    await world.person(f"c{number}", details={Channel.SMS: "+12025559999"})
    found = await _at_dispatch(world, order)
    changed = {who for who in planned if _without_ledger(found[who]) != _without_ledger(planned[who])}
    assert changed == {willing[0], some[0]}
    assert found[willing[0]].reason == "consent-withdrawn"
    assert _different(planned[willing[0]], found[willing[0]]) == {"consent"}
    assert found[some[0]].kind == "allow"
    assert _different(planned[some[0]], found[some[0]]) == {"address", "attempts"}


async def test_a_preference_that_is_set_after_the_plan_is_followed(world: World) -> None:
    both = {Channel.SMS: "+12025550001", Channel.EMAIL: "c@example.org"}
    number = await world.person("c", details=both)
    await world.visit("v", "c", starts_at=NOON + timedelta(hours=30))
    order, planned = await _planned(world)
    assert planned[number].kind == "allow"
    await world.person("c", details=both, preferred=Channel.EMAIL)
    found = await _at_dispatch(world, order)
    assert found[number].kind == "allow"
    assert _different(planned[number], found[number]) == {"preference", "address"}
    await world.person("c", details={Channel.SMS: "+12025550001"}, preferred=Channel.EMAIL)
    found = await _at_dispatch(world, order)
    assert (found[number].kind, found[number].reason, found[number].basis) == (
        "refuse",
        "not-preferred",
        "client",
    )


async def test_a_preference_that_is_taken_back_ends_nothing(world: World) -> None:
    both = {Channel.SMS: "+12025550001", Channel.EMAIL: "c@example.org"}
    number = await world.person("c", details=both, preferred=Channel.EMAIL)
    await world.visit("v", "c", starts_at=NOON + timedelta(hours=30))
    order, _ = await _planned(world)
    await world.person("c", details=both)
    found = await _at_dispatch(world, order)
    assert found[number].kind == "allow"


def _different(planned: Judged, found: Judged) -> set[str]:
    return {one.what for one in changes(Snapshot.read(planned.facts), Snapshot.read(found.facts))}


def _without_ledger(of: Judged) -> Any:
    """The ledger moves on with everybody's entries."""
    return (of.kind, of.reason, of.until, of.basis, *of.facts.split()[1:])


A, SHARED, C, D = (f"+1202555020{digit}" for digit in range(4))
# The first two share a number for texts, the last two one for calls.
FAMILY = (
    {Channel.VOICE: A, Channel.SMS: SHARED},
    {Channel.VOICE: C, Channel.SMS: SHARED},
    {Channel.VOICE: C, Channel.SMS: D},
)


@pytest.mark.parametrize(
    ("made", "waiting"),
    [
        ([SHARED] * 3, {0, 1}),
        ([C] * 3, {1, 2}),
        ([A] * 3, {0}),
        ([A, A, SHARED], {0}),
        ([A, SHARED, C], set()),
        ([SHARED, SHARED, C], {1}),
        ([SHARED, C, D, D], {2}),
        ([SHARED, SHARED, D, D], set()),
        ([A, SHARED, SHARED, C, C], {0, 1}),
    ],
)
async def test_who_shares_a_number_is_counted_with_it_once_by_preview_and_start_alike(
    world: World, made: list[str], waiting: set[int]
) -> None:
    people = []
    for number, details in enumerate(FAMILY):
        people.append(await world.person(f"c{number}", details=details))
        await world.visit(f"v{number}", f"c{number}", starts_at=NOON + timedelta(hours=30))
    for address in made:
        await world.message(State.SENDING, address=address, broadcast=0)
    for channel in (Channel.SMS, Channel.VOICE):
        order = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, channel=channel)
        decided = [one async for page in broadcast.preview(world.store, CLINIC, order, RULES) for one in page]
        held = {one.facts.recipient.id for one in decided if not isinstance(one.verdict, Allow)}
        limited = {
            one.facts.recipient.id: Limited(
                one.facts.contacts[channel].address,
                numbers_of(one.facts),
                policy.limits_on(one.facts, channel, NOON, RULES),
            )
            for one in decided
        }
        full = set()
        for person, its in limited.items():
            full |= await world.store.read(room.without_room, CLINIC, {person: its}, NOON)
        assert held == full == {people[number] for number in waiting}
