"""Planning: the audience in pages, each message once, and a cancelled broadcast stays cancelled."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway import broadcast, wording
from gateway.domain import Broadcast, Channel, MessageType, RecipientKind, State
from gateway.policy import Rules
from gateway.settings import Settings
from store import broadcasts, facts, people, register
from store.broadcasts import Candidate, Planned, Position
from store.people import Person, Visit
from store.schema import message
from tests.channels.waiting import until
from tests.store.world import CLINIC, NOON, World


async def _pages(world: World, wanted: Broadcast, most: int) -> list[list[Candidate]]:
    pages: list[list[Candidate]] = []
    after: Position | None = None
    while page := await world.store.read(broadcasts.audience, CLINIC, wanted, after, most):
        pages.append(page)
        person, about, moment = page[-1]
        after = (moment, about) if moment else (None, person)
    return pages


def _planned(person: int, about: int = 0, **changes: Any) -> Planned:
    usual: dict[str, Any] = {"channel": "sms", "address": "+12025550100", "state": State.SCHEDULED}
    usual |= {"due_at": NOON, "expires_at": None, "reason": None}
    return Planned(person, appointment=about, **(usual | changes))


async def _add(world: World, order: Broadcast, *planned: Planned) -> bool:
    return await world.store.run(broadcasts.add_messages, CLINIC, order.id, planned, NOON)


async def test_a_notice_is_for_every_client_page_by_page(world: World) -> None:
    clients = [await world.person(f"c{i}") for i in range(7)]
    await world.store.run(
        register.save_person, CLINIC, Person(RecipientKind.STAFF, "s", "Tara", "Fischer", "en"), NOON
    )
    notice = await world.broadcast(MessageType.CLIENT_NOTICE)
    pages = await _pages(world, notice, 3)
    assert [len(page) for page in pages] == [3, 3, 1]
    assert [row for page in pages for row in page] == [(person, 0, None) for person in clients]
    assert await world.store.read(broadcasts.audience_size, CLINIC, notice) == 7
    for_staff = await world.broadcast(MessageType.STAFF_NOTICE)
    assert await world.store.read(broadcasts.audience_size, CLINIC, for_staff) == 1
    assert len(await _pages(world, for_staff, 3)) == 1


async def test_reminders_are_for_booked_appointments_in_the_span(world: World) -> None:
    await world.person("c1")
    for name, hours, status in (
        ("a1", 1, "booked"),
        ("a2", 24, "booked"),
        ("a3", 2, "cancelled"),
        ("a4", 0, "booked"),
    ):
        await world.visit(name, "c1", starts_at=NOON + timedelta(hours=hours), status=status)
    span = {"starts_from": NOON, "starts_until": NOON + timedelta(hours=24)}
    wanted = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, **span)
    (page,) = await _pages(world, wanted, 10)
    assert [(about, moment) for _, about, moment in page] == [(4, NOON), (1, NOON + timedelta(hours=1))]
    assert await world.store.read(broadcasts.audience_size, CLINIC, wanted) == 2
    everything = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS)
    assert await world.store.read(broadcasts.audience_size, CLINIC, everything) == 3


async def test_pages_cut_between_appointments_at_the_same_moment(world: World) -> None:
    for i in range(7):
        await world.person(f"c{i}")
        await world.visit(f"a{i}", f"c{i}", starts_at=NOON + timedelta(hours=i // 4))
    wanted = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS)
    pages = await _pages(world, wanted, 2)
    assert [about for page in pages for _, about, _ in page] == [1, 2, 3, 4, 5, 6, 7]


async def test_reminders_for_staff_go_to_the_staff_of_the_appointment(world: World) -> None:
    await world.person("c1")
    staff = Person(RecipientKind.STAFF, "s1", "Tara", "Fischer", "en")
    number = await world.store.run(register.save_person, CLINIC, staff, NOON)
    await world.visit("a1", "c1", staff="s1")
    await world.visit("a2", "c1")
    wanted = await world.broadcast(MessageType.STAFF_UPCOMING_APPOINTMENTS)
    (page,) = await _pages(world, wanted, 10)
    assert [(person, about) for person, about, _ in page] == [(number, 1)]


async def test_a_page_written_twice_makes_each_message_once(world: World) -> None:
    order = await world.broadcast()
    assert await _add(world, order, _planned(1), _planned(2))
    assert await _add(world, order, _planned(2, channel="email"), _planned(3))
    rows = await world.rows(message, broadcast=order.id)
    assert sorted((row["recipient"], row["channel"]) for row in rows) == [(1, "sms"), (2, "sms"), (3, "sms")]
    assert await _add(world, order, _planned(1, about=9))
    assert len(await world.rows(message, broadcast=order.id)) == 4


async def test_a_planned_message_starts_as_the_plan_decided(world: World) -> None:
    order = await world.broadcast()
    later, expires = NOON + timedelta(hours=9), NOON + timedelta(days=1)
    await _add(
        world,
        order,
        _planned(1, due_at=later, expires_at=expires, reason="outside-window"),
        _planned(2, state=State.REFUSED, reason="no-consent"),
    )
    first, second = await world.rows(message, broadcast=order.id)
    assert (first["state"], first["due_at"], first["expires_at"]) == ("scheduled", later, expires)
    assert (first["reason"], first["attempt"], first["charged"]) == ("outside-window", 0, 0)
    assert (second["state"], second["reason"]) == ("refused", "no-consent")


async def _reminders(world: World) -> Broadcast:
    """Reminders of two visits of tomorrow that go in the evening."""
    await world.person("p1", details={Channel.SMS: "+12025550101"})
    for name in ("v1", "v2"):
        await world.visit(name, "p1")
    kind = MessageType.UPCOMING_APPOINTMENTS
    templates = wording.default_templates(kind)
    return await world.broadcast(kind, send_at=NOON + timedelta(hours=9), templates=templates)


def _move(conn: Connection, status: str = "booked") -> None:
    """The practice's file has the first visit this afternoon."""
    visit = Visit("v1", "p1", None, NOON + timedelta(hours=5), "Check-up", "Dr. Ito", status)
    register.save_visits(conn, CLINIC, [visit], now=NOON)


