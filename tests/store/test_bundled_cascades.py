"""Visits of one day in one message, step after step of a cascade, and by the time of the first of them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway import broadcast as planning
from gateway import wording
from gateway.dispatch import Dispatcher
from gateway.domain import (
    Broadcast,
    BroadcastClass,
    Channel,
    Facts,
    MessageType,
    Purpose,
    Reply,
    ReplyKind,
    State,
    Then,
)
from gateway.domain.offsets import Timing, parse_offset
from gateway.known import known_of
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.planner import Planner
from gateway.policy import Allow, Defer, Refuse, Rules, decide
from gateway.settings import Settings
from gateway.wording import for_several
from store import ledger, register, rules, visits
from store.ledger import Entry
from store.people import Visit
from store.rules import Rule
from store.schema import appointment, bundled, message
from store.settle import Settlement
from tests.store.test_intake import hear
from tests.store.world import CLINIC, NOON, OWNER, World, delivered

SMS, VOICE, EMAIL = Channel.SMS, Channel.VOICE, Channel.EMAIL
HOME = "+12025550101"
HOUR = timedelta(hours=1)
DAY = {"opens": "00:00", "closes": "00:00"}
SETTINGS = Settings.model_validate({"clinic": {"zone": "UTC"}, "policy": {"sms": DAY, "voice": DAY}})
RULES = Rules.of(SETTINGS)
TYPE = MessageType.UPCOMING_APPOINTMENTS
TEXTS = for_several(wording.default_templates(TYPE), "en")
TOMORROW = NOON + timedelta(hours=21)
CALLED = (Then(VOICE, 4 * HOUR),)
MAILED = (Then(EMAIL, 4 * HOUR),)


async def client(world: World, name: str) -> int:
    """A client with the family's number and a mailbox of their own, who agreed to share."""
    places = {SMS: HOME, VOICE: HOME, EMAIL: f"{name}@home.example"}
    number = await world.person(name, given_name=name, details=places)
    entry = Entry(number, True, "staff", purpose=Purpose.FAMILY)
    await world.store.run(ledger.add, CLINIC, [entry], NOON)
    return number


async def ordered(world: World, **changes: Any) -> Broadcast:
    usual: dict[str, Any] = {"bundle": True, "zone": "UTC", "templates": TEXTS}
    order = await world.broadcast(TYPE, **(usual | changes))
    async for _ in planning.plan(world.store, CLINIC, order, RULES):
        pass
    return order


async def family(world: World, **changes: Any) -> Broadcast:
    """Rosa at nine, Ben at noon of tomorrow, told together; Rosa is recipient 1, Ben 2."""
    for name, hours in (("rosa", 0), ("ben", 3)):
        await client(world, name)
        await world.visit(f"v-{name}", name, starts_at=TOMORROW + hours * HOUR)
    return await ordered(world, **({"cascade": CALLED} | changes))


async def told(world: World, order: Broadcast) -> list[tuple[int, int, set[int], str]]:
    """(step, recipient, visits, state) of each message."""
    beside = await world.rows(bundled, broadcast=order.id)
    found = []
    for row in await world.rows(message, broadcast=order.id):
        others = {one["appointment"] for one in beside if one["message"] == row["id"]}
        found.append((row["step"], row["recipient"], {row["appointment"]} | others, row["state"]))
    return sorted(found, key=lambda one: (one[0], min(one[2])))


async def sent(world: World, channel: Channel, state: State = State.DELIVERED) -> int:
    """What is due on this channel is claimed, started and settled so."""
    (item,) = await world.claim(channel=channel)
    assert item.id in await world.start([item.id])
    failed = Settlement(item.id, 1, State.FAILED, outcome="failed", cause="no-such-number", charged=True)
    await world.settle(delivered(item.id) if state is State.DELIVERED else failed)
    return item.id


async def judged(world: World, channel: Channel) -> tuple[Facts, Allow | Defer | Refuse]:
    """What the dispatcher makes of the one message that is due on this channel."""
    (item,) = await world.claim(channel=channel)
    (known,), _ = await known_of(world.store, CLINIC, [item])
    link = StoreLink(world.store)
    stage: Any = type("Line", (), {"name": channel})()
    dispatcher = Dispatcher(stage, link, Outbox(link, SETTINGS, OWNER), SETTINGS, OWNER)
    if known.together:
        item, known = await dispatcher._parted(item, known, world.clock())
    return known, decide(known, channel, item.address, world.clock(), RULES)


def visits_of(known: Facts) -> set[int]:
    return {one.appointment.id for one in (known, *known.together) if one.appointment}


async def answer(world: World, kind: ReplyKind, number: int, channel: Channel = SMS) -> None:
    await hear(world, Reply(channel, kind, HOME, world.clock(), "", f"rw-{CLINIC}-{number}-1"))


async def moved(world: World, name: str, starts_at: datetime, status: str = "booked") -> None:
    visit = Visit(f"v-{name}", name, None, starts_at, "Check-up", "Dr. Ito", status)
    await world.store.run(register.save_visits, CLINIC, [visit], now=world.clock())


