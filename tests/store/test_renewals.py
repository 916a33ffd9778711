"""Renewals, birthdays, lists and saved templates, and the broadcasts that are about them."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import update

from gateway import broadcast as planning
from gateway import wording
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, RecipientKind, State
from gateway.policy import Refuse, Rules, decide
from gateway.settings import Settings
from gateway.wording import TemplateError
from store import broadcasts, facts, lists, register, renewals, sweep, templates
from store.lists import Member
from store.people import Person
from store.renewals import Renewal
from store.schema import custom_list, custom_list_entry, message, renewal
from tests.store.world import CLINIC, NOON, World

ZONE = "America/New_York"
RULES = Rules.of(Settings())
CLIENT, STAFF = RecipientKind.CLIENT, RecipientKind.STAFF


def due(name: str, person: str, day: int, kind: RecipientKind = CLIENT, **changes: Any) -> Renewal:
    return Renewal(name, kind, person, "Licence", date(2026, 3, day), **changes)


async def order(world: World, type: MessageType, first: int = 10, days: int = 7, **changes: Any) -> Broadcast:
    """A broadcast about days of March, ordered as the commands do it."""
    begins = date(2026, 3, first)
    usual: dict[str, Any] = {
        "starts_from": renewals.midnight(begins, ZONE),
        "starts_until": renewals.midnight(begins + timedelta(days=days), ZONE),
        "templates": wording.default_templates(type),
        "broadcast_class": BroadcastClass.OTHER,
        "zone": ZONE,
    }
    return await world.broadcast(type, **(usual | changes))


async def plan(world: World, wanted: Broadcast) -> list[dict[str, Any]]:
    """Plan it, and its messages."""
    async for _ in planning.plan(world.store, CLINIC, wanted, RULES):
        pass
    return sorted(
        (dict(row) for row in await world.rows(message, broadcast=wanted.id)), key=lambda row: row["id"]
    )


async def staff(world: World, name: str) -> int:
    person = Person(STAFF, name, "Tara", "Fischer", "en", details={Channel.SMS: "+12025550177"})
    return await world.store.run(register.save_person, CLINIC, person, NOON)


PHONE = {"details": {Channel.SMS: "+12025550100"}}


async def test_renewals_are_added_changed_and_told_when_nobody_is_known(world: World) -> None:
    await world.person("c1")
    heard: list[int] = []
    rows = [due("r1", "c1", 12), due("r2", "nobody", 12), due("r3", "c1", 13, STAFF)]
    unknown = await world.store.run(renewals.save, CLINIC, rows, heard.append)
    assert [row.external_id for row in unknown] == ["r2", "r3"]
    assert heard == [3]
    await world.store.run(renewals.save, CLINIC, [due("r1", "c1", 20, status="renewed")])
    (kept,) = await world.rows(renewal)
    assert (kept["id"], kept["due_on"], kept["status"]) == (1, date(2026, 3, 20), "renewed")


async def test_what_waits_for_a_renewal_that_is_done_or_moved_is_judged_again(world: World) -> None:
    await world.person("c1", **PHONE)
    rows = [due(name, "c1", 12) for name in ("r1", "r2", "r3")]
    await world.store.run(renewals.save, CLINIC, rows)
    later = NOON + timedelta(days=1)
    waiting = [await world.message(appointment=number, due_at=later) for number in (1, 2, 3)]
    rows = [due("r1", "c1", 11), due("r2", "c1", 12, status="renewed"), due("r3", "c1", 12)]
    await world.store.run(partial(renewals.save, now=NOON), CLINIC, rows)
    assert [(await world.row(number))["due_at"] for number in waiting] == [NOON, NOON, later]


async def test_what_ended_with_a_renewal_comes_back_when_it_is_open_again(world: World) -> None:
    person = await world.person("c1", **PHONE)
    await world.store.run(renewals.save, CLINIC, [due("r1", "c1", 12, status="renewed"), due("r2", "c1", 30)])
    ended = {"recipient": person, "expires_at": NOON, "due_at": NOON - timedelta(days=1)}
    settled = await world.message(State.CANCELLED, appointment=1, reason="renewal-settled", **ended)
    moved = await world.message(State.CANCELLED, appointment=2, reason="day-moved", **ended)
    save = partial(renewals.save, now=NOON)
    await world.store.run(save, CLINIC, [due("r1", "c1", 14, status="renewed"), due("r2", "c1", 30)])
    assert await world.states([settled, moved]) == ["cancelled", "cancelled"]
    await world.store.run(save, CLINIC, [due("r1", "c1", 12), due("r2", "c1", 12)])
    assert await world.states([settled, moved]) == ["scheduled", "scheduled"]
    assert [(await world.row(number))["due_at"] for number in (settled, moved)] == [NOON, NOON]


async def test_what_waits_for_a_renewal_that_moves_to_a_later_day_does_not_expire_on_the_old_one(
    world: World,
) -> None:
    await world.person("c1", **PHONE)
    await world.store.run(renewals.save, CLINIC, [due("r1", "c1", 10)])
    number = await world.message(appointment=1, expires_at=NOON + timedelta(hours=12))
    await world.store.run(partial(renewals.save, now=NOON), CLINIC, [due("r1", "c1", 20)])
    later = world.clock.move(days=9)
    assert await world.store.read(sweep.overdue, CLINIC, Channel.SMS, later, 10) == []
    await world.store.run(partial(renewals.save, now=NOON), CLINIC, [due("r1", "c1", 20, status="renewed")])
    assert (await world.row(number))["state"] == "queued"


async def test_a_renewal_that_became_another_persons_is_told_to_nobody_else(world: World) -> None:
    ann, bob = await world.person("c1", **PHONE), await world.person("c2", **PHONE)
    save = partial(renewals.save, now=NOON)
    await world.store.run(save, CLINIC, [due("r1", "c1", 12)])
    wanted = await order(world, MessageType.UPCOMING_RENEWALS)
    (waits,) = await plan(world, wanted)
    put_off = {"due_at": NOON + timedelta(days=1), "reason": "broadcast-time"}
    await world.store.run(lambda conn: conn.execute(update(message).values(put_off)))
    await world.store.run(save, CLINIC, [due("r1", "c2", 12)])
    assert (await world.row(waits["id"]))["due_at"] == NOON
    page = await world.store.read(facts.load, CLINIC, [(wanted, ann, 1), (wanted, bob, 1)])
    asked = [decide(known, Channel.SMS, None, NOON + timedelta(hours=3), RULES) for known in page.facts]
    assert asked[0] == Refuse("renewal-of-another", State.CANCELLED, "renewal:1")
    assert not isinstance(asked[1], Refuse)
    ended = {"state": "cancelled", "reason": "renewal-of-another"}
    await world.store.run(lambda conn: conn.execute(update(message).values(ended)))
    await world.store.run(save, CLINIC, [due("r1", "c2", 13)])
    assert await world.states([waits["id"]]) == ["cancelled"]
    await world.store.run(save, CLINIC, [due("r1", "c1", 12)])
    assert await world.states([waits["id"]]) == ["scheduled"]


async def test_renewals_and_appointments_have_no_number_in_common(world: World) -> None:
    await world.person("c1")
    await world.visit("a1", "c1")
    await world.store.run(renewals.save, CLINIC, [due("r1", "c1", 12)])
    await world.visit("a2", "c1")
    assert [row["id"] for row in await world.rows(renewal)] == [2]


async def test_a_broadcast_is_about_the_open_renewals_of_its_days_and_kind(world: World) -> None:
    client, clinician = await world.person("c1", **PHONE), await staff(world, "s1")
    rows = [due("r0", "c1", 9), due("r1", "c1", 10), due("r2", "c1", 16), due("r3", "c1", 17)]
    rows += [due("r4", "c1", 11, status="cancelled"), due("r5", "s1", 12, STAFF)]
    await world.store.run(renewals.save, CLINIC, rows)
    told = await plan(world, await order(world, MessageType.UPCOMING_RENEWALS))
    assert [(row["recipient"], row["appointment"]) for row in told] == [(client, 2), (client, 3)]
    assert {row["state"] for row in told} == {"scheduled"}
    assert told[0]["expires_at"] == datetime(2026, 3, 11, 4, tzinfo=UTC)
    wanted = await order(world, MessageType.STAFF_UPCOMING_RENEWALS)
    assert await world.store.read(broadcasts.audience_size, CLINIC, wanted) == 1
    (row,) = await plan(world, wanted)
    assert (row["recipient"], row["appointment"]) == (clinician, 6)


async def test_pages_of_renewals_go_through_those_of_the_same_day(world: World) -> None:
    await world.person("c1")
    await world.store.run(renewals.save, CLINIC, [due(f"r{i}", "c1", 10 + i // 3) for i in range(7)])
    wanted = await order(world, MessageType.UPCOMING_RENEWALS)
    found, after = [], None
    while page := await world.store.read(broadcasts.audience, CLINIC, wanted, after, 2):
        found += [about for _, about, _ in page]
        after = (page[-1][2], page[-1][1])
    assert found == [1, 2, 3, 4, 5, 6, 7]


async def test_a_plan_done_again_writes_no_second_message_about_renewal_or_birthday(world: World) -> None:
    await world.person("c1", birth_date=date(1980, 3, 12), **PHONE)
    await world.store.run(renewals.save, CLINIC, [due("r1", "c1", 12)])
    for type in (MessageType.UPCOMING_RENEWALS, MessageType.BIRTHDAYS):
        wanted = await order(world, type)
        assert len(await plan(world, wanted)) == 1
        assert len(await plan(world, wanted)) == 1


async def test_birthdays_are_found_by_day_whatever_the_year(world: World) -> None:
    born = {"a": (1980, 3, 10), "b": (2001, 3, 16), "c": (1990, 3, 17), "d": (1990, 4, 11)}
    people = {name: await world.person(name, birth_date=date(*day), **PHONE) for name, day in born.items()}
    await world.person("e", **PHONE)
    wanted = await order(world, MessageType.BIRTHDAYS)
    assert await world.store.read(broadcasts.audience_size, CLINIC, wanted) == 2
    told = await plan(world, wanted)
    assert [(row["recipient"], row["appointment"]) for row in told] == [
        (people["a"], -2026),
        (people["b"], -2026),
    ]
    # None without days: nobody is greeted by mistake.
    without = await order(world, MessageType.BIRTHDAYS, starts_from=None, starts_until=None)
    assert await plan(world, without) == []


async def test_facts_know_the_renewal_as_it_is_now(world: World) -> None:
    person = await world.person("c1", birth_date=date(1980, 3, 12), **PHONE)
    await world.store.run(renewals.save, CLINIC, [due("r1", "c1", 12)])
    wanted = await order(world, MessageType.UPCOMING_RENEWALS)
    greeting = await order(world, MessageType.BIRTHDAYS)
    await world.store.run(renewals.save, CLINIC, [due("r1", "c1", 13, status="renewed")])
    page = await world.store.read(facts.load, CLINIC, [(wanted, person, 1), (greeting, person, -2026)])
    about, day = (known.occasion for known in page.facts)
    assert about == renewals.occasion(1, date(2026, 3, 13), ZONE, "Licence", "renewed", person)
    assert day == renewals.birthday(date(1980, 3, 12), 2026, ZONE)
    assert await world.store.read(renewals.occasions, CLINIC, {(9, ZONE)}) == {}
    assert await world.store.read(renewals.birth_dates, CLINIC, {person, 99}) == {person: date(1980, 3, 12)}
    key = ("client", "c1")
    assert await world.store.read(register.numbers, CLINIC, {key, ("staff", "c1")}) == {key: person}


# --- lists ---


async def test_a_list_is_for_those_on_it_and_its_columns_fill_their_texts(world: World) -> None:
    one, _, three = [await world.person(name, **PHONE) for name in ("c1", "c2", "c3")]
    rows = [Member("c1", {"Desk": "4"}), Member("c3", {"Desk": ""}), Member("c9", {"Desk": "5"})]
    unknown = await world.store.run(lists.save, CLINIC, "Glasses", CLIENT, ("Desk",), rows, NOON)
    assert [member.person for member in unknown] == ["c9"]
    found = await world.store.read(lists.find, CLINIC, "Glasses")
    assert found is not None
    assert (found.columns, found.members, found.kind) == (("Desk",), 2, CLIENT)
    texts = wording.default_templates(MessageType.CLIENT_LIST)
    texts["sms"]["body"] = "<Practice>: at desk <Desk>"
    wanted = await order(world, MessageType.CLIENT_LIST, templates=texts, custom_list=found.id)
    await planning.check(world.store, CLINIC, wanted)
    assert await world.store.read(broadcasts.audience_size, CLINIC, wanted) == 2
    told = await plan(world, wanted)
    assert [(row["recipient"], row["state"], row["reason"]) for row in told] == [
        (one, "scheduled", None),
        (three, "refused", "missing-value"),
    ]
    assert await world.store.read(lists.values, CLINIC, {(found.id, one)}) == {(found.id, one): {"Desk": "4"}}


async def test_a_list_imported_again_leaves_the_broadcasts_of_the_first_alone(world: World) -> None:
    person = await world.person("c1", **PHONE)
    await world.person("c2", **PHONE)

    async def save(*people: str) -> int:
        rows = [Member(name, {"Desk": name}) for name in people]
        await world.store.run(lists.save, CLINIC, "Glasses", CLIENT, ("Desk",), rows, NOON)
        found = await world.store.read(lists.find, CLINIC, "Glasses")
        assert found is not None
        return found.id

    first = await save("c1")
    wanted = await order(world, MessageType.CLIENT_LIST, custom_list=first)
    second = await save("c2")
    third = await save("c1", "c2")
    # The second one was of no use to anybody.
    assert [row["id"] for row in await world.rows(custom_list)] == [first, third]
    assert await world.rows(custom_list_entry, list=second) == []
    assert [row["recipient"] for row in await plan(world, wanted)] == [person]
    (listed,) = await world.store.read(lists.listing, CLINIC)
    assert (listed.id, listed.members) == (third, 2)
    assert await world.store.read(lists.columns, CLINIC, first) == ("Desk",)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"type": MessageType.STAFF_NOTICE, "broadcast_class": BroadcastClass.MARKETING}, "not marketing"),
        ({"type": MessageType.CLIENT_LIST}, "needs a list"),
        ({"type": MessageType.CLIENT_NOTICE, "custom_list": 1}, "has no list"),
    ],
)
async def test_what_does_not_go_with_the_type_is_refused_when_ordered(
    world: World, changes: dict[str, Any], complaint: str
) -> None:
    type = changes["type"]
    wanted = replace(
        await order(world, MessageType.CLIENT_NOTICE), templates=wording.default_templates(type), **changes
    )
    with pytest.raises(planning.OrderError, match=complaint):
        await planning.order(world.store, CLINIC, wanted)


async def test_a_column_that_the_list_lacks_is_found_when_ordered(world: World) -> None:
    await world.store.run(lists.save, CLINIC, "Glasses", CLIENT, ("Desk",), [], NOON)
    texts = wording.default_templates(MessageType.CLIENT_LIST)
    texts["sms"]["body"] = "<Practice> <Desc>"
    wanted = await order(world, MessageType.CLIENT_LIST, templates=texts, custom_list=1)
    with pytest.raises(TemplateError, match="is <Desk> meant"):
        await planning.order(world.store, CLINIC, wanted)


async def test_a_preview_shows_who_lacks_a_value_and_of_which_placeholder(world: World) -> None:
    await world.person("c1", **PHONE)
    await world.person("c2", consent=False, **PHONE)
    await world.visit("a1", "c1", clinician="")
    await world.visit("a2", "c2", clinician="")
    texts = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    texts["sms"]["body"] = "<Practice>: <Clinician> on <ServiceDate>"
    wanted = await order(world, MessageType.UPCOMING_APPOINTMENTS, templates=texts)
    pages = planning.preview(world.store, CLINIC, wanted, RULES)
    (lacking, refused) = [decision.verdict async for page in pages for decision in page]
    assert (lacking.reason, lacking.basis) == ("missing-value", "placeholder:Clinician")
    # Whoever is told nothing lacks nothing.
    assert refused.reason == "consent-withdrawn"


# --- saved templates ---


async def test_what_is_saved_again_is_the_next_version_and_the_same_texts_are_none(world: World) -> None:
    texts = wording.default_templates(MessageType.CLIENT_NOTICE)

    async def save(name: str, texts: dict[str, dict[str, str]]) -> int:
        return await world.store.run(
            templates.save, CLINIC, name, MessageType.CLIENT_NOTICE, texts, "ana", world.clock()
        )

    assert await save("Closed", texts) == 1
    assert await save("Closed", texts) == 1
    world.clock.move(hours=1)
    assert await save("Closed", texts | {"sms": {"body": "<Practice> is closed. STOP to opt out."}}) == 2
    assert await save("Other", texts) == 1
    first = await world.store.read(templates.find, CLINIC, "Closed", 1)
    newest = await world.store.read(templates.find, CLINIC, "Closed")
    assert first is not None
    assert newest is not None
    assert (first.texts, first.by, first.at) == (texts, "ana", NOON)
    assert (newest.version, newest.texts["sms"]["body"][:20]) == (2, "<Practice> is closed")
    assert await world.store.read(templates.find, CLINIC, "Closed", 3) is None
    assert [(one.name, one.version) for one in await world.store.read(templates.listing, CLINIC)] == [
        ("Closed", 2),
        ("Other", 1),
    ]


async def test_a_list_of_which_nobody_is_known_does_not_take_the_place_of_the_one_that_is_there(
    world: World,
) -> None:
    await world.person("c1", **PHONE)
    for name in ("c1", "c9"):
        await world.store.run(lists.save, CLINIC, "Glasses", CLIENT, (), [Member(name, {})], NOON)
    found = await world.store.read(lists.find, CLINIC, "Glasses")
    assert found is not None
    assert found.members == 1