async def _times(world: World, order: Broadcast) -> list[Any]:
    rows = await world.rows(message, broadcast=order.id)
    return [(row["due_at"] - NOON, row["expires_at"] - NOON) for row in sorted(rows, key=_appointment)]


def _appointment(row: Any) -> int:
    return row["appointment"]


HOUR = timedelta(hours=1)
AS_READ = (9 * HOUR, 24 * HOUR)


@pytest.mark.parametrize(("status", "expires"), [("booked", 5 * HOUR), ("cancelled", 24 * HOUR)])
async def test_a_visit_that_changes_between_reading_and_writing_a_page_is_judged_again(
    world: World, monkeypatch: pytest.MonkeyPatch, status: str, expires: timedelta
) -> None:
    order, run = await _reminders(world), world.store.run

    async def after_a_file(work: Any, *args: Any) -> Any:
        if work is broadcasts.add_messages:
            await run(_move, status)
        return await run(work, *args)

    monkeypatch.setattr(world.store, "run", after_a_file)
    [_] = [page async for page in broadcast.plan(world.store, CLINIC, order, Rules.of(Settings()))]
    assert await _times(world, order) == [(timedelta(0), expires), AS_READ]


def _is_waited_for(conn: Connection) -> bool:
    """Whether another transaction waits for this one to end; on PostgreSQL."""
    asked = (
        "SELECT pg_sleep(0.01), pg_backend_pid() = ANY (SELECT unnest(pg_blocking_pids(pid)) FROM pg_locks)"
    )
    return bool(conn.exec_driver_sql(asked).one()[1])


async def test_a_visit_that_changes_while_a_page_is_being_written_waits_for_its_messages(
    world: World, engine: str
) -> None:
    order = await _reminders(world)
    page = await world.store.read(facts.load, CLINIC, [(order, 1, 1)])
    later = {"due_at": NOON + 9 * HOUR, "expires_at": NOON + 24 * HOUR, "visit": page.facts[0].appointment}

    written, moved = threading.Event(), threading.Event()

    def write(conn: Connection) -> None:
        broadcasts.add_messages(conn, CLINIC, order.id, [_planned(1, 1, **later)], NOON)
        written.set()
        # On SQLite there is but one writer at a time.
        while engine == "postgresql" and not (moved.is_set() or _is_waited_for(conn)):
            pass

    async def move() -> None:
        await until(written.is_set)
        await world.store.run(_move)
        moved.set()

    await asyncio.gather(world.store.run(write), move())
    assert await _times(world, order) == [(timedelta(0), 5 * HOUR)]


async def test_an_order_is_kept_whole(world: World) -> None:
    span = {"starts_from": NOON, "starts_until": NOON + timedelta(hours=24), "only_preference": True}
    wanted = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS, channel=Channel.FAX, **span)
    assert wanted.state == broadcasts.PLANNING
    assert (wanted.channel, wanted.only_preference) == (Channel.FAX, True)
    assert (wanted.starts_from, wanted.starts_until) == (NOON, NOON + timedelta(hours=24))
    assert wanted.templates == {"sms": {"text": "Hello"}}
    assert await world.store.read(facts.broadcasts, CLINIC, {wanted.id, 99}) == {wanted.id: wanted}
    assert await world.store.read(broadcasts.find, CLINIC, 99) is None