# --- cascades ---


async def test_each_step_tells_of_all_visits_and_a_plan_done_again_changes_nothing(world: World) -> None:
    order = await family(world)
    whole = [(0, 1, {1, 2}, "scheduled"), (1, 1, {1, 2}, "scheduled")]
    assert await told(world, order) == whole
    async for _ in planning.plan(world.store, CLINIC, order, RULES):
        pass
    assert await told(world, order) == whole


@pytest.mark.parametrize(
    ("kind", "field"), [(ReplyKind.CONFIRM, "confirmed_at"), (ReplyKind.NOT_COMING, "cancelled_at")]
)
async def test_one_answer_is_about_all_visits_and_ends_the_whole(
    world: World, kind: ReplyKind, field: str
) -> None:
    order = await family(world)
    number = await sent(world, SMS)
    await answer(world, kind, number)
    assert {row[field] for row in await world.rows(appointment)} == {NOON}
    assert [state for *_, state in await told(world, order)] == ["delivered", "cancelled"]


async def test_the_next_step_waits_for_the_one_before_and_then_tells_of_all(world: World) -> None:
    await family(world)
    await sent(world, SMS)
    world.clock.move(hours=3)
    assert await world.claim(channel=VOICE) == []
    world.clock.move(hours=1)
    known, verdict = await judged(world, VOICE)
    assert (visits_of(known), isinstance(verdict, Allow)) == ({1, 2}, True)
    assert [step.state for step in known.steps] == [State.DELIVERED]


async def test_when_the_first_visit_is_called_off_the_next_step_still_waits_and_tells_of_the_rest(
    world: World,
) -> None:
    order = await family(world)
    await sent(world, SMS)
    world.clock.move(hours=1)
    await moved(world, "rosa", TOMORROW, "cancelled")
    known, verdict = await judged(world, VOICE)
    assert visits_of(known) == {2}
    assert isinstance(verdict, Defer)
    assert (verdict.until, verdict.reason) == (NOON + 4 * HOUR, "earlier-step")
    ends = [(step, visits) for step, _, visits, state in await told(world, order) if state == "cancelled"]
    assert ends == [(1, {1})]


async def test_a_first_step_that_lost_its_first_visit_still_has_the_next_one_behind_it(world: World) -> None:
    order = await family(world)
    await moved(world, "rosa", TOMORROW, "cancelled")
    known, _ = await judged(world, SMS)
    assert visits_of(known) == {2}
    (item,) = [row for row in await world.rows(message, broadcast=order.id) if row["state"] == "claimed"]
    await world.start([item["id"]])
    failed = Settlement(item["id"], 1, State.FAILED, outcome="failed", cause="x", charged=True)
    world.clock.move(minutes=5)
    await world.settle(failed)
    known, verdict = await judged(world, VOICE)
    assert (visits_of(known), isinstance(verdict, Allow)) == ({2}, True)


async def test_a_step_that_reached_nobody_lets_the_next_one_go_at_once(world: World) -> None:
    await family(world, cascade=MAILED)
    world.clock.move(minutes=5)
    await sent(world, SMS, State.FAILED)
    assert sorted(item.recipient for item in await world.claim(channel=EMAIL)) == [1, 2]


async def test_a_visit_that_was_confirmed_otherwise_is_left_out_of_the_next_step(world: World) -> None:
    order = await family(world)
    await sent(world, SMS)
    await world.store.run(visits.mark, CLINIC, 2, NOON)
    world.clock.move(hours=4)
    known, verdict = await judged(world, VOICE)
    assert (visits_of(known), isinstance(verdict, Allow)) == ({1}, True)
    (left,) = [row for row in await world.rows(message, broadcast=order.id) if row["appointment"] == 2]
    assert (left["step"], left["state"], left["reason"]) == (1, "cancelled", "already-answered")


async def test_steps_to_other_addresses_are_each_ones_own(world: World) -> None:
    order = await family(world, cascade=MAILED)
    assert await told(world, order) == [
        (0, 1, {1, 2}, "scheduled"),
        (1, 1, {1}, "scheduled"),
        (1, 2, {2}, "scheduled"),
    ]
    number = await sent(world, SMS)
    world.clock.move(hours=4)
    claimed = await world.claim(channel=EMAIL)
    for known in (await known_of(world.store, CLINIC, claimed))[0]:
        assert [step.state for step in known.steps] == [State.DELIVERED]
    await answer(world, ReplyKind.CONFIRM, number)
    assert [state for *_, state in await told(world, order)] == ["delivered", "cancelled", "cancelled"]


