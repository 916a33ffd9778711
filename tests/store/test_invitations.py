"""Whoever got an appointment by mail is mailed once when an import changes it, and nobody else is."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.domain import Channel, DirectKind, State
from gateway.known import known_of
from store import invitations, queue, register
from store.people import Visit
from store.schema import direct, message
from tests.store.world import CLINIC, LEASE, NOON, OWNER, World

ROSA = "rosa@example.org"
STARTS = NOON + timedelta(days=1)


async def mailed(world: World, state: State = State.ACCEPTED, **columns: Any) -> int:
    """An appointment of Rosa's that a mail told of; her number."""
    person = await world.person("p1", details={Channel.EMAIL: ROSA})
    await world.visit("v1", "p1", starts_at=STARTS)
    usual = {"channel": "email", "address": ROSA, "recipient": person, "appointment": 1}
    await world.message(state, **(usual | columns))
    return person


async def imported(
    world: World, starts_at: datetime = STARTS, status: str = "booked", name: str = "v1"
) -> None:
    """The practice's file, once more."""
    visit = Visit(name, "p1", None, starts_at, "Check-up", "Dr. Ito", status)
    await world.store.run(register.save_visits, CLINIC, [visit], calendars_at=world.clock())


async def queued(world: World) -> list[dict[str, Any]]:
    rows = await world.rows(message, broadcast=0)
    kinds = {row["message"]: row["kind"] for row in await world.rows(direct)}
    return [dict(row) for row in rows if kinds.get(row["id"]) == DirectKind.VISIT.value]


async def test_a_move_and_a_cancellation_are_mailed_to_whom_the_appointment_was_mailed(world: World) -> None:
    person = await mailed(world)
    await imported(world, STARTS + timedelta(hours=2))
    [told] = await queued(world)
    assert (told["channel"], told["address"], told["recipient"]) == ("email", ROSA, person)
    assert (told["appointment"], told["expires_at"]) == (1, STARTS + timedelta(hours=2))

    async def about() -> tuple[str, datetime]:
        """What is true when it leaves."""
        claimed = await world.store.run(
            queue.claim, CLINIC, Channel.EMAIL, OWNER, world.clock(), world.clock() + LEASE, 10
        )
        [facts], _ = await known_of(world.store, CLINIC, claimed)
        assert facts.direct is not None
        assert facts.appointment is not None
        assert facts.contacts[Channel.EMAIL].address == ROSA
        assert facts.consents
        return facts.appointment.status, facts.appointment.starts_at

    await imported(world, STARTS + timedelta(hours=2), "cancelled")
    assert len(await queued(world)) == 1, "the one that waits tells the newest truth"
    assert await about() == ("cancelled", STARTS + timedelta(hours=2))


@pytest.mark.parametrize("starts_at", [STARTS, NOON - timedelta(days=1)])
async def test_what_stays_the_same_is_not_mailed(world: World, starts_at: datetime) -> None:
    await mailed(world)
    await imported(world, name="v2")
    await imported(world)
    await imported(world, status="completed")
    assert await queued(world) == []


async def test_an_appointment_that_is_over_is_not_mailed(world: World) -> None:
    await mailed(world)
    world.clock.move(days=2)
    await imported(world, status="cancelled")
    assert await queued(world) == []


async def test_a_client_who_cancelled_is_not_told_that_a_file_still_says_booked(world: World) -> None:
    await mailed(world)
    await imported(world, status="cancelled")
    [told] = await queued(world)
    await world.store.run(_forget, told["id"])
    await imported(world)
    assert await queued(world) == []


def _forget(conn: Any, number: int) -> None:
    conn.execute(message.delete().where(message.c.id == number))


@pytest.mark.parametrize(
    ("state", "columns"),
    [
        (State.FAILED, {}),
        (State.QUEUED, {}),
        (State.DELIVERED, {"channel": "sms", "address": "+12025550100"}),
        (State.DELIVERED, {"appointment": 9}),
        (State.DELIVERED, {"address": "earlier@example.org"}),
        (State.DELIVERED, {"recipient": 77}),
    ],
)
async def test_whoever_has_no_such_event_is_not_mailed(
    world: World, state: State, columns: dict[str, Any]
) -> None:
    """It came back, waits still, was a text, was about another visit, or went where she is no more."""
    await mailed(world, state, **columns)
    await imported(world, STARTS + timedelta(hours=2))
    assert await queued(world) == []


async def test_without_a_moment_nobody_is_mailed(world: World) -> None:
    await mailed(world)
    await world.visit("v1", "p1", starts_at=STARTS + timedelta(hours=2))
    assert await queued(world) == []


async def test_what_was_known_before_is_told_by_the_practices_own_number(world: World) -> None:
    await mailed(world)
    asked = [Visit(name, "p1", None, NOON, "", "") for name in ("v1", "v2")]
    assert await world.store.read(invitations.known, CLINIC, asked) == {"v1": (1, STARTS, "booked", 1, None)}
