"""An appointment that moves takes its messages along; what a patient says of it is kept and told."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from functools import partial
from typing import Any

import pytest

from gateway.domain import (
    VOICEMAIL_LEFT,
    Channel,
    MessageType,
    RecipientKind,
    Reply,
    ReplyKind,
    State,
)
from gateway.policy import ALLOW, Refuse, Rules, Verdict, decide
from gateway.settings import PolicySettings, Window
from store import changes, facts, merging, register, visits
from store.changes import Change, Position
from store.people import Person, Visit
from store.schema import appointment
from store.settle import Settlement
from tests.store.test_intake import hear
from tests.store.world import CLINIC, NOON, World

TOMORROW = NOON + timedelta(days=1)
LATER = NOON + timedelta(hours=9)
PHONE = "+12025550101"
ANY_TIME = Window(opens=time(), closes=time())
RULES = Rules("UTC", PolicySettings(sms=ANY_TIME))


async def booked(world: World, name: str = "v1") -> int:
    """An appointment tomorrow; the number of its client."""
    person = await world.person("p1", details={Channel.SMS: PHONE})
    await world.visit(name, "p1", starts_at=TOMORROW)
    return person


async def imported(world: World, status: str = "booked", starts_at: datetime = TOMORROW) -> None:
    """The practice's file, once more."""
    visit = Visit("v1", "p1", None, starts_at, "Check-up", "Dr. Ito", status)
    await world.store.run(register.save_visits, CLINIC, [visit], now=world.clock())


async def waiting(world: World, person: int, state: State = State.SCHEDULED, **columns: Any) -> int:
    usual: dict[str, Any] = {"appointment": 1, "due_at": LATER, "expires_at": TOMORROW}
    return await world.message(state, recipient=person, **(usual | columns))


async def given_to(world: World, client: str, staff: str | None = None, name: str = "v1") -> None:
    """The file says that somebody else has the appointment, or that somebody else sees them."""
    visit = Visit(name, client, staff, TOMORROW, "Check-up", "Dr. Ito")
    assert await world.store.run(partial(register.save_visits, now=world.clock()), CLINIC, [visit]) == []


async def clinician(world: World, name: str) -> int:
    person = Person(RecipientKind.STAFF, name, "Tara", "Fischer", "en", details={Channel.SMS: PHONE})
    return await world.store.run(register.save_person, CLINIC, person, NOON)


async def judged(world: World, order: int, person: int) -> Verdict:
    """What is found when the message to this person about the appointment is due."""
    wanted = await world.store.read(facts.broadcasts, CLINIC, {order})
    page = await world.store.read(facts.load, CLINIC, [(wanted[order], person, 1)])
    return decide(page.facts[0], Channel.SMS, None, world.clock(), RULES)


async def the_visit(world: World) -> Any:
    return (await world.rows(appointment, external_id="v1"))[0]


async def answers(world: World, kind: ReplyKind) -> None:
    """The patient answers the text that was sent last."""
    number = await world.message(State.DELIVERED, recipient=1, appointment=1, broadcast=9)
    await hear(world, Reply(Channel.SMS, kind, PHONE, world.clock(), "", f"rw-{CLINIC}-{number}-1"))


async def test_messages_of_an_appointment_that_moves_are_judged_at_once(
    world: World,
) -> None:
    person = await booked(world)
    number = await waiting(world, person)
    other = await waiting(world, person, appointment=0, broadcast=2)
    await imported(world, starts_at=TOMORROW + timedelta(hours=3))
    row = await world.row(number)
    assert (row["due_at"], row["expires_at"]) == (NOON, TOMORROW + timedelta(hours=3))
    assert (await world.row(other))["due_at"] == LATER


async def test_messages_of_an_appointment_that_is_called_off_are_judged_at_once(world: World) -> None:
    person = await booked(world)
    first = await waiting(world, person)
    tried = await waiting(world, person, attempt=1, broadcast=2)
    await imported(world, "cancelled")
    assert [(await world.row(one))["due_at"] for one in (first, tried)] == [NOON, NOON]


async def test_the_pause_before_another_try_is_kept_when_an_appointment_moves(world: World) -> None:
    number = await waiting(world, await booked(world), attempt=1)
    await imported(world, starts_at=TOMORROW + timedelta(hours=3))
    row = await world.row(number)
    assert (row["due_at"], row["expires_at"]) == (LATER, TOMORROW)


async def test_a_file_that_changes_nothing_moves_nothing(world: World) -> None:
    number = await waiting(world, await booked(world))
    await imported(world)
    assert (await world.row(number))["due_at"] == LATER