async def test_an_answer_to_ones_own_step_ends_ones_own_alone(world: World) -> None:
    order = await family(world, cascade=(*MAILED, Then(VOICE, HOUR)))
    await sent(world, SMS)
    world.clock.move(hours=4)
    claimed = await world.claim(channel=EMAIL)
    await world.start([item.id for item in claimed])
    for item in claimed:
        await world.settle(delivered(item.id))
    (of_ben,) = [item.id for item in claimed if item.recipient == 2]
    await answer(world, ReplyKind.CONFIRM, of_ben, EMAIL)
    world.clock.move(hours=1)
    known, verdict = await judged(world, VOICE)
    assert (visits_of(known), isinstance(verdict, Allow)) == ({1}, True)
    assert (2, 2, {2}, "cancelled") in await told(world, order)


# --- before what it is about ---


def before(offset: str, following: str = "") -> Timing:
    return Timing(parse_offset(offset), parse_offset(following) if following else None)


async def test_it_goes_by_the_time_of_the_first_visit(world: World) -> None:
    order = await family(world, cascade=(), timing=before("3h"))
    (row,) = await world.rows(message, broadcast=order.id)
    assert (row["due_at"], row["expires_at"]) == (TOMORROW - 3 * HOUR, TOMORROW + 3 * HOUR)
    world.clock.now = TOMORROW - 3 * HOUR
    known, verdict = await judged(world, SMS)
    assert (visits_of(known), isinstance(verdict, Allow)) == ({1, 2}, True)


async def test_a_visit_that_moves_before_the_others_takes_the_message_along(world: World) -> None:
    await family(world, cascade=(), timing=before("3h"))
    await moved(world, "ben", TOMORROW - 2 * HOUR)
    known, verdict = await judged(world, SMS)
    assert visits_of(known) == {1, 2}
    assert isinstance(verdict, Defer)
    assert verdict.until == TOMORROW - 5 * HOUR


async def test_a_visit_that_moves_to_another_day_is_told_alone_at_its_own_time(world: World) -> None:
    order = await family(world, cascade=(), timing=before("3h"))
    await moved(world, "ben", TOMORROW + 27 * HOUR)
    known, verdict = await judged(world, SMS)
    assert visits_of(known) == {1}
    assert isinstance(verdict, Defer)
    assert verdict.until == TOMORROW - 3 * HOUR
    assert [visits for *_, visits, _ in await told(world, order)] == [{1}, {2}]
    known, verdict = await judged(world, SMS)
    assert (visits_of(known), isinstance(verdict, Defer)) == ({2}, True)
    assert isinstance(verdict, Defer)
    assert verdict.until == TOMORROW + 24 * HOUR


async def test_when_the_first_visit_is_over_the_rest_is_not_stale(world: World) -> None:
    """The gateway was away from before the first until after it."""
    await family(world, cascade=(), timing=before("3h"))
    world.clock.now = TOMORROW + HOUR
    known, verdict = await judged(world, SMS)
    assert (visits_of(known), isinstance(verdict, Allow)) == ({2}, True)


# --- rules ---


async def rule(world: World, **changes: Any) -> Planner:
    usual: dict[str, Any] = {"schedule": {"offsets": ["1d@18:00", "3h"]}, "cascade": [("voice", 3600.0)]}
    wanted = Rule(
        0, "Reminders", TYPE, BroadcastClass.HEALTH, SMS, True, TEXTS, bundle=True, **(usual | changes)
    )
    assert await world.store.run(rules.add, CLINIC, wanted, world.clock())
    (kept,) = await world.store.read(rules.listing, CLINIC)
    assert kept.bundle
    return Planner(world.store, CLINIC, "UTC", lambda: RULES)


async def test_a_rule_tells_of_a_day_in_one_message_for_each_step_of_its_sequence(world: World) -> None:
    planner = await rule(world)
    for name, hours in (("rosa", 0), ("ben", 3)):
        await client(world, name)
        await world.visit(f"v-{name}", name, starts_at=TOMORROW + hours * HOUR)
    assert await planner.look()
    rows = await world.rows(message)
    dues = sorted((row["due_at"], row["step"]) for row in rows)
    evening, morning = TOMORROW - 15 * HOUR, TOMORROW - 3 * HOUR
    assert dues == [(evening, 0), (evening + HOUR, 1), (morning, 0), (morning + HOUR, 1)]
    assert {row["appointment"] for row in await world.rows(bundled)} == {2}


async def test_whoever_is_booked_later_has_a_message_of_their_own_and_nobody_gets_two(world: World) -> None:
    planner = await rule(world, cascade=None)
    for name, hours in (("rosa", 0), ("ben", 3)):
        await client(world, name)
        await world.visit(f"v-{name}", name, starts_at=TOMORROW + hours * HOUR)
    await planner.look()
    before = len(await world.rows(message))
    await planner.look()
    world.clock.move(hours=2)
    await world.visit("v-late", "rosa", starts_at=TOMORROW + HOUR)
    await planner.look()
    await planner.look()
    rows = await world.rows(message)
    assert len(rows) == before + 2, "one for each step of the sequence"
    assert {row["appointment"] for row in rows[before:]} <= {1, 3}
    assert sum(row["appointment"] == 3 for row in rows) == 2