async def test_a_broadcast_cancelled_while_it_is_planned_gets_no_more_messages(world: World) -> None:
    order = await world.broadcast()
    await _add(world, order, _planned(1), _planned(2))
    assert await world.store.run(broadcasts.cancel, CLINIC, order.id, NOON) == 2
    assert not await _add(world, order, _planned(3))
    await world.store.run(broadcasts.activate, CLINIC, order.id)
    rows = await world.rows(message, broadcast=order.id)
    assert {row["state"] for row in rows} == {"cancelled"}
    assert {row["reason"] for row in rows} == {"broadcast-cancelled"}
    found = await world.store.read(broadcasts.find, CLINIC, order.id)
    assert found is not None
    assert found.state == broadcasts.CANCELLED


async def test_cancelling_leaves_other_broadcasts_and_what_is_being_sent(world: World) -> None:
    order = await world.broadcast()
    mine = [
        await world.message(state, broadcast=order.id)
        for state in (State.CLAIMED, State.SENDING, State.FAILED)
    ]
    other = await world.message(broadcast=order.id + 1)
    assert await world.store.run(broadcasts.cancel, CLINIC, order.id, NOON) == 1
    assert await world.states([*mine, other]) == ["cancelled", "sending", "failed", "queued"]
    assert await world.store.run(broadcasts.cancel, CLINIC, 99, NOON) is None
    assert await world.store.run(broadcasts.cancel, 2, order.id, NOON) is None


async def test_interrupted_plans_are_found_until_they_are_complete(world: World) -> None:
    old = await world.broadcast()
    world.clock.move(minutes=5)
    await world.broadcast()
    found = await world.store.read(broadcasts.unfinished, CLINIC, NOON + timedelta(minutes=1))
    assert [one.id for one in found] == [old.id]
    await world.store.run(broadcasts.activate, CLINIC, old.id)
    assert await world.store.read(broadcasts.unfinished, CLINIC, NOON + timedelta(minutes=1)) == []


async def test_the_listing_counts_by_state_newest_first(world: World) -> None:
    one, two = await world.broadcast(), await world.broadcast()
    await world.messages(3, State.DELIVERED, broadcast=one.id)
    await world.messages(2, State.FAILED, broadcast=one.id)
    listed = await world.store.read(broadcasts.listing, CLINIC)
    assert [order.id for order, _ in listed] == [two.id, one.id]
    assert [counts for _, counts in listed] == [{}, {State.DELIVERED: 3, State.FAILED: 2}]


@pytest.mark.parametrize("use_details", [True, False])
async def test_facts_hold_the_contacts_that_count(world: World, use_details: bool) -> None:
    person = await world.person(
        details={Channel.SMS: "+12025550100"},
        messaging={Channel.SMS: "+12025550200", Channel.EMAIL: "carer@example.org"},
        use_details=use_details,
        preferred=Channel.EMAIL,
        zone="America/Denver",
    )
    await world.visit("a1", "p1")
    order = await world.broadcast()
    page = await world.store.read(facts.load, CLINIC, [(order, person, 1), (order, person, 0)])
    with_visit, without = page.facts
    found = {channel: known.address for channel, known in with_visit.contacts.items()}
    own, carers = (
        {Channel.SMS: "+12025550100"},
        {Channel.SMS: "+12025550200", Channel.EMAIL: "carer@example.org"},
    )
    assert found == (own if use_details else carers)
    assert (with_visit.recipient.preferred, with_visit.recipient.zone) == (Channel.EMAIL, "America/Denver")
    assert with_visit.appointment is not None
    assert (with_visit.appointment.id, with_visit.appointment.starts_at) == (1, NOON + timedelta(days=1))
    assert without.appointment is None
    assert with_visit.broadcast == order


async def test_consents_come_oldest_first_with_their_channel(world: World) -> None:
    person = await world.person()
    await world.store.run(people.add_consent, CLINIC, [person], False, "text", NOON, Channel.SMS)
    order = await world.broadcast()
    page = await world.store.read(facts.load, CLINIC, [(order, person, 0)])
    assert [(one.id, one.given, one.channel) for one in page.facts[0].consents] == [
        (1, True, None),
        (2, False, Channel.SMS),
    ]


async def test_no_question_has_no_facts(world: World) -> None:
    assert (await world.store.read(facts.load, CLINIC, [])).facts == []