async def test_a_claimed_message_of_a_cancelled_appointment_is_not_started(world: World) -> None:
    number = await waiting(world, await booked(world), State.QUEUED, due_at=NOON)
    await world.claim()
    await imported(world, "cancelled")
    assert await world.start([number]) == {}
    assert (await world.row(number))["state"] == "queued"


async def test_what_is_being_sent_is_left_alone(world: World) -> None:
    number = await waiting(world, await booked(world), State.SENDING)
    await imported(world, "cancelled")
    assert (await world.row(number))["state"] == "sending"


@pytest.mark.parametrize("file_says", ["booked", "cancelled"])
async def test_who_cancelled_by_reply_is_not_booked_again_by_a_file(world: World, file_says: str) -> None:
    number = await waiting(world, await booked(world))
    await answers(world, ReplyKind.NOT_COMING)
    assert (await world.row(number))["due_at"] == NOON
    await imported(world, file_says)
    row = await the_visit(world)
    assert (row["status"], row["cancelled_at"]) == ("cancelled", NOON)


async def test_an_answer_was_about_the_time_that_was_told(world: World) -> None:
    await booked(world)
    await answers(world, ReplyKind.CONFIRM)
    await imported(world)
    assert (await the_visit(world))["confirmed_at"] == NOON
    await imported(world, starts_at=TOMORROW + timedelta(hours=1))
    assert (await the_visit(world))["confirmed_at"] is None


async def test_an_appointment_that_moves_after_its_patient_cancelled_is_a_new_one(world: World) -> None:
    await booked(world)
    await answers(world, ReplyKind.NOT_COMING)
    await imported(world, starts_at=TOMORROW + timedelta(days=7))
    row = await the_visit(world)
    assert (row["status"], row["cancelled_at"]) == ("booked", None)


async def test_an_appointment_that_was_cancelled_by_mistake_stands_again(world: World) -> None:
    await booked(world)
    assert not await world.store.run(visits.restore, CLINIC, "v1", NOON)
    await answers(world, ReplyKind.NOT_COMING)
    assert await world.store.run(visits.restore, CLINIC, "v1", NOON)
    row = await the_visit(world)
    assert (row["status"], row["cancelled_at"]) == ("booked", None)


# --- an appointment that becomes another person's ---

OF_ANOTHER = Refuse("appointment-of-another", State.CANCELLED, "appointment:1")


async def test_what_waits_for_an_appointment_of_another_client_now_is_judged_at_once(world: World) -> None:
    ann = await booked(world)
    bob = await world.person("p2", details={Channel.SMS: PHONE})
    order = (await world.broadcast(MessageType.UPCOMING_APPOINTMENTS)).id
    number = await waiting(world, ann, broadcast=order)
    assert await judged(world, order, ann) == ALLOW
    await given_to(world, "p2")
    assert (await world.row(number))["due_at"] == NOON
    assert await judged(world, order, ann) == OF_ANOTHER
    assert await judged(world, order, bob) == ALLOW


async def test_who_is_no_longer_the_clinician_of_an_appointment_is_not_told_of_it(world: World) -> None:
    await booked(world)
    old, new = await clinician(world, "s1"), await clinician(world, "s2")
    order = (await world.broadcast(MessageType.STAFF_UPCOMING_APPOINTMENTS)).id
    await given_to(world, "p1", "s1")
    number = await waiting(world, old, broadcast=order)
    await given_to(world, "p1", "s2")
    assert (await world.row(number))["due_at"] == NOON
    assert await judged(world, order, old) == OF_ANOTHER
    assert await judged(world, order, new) == ALLOW
    await given_to(world, "p1")
    assert await judged(world, order, new) == OF_ANOTHER


async def test_what_a_client_said_of_an_appointment_is_not_said_by_the_next_one(world: World) -> None:
    await booked(world)
    await world.person("p2", details={Channel.SMS: PHONE})
    await answers(world, ReplyKind.NOT_COMING)
    await given_to(world, "p2")
    row = await the_visit(world)
    assert (row["status"], row["cancelled_at"]) == ("booked", None)


async def test_what_ended_because_it_was_anothers_comes_back_to_its_own_client_alone(world: World) -> None:
    ann = await booked(world)
    bob = await world.person("p2", details={Channel.SMS: PHONE})
    ended = [await waiting(world, one, State.CANCELLED, **(CALLED_OFF | WHOSE)) for one in (ann, bob)]
    called_off = await waiting(world, ann, State.CANCELLED, broadcast=2, **CALLED_OFF)
    await given_to(world, "p2")
    assert await world.states([*ended, called_off]) == ["cancelled", "scheduled", "cancelled"]
    await given_to(world, "p1")
    assert await world.states([*ended, called_off]) == ["scheduled", "scheduled", "scheduled"]
    assert (await world.row(ended[1]))["due_at"] == NOON


