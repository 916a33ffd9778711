"""Visits of one day in one message, each under its own rules: who may not be told is left out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from gateway import broadcast as planning
from gateway import policy, wording
from gateway.dispatch import Dispatcher, Job
from gateway.domain import Broadcast, Channel, Facts, MessageType, Purpose, Reply, ReplyKind, State, Text
from gateway.known import known_of
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.policy import Allow, Defer, Refuse, Rules
from gateway.policy.caps import counted_since
from gateway.settings import Settings
from gateway.wording import compose, for_several
from store import bundles, ledger, people, register
from store.bundles import Together
from store.ledger import Entry
from store.people import Visit
from store.schema import appointment, bundled, message
from tests.store.test_intake import hear
from tests.store.world import CLINIC, NOON, OWNER, World

SMS = Channel.SMS
HOME, OTHER_HOME = "+12025550101", "+12025550102"
HOUR = timedelta(hours=1)
DAY = {"opens": "00:00", "closes": "00:00"}
SETTINGS = Settings.model_validate({"clinic": {"zone": "UTC"}, "policy": {"sms": DAY}})
RULES = Rules.of(SETTINGS)
TYPE = MessageType.UPCOMING_APPOINTMENTS
TOMORROW = NOON + timedelta(hours=21)


async def client(world: World, name: str, address: str = HOME, *, shares: bool = False) -> int:
    number = await world.person(name, given_name=name, details={SMS: address})
    if shares:
        await world.store.run(_shares, number)
    return number


def _shares(conn: Any, number: int) -> None:
    ledger.add(conn, CLINIC, [Entry(number, True, "staff", purpose=Purpose.FAMILY)], NOON)


async def booked(world: World, *of: tuple[str, float]) -> None:
    """Visits tomorrow, so many hours after nine: v1, v2 and so on."""
    for number, (name, hours) in enumerate(of, 1):
        await world.visit(f"v{number}", name, starts_at=TOMORROW + hours * HOUR)


async def planned(world: World, **changes: Any) -> Broadcast:
    usual: dict[str, Any] = {"bundle": True, "zone": "UTC"}
    usual |= {"templates": for_several(wording.default_templates(TYPE), "en")}
    order = await world.broadcast(TYPE, **(usual | changes))
    async for _ in planning.plan(world.store, CLINIC, order, RULES):
        pass
    return order


async def told(world: World, order: Broadcast) -> list[tuple[int, set[int]]]:
    """Each message that waits, with all visits that it tells of."""
    rows = await world.rows(message, broadcast=order.id)
    waiting = [row for row in rows if row["state"] in ("scheduled", "queued", "claimed")]
    beside = await world.rows(bundled)
    found = []
    for row in waiting:
        others = {one["appointment"] for one in beside if one["message"] == row["id"]}
        found.append((row["recipient"], {row["appointment"]} | others))
    return sorted(found, key=lambda one: (one[0], min(one[1])))


async def judged(world: World) -> tuple[int, Facts, str]:
    """What the dispatcher would send of the first message that is due."""
    claimed = await world.claim()
    (known, *_), _ = await known_of(world.store, CLINIC, claimed)
    link = StoreLink(world.store)
    stage: Any = type("Line", (), {"name": SMS})()
    dispatcher = Dispatcher(stage, link, Outbox(link, SETTINGS, OWNER), SETTINGS, OWNER)
    item, kept = await dispatcher._parted(claimed[0], known, world.clock())
    content = compose(kept, SMS, SETTINGS.clinic)
    assert isinstance(content, Text)
    return item.id, kept, content.body


async def ended(world: World, order: Broadcast) -> list[tuple[int, str, str]]:
    """Visits that got nothing, and why."""
    rows = await world.rows(message, broadcast=order.id)
    return [
        (r["appointment"], r["state"], r["reason"]) for r in rows if r["state"] in ("refused", "cancelled")
    ]


async def test_visits_of_one_day_are_told_in_one_message(world: World) -> None:
    rosa = await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3), ("rosa", 24))
    order = await planned(world)
    assert await told(world, order) == [(rosa, {1, 2}), (rosa, {3})]
    _, _, body = await judged(world)
    assert "at 9:00" in body
    assert "at 12:00" in body
    assert "rosa" not in body


async def test_a_plan_is_the_same_in_pages_of_any_size_and_when_done_again(
    world: World, monkeypatch: Any
) -> None:
    rosa, ben = await client(world, "rosa"), await client(world, "ben", OTHER_HOME)
    await booked(world, ("rosa", 0), ("ben", 1), ("rosa", 2), ("ben", 3), ("rosa", 4))
    monkeypatch.setattr(planning, "PAGE", 1)
    order = await planned(world)
    whole = [(rosa, {1, 3, 5}), (ben, {2, 4})]
    assert await told(world, order) == whole
    monkeypatch.setattr(planning, "PAGE", 1000)
    async for _ in planning.plan(world.store, CLINIC, order, RULES):
        pass
    assert await told(world, order) == whole


async def test_families_are_told_together_only_when_each_agreed(world: World) -> None:
    rosa, _ = await client(world, "rosa", shares=True), await client(world, "ben", shares=True)
    ana, leo = await client(world, "ana"), await client(world, "leo", OTHER_HOME, shares=True)
    await booked(world, ("rosa", 0), ("ben", 1), ("ana", 2), ("leo", 3))
    order = await planned(world)
    assert await told(world, order) == [(rosa, {1, 2}), (ana, {3}), (leo, {4})]
    _, _, body = await judged(world)
    assert "rosa Costa: " in body
    assert "ben Costa: " in body


async def test_a_family_is_told_only_while_each_of_them_has_room_also_at_the_very_start(world: World) -> None:
    rosa = await client(world, "rosa", shares=True)
    await client(world, "ben", shares=True)
    details = {SMS: HOME, Channel.VOICE: OTHER_HOME}
    await world.person("ben", given_name="ben", details=details)
    await booked(world, ("rosa", 0), ("ben", 1))
    order = await planned(world)
    assert await told(world, order) == [(rosa, {1, 2})]
    link = StoreLink(world.store)
    stage: Any = type("Line", (), {"name": SMS})()
    dispatcher = Dispatcher(stage, link, Outbox(link, SETTINGS, OWNER), SETTINGS, OWNER)
    claimed = await world.claim()
    (known,), as_of = await known_of(world.store, CLINIC, claimed, counted_since(NOON))
    # Judged, and Ben is called three times elsewhere before it starts.
    verdict = policy.decide(known, SMS, HOME, NOON, RULES)
    assert isinstance(verdict, Allow)
    ready: Any = Job(claimed[0], known, None, as_of, NOON, verdict, RULES)  # type: ignore[arg-type]
    await world.messages(3, State.SENDING, channel="voice", address=OTHER_HOME, broadcast=0)
    number = claimed[0].id
    assert await world.start([number], limited=dispatcher._limited([ready], NOON)) == {}
    (known,), _ = await known_of(world.store, CLINIC, await world.claim(), counted_since(NOON))
    verdict = policy.decide(known, SMS, HOME, NOON, RULES)
    assert isinstance(verdict, Defer | Refuse), verdict


async def test_a_visit_that_became_another_persons_is_left_out(world: World) -> None:
    rosa, ben = await client(world, "rosa"), await client(world, "ben", OTHER_HOME)
    await booked(world, ("rosa", 0), ("rosa", 3))
    order = await planned(world)
    visit = Visit("v2", "ben", None, TOMORROW + 3 * HOUR, "Check-up", "Dr. Ito")
    await world.store.run(partial(register.save_visits, now=NOON), CLINIC, [visit])
    _, _, body = await judged(world)
    assert "at 9:00" in body
    assert "at 12:00" not in body
    assert await ended(world, order) == [(2, "cancelled", "appointment-of-another")]
    async for _ in planning.plan(world.store, CLINIC, order, RULES, only_new=True):
        pass
    assert await told(world, order) == [(rosa, {1}), (ben, {2})]


async def test_without_bundling_each_visit_has_its_message(world: World) -> None:
    rosa = await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3))
    assert await told(world, await planned(world, bundle=False)) == [(rosa, {1}), (rosa, {2})]


async def test_a_visit_that_is_called_off_is_left_out_and_the_rest_goes(world: World) -> None:
    await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3), ("rosa", 5))
    order = await planned(world)
    await _imported(world, "v2", "cancelled")
    number, kept, body = await judged(world)
    assert [one.appointment.id for one in (kept, *kept.together) if one.appointment] == [1, 3]
    assert "at 12:00" not in body
    assert await ended(world, order) == [(2, "cancelled", "appointment-cancelled")]
    assert (await world.row(number))["state"] == "claimed"


async def test_a_visit_that_was_left_out_and_stands_again_is_told_alone(world: World) -> None:
    rosa = await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3))
    order = await planned(world)
    for status in ("cancelled", "booked"):
        visit = Visit("v1", "rosa", None, TOMORROW, "Check-up", "Dr. Ito", status)
        await world.store.run(partial(register.save_visits, now=world.clock()), CLINIC, [visit])
        if status == "cancelled":
            await judged(world)
            assert await told(world, order) == [(rosa, {2})]
    assert await told(world, order) == [(rosa, {1}), (rosa, {2})]


async def test_when_the_first_visit_is_called_off_the_message_is_about_the_next(world: World) -> None:
    await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3))
    order = await planned(world)
    await _imported(world, "v1", "cancelled")
    number, kept, body = await judged(world)
    assert ((await world.row(number))["appointment"], kept.together) == (2, ())
    assert "at 12:00" in body
    assert "at 9:00" not in body
    assert await ended(world, order) == [(1, "cancelled", "appointment-cancelled")]
    assert await world.rows(bundled) == []


async def test_who_withdraws_is_not_told_of_and_the_family_still_is(world: World) -> None:
    rosa, ben = await client(world, "rosa", shares=True), await client(world, "ben", shares=True)
    await booked(world, ("rosa", 0), ("ben", 1))
    order = await planned(world)
    await world.store.run(people.add_consent, CLINIC, [rosa], False, "staff", NOON)
    number, kept, body = await judged(world)
    row = await world.row(number)
    assert (row["recipient"], row["appointment"], kept.recipient.id) == (ben, 2, ben)
    assert "rosa" not in body
    assert [(one, state) for one, state, _ in await ended(world, order)] == [(1, "refused")]


async def test_nobody_is_told_of_who_withdrew_a_moment_before_the_start(world: World) -> None:
    await client(world, "rosa", shares=True)
    ben = await client(world, "ben", shares=True)
    await booked(world, ("rosa", 0), ("ben", 1))
    await planned(world)
    claimed = await world.claim()
    _, as_of = await known_of(world.store, CLINIC, claimed)
    await world.store.run(people.add_consent, CLINIC, [ben], False, "staff", NOON)
    assert await world.start([claimed[0].id], as_of) == {}


async def test_when_nobody_may_be_told_each_has_a_refusal(world: World) -> None:
    rosa = await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3))
    order = await planned(world)
    await world.store.run(people.add_consent, CLINIC, [rosa], False, "staff", NOON)
    _, kept, _ = await judged(world)
    assert (kept.appointment and kept.appointment.id, kept.together) == (1, ())
    assert [(one, state) for one, state, _ in await ended(world, order)] == [(2, "refused")]


async def test_a_bundle_outlives_its_first_visit_and_is_judged_when_any_of_it_changes(world: World) -> None:
    await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3))
    order = await planned(world, send_at=NOON + 2 * HOUR)
    (row,) = await world.rows(message, broadcast=order.id)
    assert (row["due_at"], row["expires_at"]) == (NOON + 2 * HOUR, TOMORROW + 3 * HOUR)
    await _imported(world, "v2", "booked", TOMORROW + 5 * HOUR)
    row = await world.row(row["id"])
    assert (row["due_at"], row["expires_at"]) == (NOON, TOMORROW + 5 * HOUR)


async def _imported(world: World, name: str, status: str, starts_at: Any = None) -> None:
    rows = await world.rows(appointment, external_id=name)
    moment = starts_at or rows[0]["starts_at"]
    visit = Visit(name, "rosa", None, moment, "Check-up", "Dr. Ito", status)
    await world.store.run(register.save_visits, CLINIC, [visit], now=world.clock())


async def test_an_answer_is_about_all_visits_that_were_told(world: World) -> None:
    await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3), ("rosa", 24))
    order = await planned(world)
    number = (await world.rows(message, broadcast=order.id))[0]["id"]
    await hear(world, Reply(SMS, ReplyKind.CONFIRM, HOME, NOON, "C", f"rw-{CLINIC}-{number}-1"))
    rows = sorted(await world.rows(appointment), key=lambda row: row["id"])
    assert [row["confirmed_at"] for row in rows] == [NOON, NOON, None]
    await hear(world, Reply(SMS, ReplyKind.NOT_COMING, HOME, NOON + HOUR, "C1", f"rw-{CLINIC}-{number}-1"))
    rows = sorted(await world.rows(appointment), key=lambda row: row["id"])
    assert [row["status"] for row in rows] == ["cancelled", "cancelled", "booked"]


async def test_a_message_that_left_takes_no_more_visits(world: World) -> None:
    rosa = await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3))
    order = await planned(world, bundle=False)
    first = (await world.rows(message, broadcast=order.id))[0]
    await world.claim()
    add: Sequence[Together] = [Together((rosa, first["appointment"]), (rosa, 9))]
    await world.store.run(bundles.add, CLINIC, order.id, add)
    assert await world.rows(bundled) == []


async def test_a_bundle_that_is_not_ours_any_more_is_left_alone(world: World) -> None:
    rosa = await client(world, "rosa")
    await booked(world, ("rosa", 0), ("rosa", 3))
    await planned(world)
    (item,) = await world.claim()
    args = (CLINIC, item.id, "other/00000002", (rosa, 2), [], NOON)
    assert not await world.store.run(bundles.part, *args)
    page = {((rosa, 2), 0), ((rosa, 2), 1)}
    assert await world.store.read(bundles.taken, CLINIC, item.broadcast, page) == {((rosa, 2), 0)}
    assert await world.store.read(bundles.members, CLINIC, [item.id]) == {item.id: [(rosa, 2)]}


async def test_clients_who_become_one_keep_their_visits_in_the_message(world: World) -> None:
    rosa, ben = await client(world, "rosa", shares=True), await client(world, "ben", shares=True)
    await booked(world, ("rosa", 0), ("ben", 1))
    await planned(world)
    await world.store.run(bundles.merge, CLINIC, rosa, ben)
    assert [(row["recipient"], row["appointment"]) for row in await world.rows(bundled)] == [(rosa, 2)]


async def test_siblings_are_found_beyond_the_page(world: World) -> None:
    rosa, ben = await client(world, "rosa", shares=True), await client(world, "ben")
    await booked(world, ("rosa", 0), ("rosa", 2), ("ben", 3))
    order = await planned(world)
    found = await world.store.read(bundles.siblings, CLINIC, order, [(rosa, 1)])
    assert found == [(rosa, 2), (ben, 3)]


async def test_who_shares_no_longer_is_told_alone(world: World) -> None:
    rosa, ben = await client(world, "rosa", shares=True), await client(world, "ben", shares=True)
    await booked(world, ("rosa", 0), ("ben", 1))
    order = await planned(world)
    assert await told(world, order) == [(rosa, {1, 2})]
    no_more = Entry(ben, False, "staff", purpose=Purpose.FAMILY)
    await world.store.run(ledger.add, CLINIC, [no_more], NOON)
    _, kept, body = await judged(world)
    assert (kept.recipient.id, kept.together) == (rosa, ())
    assert "ben" not in body
    assert await told(world, order) == [(rosa, {1}), (ben, {2})]
    assert await ended(world, order) == []
    (alone,) = [item.recipient for item in await world.claim()]
    assert alone == ben