async def test_a_client_who_was_merged_is_the_same_person(world: World) -> None:
    await booked(world)
    kept = await world.person("p2", details={Channel.SMS: PHONE})
    order = (await world.broadcast(MessageType.UPCOMING_APPOINTMENTS)).id
    number = await waiting(world, 1, broadcast=order)
    await world.store.run(merging.merge, CLINIC, "p2", "p1", "ana", NOON)
    await imported(world)
    assert (await world.row(number))["due_at"] == LATER
    assert await judged(world, order, kept) == ALLOW


async def test_who_is_merged_while_facts_are_read_is_the_same_person(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann = await booked(world)
    kept = await world.person("p2", details={Channel.SMS: PHONE})
    order = await world.broadcast(MessageType.UPCOMING_APPOINTMENTS)
    read = facts._consents

    def meanwhile(conn: Any, *rest: Any) -> Any:
        monkeypatch.setattr(facts, "_consents", read)
        merging.merge(conn, CLINIC, "p2", "p1", "ana", NOON)
        return read(conn, *rest)

    monkeypatch.setattr(facts, "_consents", meanwhile)
    page = await world.store.run(facts.load, CLINIC, [(order, ann, 1)])
    assert page.facts[0].recipient.id == kept
    assert decide(page.facts[0], Channel.SMS, None, NOON, RULES) == ALLOW


# --- what comes back ---

CALLED_OFF = {"reason": "appointment-cancelled", "due_at": NOON - timedelta(days=2)}
WHOSE = {"reason": "appointment-of-another"}
BACK = (State.SCHEDULED, None, NOON, TOMORROW)


async def how_it_stands(world: World, number: int) -> tuple[Any, ...]:
    row = await world.row(number)
    return row["state"], row["reason"], row["due_at"], row["expires_at"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.CANCELLED, "appointment-cancelled"),
        (State.CANCELLED, "appointment-moved"),
        (State.CANCELLED, "appointment-of-another"),
        (State.EXPIRED, "expired"),
        (State.EXPIRED, "stale"),
        (State.EXPIRED, "window-after-expiry"),
        (State.EXPIRED, "cap-after-expiry"),
    ],
)
async def test_what_ended_unsent_with_an_appointment_comes_back_with_it(
    world: World, state: State, reason: str
) -> None:
    number = await waiting(world, await booked(world), state, reason=reason, due_at=NOON - timedelta(days=2))
    await imported(world, "cancelled")
    assert (await world.row(number))["state"] == state
    await imported(world)
    assert await how_it_stands(world, number) == BACK
    await world.claim()
    assert await world.start([number]) == {number: 1}


async def test_what_left_the_days_of_its_broadcast_comes_back_when_the_appointment_does(world: World) -> None:
    person = await booked(world)
    await imported(world, starts_at=TOMORROW + timedelta(days=9))
    number = await waiting(world, person, State.CANCELLED, reason="appointment-moved")
    await imported(world)
    assert await how_it_stands(world, number) == BACK


async def test_a_restored_appointment_has_its_messages_again(world: World) -> None:
    person = await booked(world)
    await answers(world, ReplyKind.NOT_COMING)
    number = await waiting(world, person, State.CANCELLED, **CALLED_OFF)
    assert await world.store.run(visits.restore, CLINIC, "v1", NOON)
    assert await how_it_stands(world, number) == BACK


async def test_what_its_patient_called_off_does_not_come_back_by_a_file(world: World) -> None:
    person = await booked(world)
    await answers(world, ReplyKind.NOT_COMING)
    number = await waiting(world, person, State.CANCELLED, **CALLED_OFF)
    await imported(world)
    assert (await world.row(number))["state"] == "cancelled"


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        (State.DELIVERED, {}),
        (State.ACCEPTED, {}),
        (State.UNKNOWN, {}),
        (State.FAILED, {}),
        (State.REFUSED, {"reason": "no-consent"}),
        (State.CANCELLED, {"reason": "broadcast-cancelled"}),
        (State.CANCELLED, {"reason": "already-answered"}),
        (State.CANCELLED, {"reason": "later-step-went"}),
        (State.CANCELLED, CALLED_OFF | {"broadcast": 0}),
        (State.CANCELLED, CALLED_OFF | {"appointment": 2}),
    ],
)
async def test_nothing_else_comes_back(world: World, state: State, columns: dict[str, Any]) -> None:
    number = await waiting(world, await booked(world), state, **columns)
    await imported(world, "cancelled")
    await imported(world)
    assert (await world.row(number))["state"] == state


async def test_an_appointment_that_has_begun_brings_nothing_back(world: World) -> None:
    number = await waiting(world, await booked(world), State.CANCELLED, **CALLED_OFF)
    await imported(world, "cancelled", NOON)
    await imported(world, starts_at=NOON)
    assert (await world.row(number))["state"] == "cancelled"


async def tried(world: World, cause: str) -> int:
    """A message whose attempt an hour ago reached nobody, and that was called off meanwhile."""
    hour_ago = NOON - timedelta(hours=1)
    person = await booked(world)
    number = await waiting(world, person, State.SENDING, channel="voice", started_at=hour_ago)
    again = Settlement(number, 1, State.SCHEDULED, NOON, outcome="retry", cause=cause, started_at=hour_ago)
    await world.settle(again)
    await world.claim(channel=Channel.VOICE)
    await world.settle(Settlement(number, 1, State.CANCELLED, reason="appointment-cancelled"))
    await imported(world, "cancelled")
    return number


@pytest.mark.parametrize(
    ("starts_at", "due_at"),
    [
        (TOMORROW + timedelta(minutes=1), TOMORROW),
        # A day later there would be no visit to tell of.
        (TOMORROW, NOON),
        (TOMORROW - timedelta(hours=4), NOON),
    ],
)
async def test_another_try_comes_back_after_the_longest_pause_if_that_ends_in_time(
    world: World, starts_at: datetime, due_at: datetime
) -> None:
    number = await tried(world, "busy")
    await imported(world, starts_at=starts_at)
    assert await how_it_stands(world, number) == (State.SCHEDULED, None, due_at, starts_at)
    assert (await world.row(number))["attempt"] == 1


async def test_what_a_machine_was_told_does_not_come_back(world: World) -> None:
    number = await tried(world, VOICEMAIL_LEFT)
    await imported(world)
    assert (await world.row(number))["state"] == "cancelled"


async def test_a_verdict_from_before_does_not_end_what_came_back(world: World) -> None:
    number = await waiting(world, await booked(world), due_at=NOON)
    await imported(world, "cancelled")
    await world.claim()
    await imported(world)
    await world.settle(Settlement(number, 0, State.CANCELLED, reason="appointment-cancelled"))
    assert (await world.row(number))["state"] == "queued"


async def test_staff_see_what_was_answered(world: World) -> None:
    await booked(world)
    await booked(world, "v2")
    await world.store.run(visits.mark, CLINIC, 1, NOON)
    await world.store.run(visits.mark, CLINIC, 2, NOON, cancelled=True)
    found = await world.store.read(visits.listing, CLINIC, NOON, TOMORROW + timedelta(days=1), 10)
    assert [(one.external_id, one.client, one.name) for one in found] == [
        ("v1", "p1", "Rosa Costa"),
        ("v2", "p1", "Rosa Costa"),
    ]
    assert [(one.status, one.confirmed_at, one.cancelled_at) for one in found] == [
        ("booked", NOON, None),
        ("cancelled", None, NOON),
    ]
    assert not await world.store.read(visits.listing, CLINIC, NOON, TOMORROW, 10)


async def _told(world: World, **wanted: bool) -> list[Change]:
    found = await world.store.read(changes.since, CLINIC, Position(), 100, **wanted)
    return [change for change in found if change.appointment]


async def test_other_programs_are_told_of_each_answer_once(world: World) -> None:
    await world.store.run(changes.write_down, True)
    await booked(world)
    await booked(world, "v2")
    await answers(world, ReplyKind.CONFIRM)
    await world.store.run(visits.mark, CLINIC, 2, NOON, cancelled=True)
    await world.store.run(visits.mark, CLINIC, 2, NOON, cancelled=True)
    await imported(world)
    told = await _told(world)
    assert [(change.kind, change.appointment, change.at) for change in told] == [
        ("appointment.confirmed", 1, NOON),
        ("appointment.cancelled", 2, NOON),
    ]
    assert {(change.recipient, change.visit, change.message) for change in told} == {("", "", 0)}
    told = await _told(world, personal=True)
    assert [(change.recipient, change.visit) for change in told] == [("p1", "v1"), ("p1", "v2")]


async def test_nothing_is_told_of_appointments_while_nobody_wants_to_know(world: World) -> None:
    await booked(world)
    await world.store.run(changes.write_down, True)
    await world.store.run(changes.write_down, False)
    await world.store.run(visits.mark, CLINIC, 1, NOON)
    assert await _told(world) == []
