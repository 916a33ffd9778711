"""What was refused for want of consent is judged again when it is given, before anything of it was sent."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import pytest

from gateway.consents import Wish, write
from gateway.domain import Channel, Purpose, Reply, ReplyKind, Source, State
from store import broadcasts, ledger, merging, people
from store.ledger import Entry
from store.schema import broadcast
from store.settle import Settlement
from tests.store.test_intake import hear
from tests.store.world import CLINIC, NOON, World

PHONE, OTHER = "+12025550107", "+12025550108"
SMS, VOICE = Channel.SMS, Channel.VOICE
TOMORROW, LAST_WEEK = NOON + timedelta(days=1), NOON - timedelta(days=6)
REASONS = ("no-consent", "no-contact-consent", "consent-withdrawn")


async def silent(world: World, name: str = "p1", consent: bool | None = None) -> int:
    """A client who has not agreed."""
    return await world.person(name, consent=consent, details={SMS: PHONE, VOICE: PHONE})


async def refused(world: World, person: int, reason: str = "no-consent", **columns: Any) -> int:
    """A message of a broadcast whose time is tomorrow."""
    if "broadcast" not in columns:
        columns["broadcast"] = (await world.broadcast(send_at=TOMORROW)).id
    usual = {"recipient": person, "address": PHONE, "due_at": NOON - timedelta(days=1)}
    usual |= {"expires_at": TOMORROW + timedelta(days=7), "state": State.REFUSED}
    return await world.message(**(usual | columns), reason=reason)


async def gives(world: World, person: int, **changes: Any) -> None:
    entry = Entry(person, True, Source.STAFF, **changes)
    await world.store.run(ledger.add, CLINIC, [entry], world.clock())


async def how_it_stands(world: World, number: int) -> tuple[Any, ...]:
    row = await world.row(number)
    return row["state"], row["reason"], row["due_at"]


BACK = (State.SCHEDULED, None, NOON)


@pytest.mark.parametrize("reason", REASONS)
async def test_what_was_refused_for_want_of_consent_waits_again_when_it_is_given(
    world: World, reason: str
) -> None:
    person = await silent(world)
    number = await refused(world, person, reason)
    other = await refused(world, await silent(world, "p2"), reason)
    await gives(world, person)
    assert await how_it_stands(world, number) == BACK
    assert (await world.row(other))["state"] == "refused"
    await world.claim()
    assert await world.start([number]) == {number: 1}


Said = Callable[[World, int], Awaitable[object]]


async def _by_file(world: World, person: int) -> None:
    assert await silent(world, consent=True) == person


async def _by_form(world: World, person: int) -> None:
    await world.store.run(write, CLINIC, "p1", Wish(True), None, "Tara", NOON)


async def _by_start(world: World, person: int) -> None:
    # There has to be something to take back.
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await hear(world, Reply(SMS, ReplyKind.OPT_IN, PHONE, NOON, "START"))


@pytest.mark.parametrize("said", [_by_file, _by_form, _by_start])
async def test_however_it_is_given(world: World, said: Said) -> None:
    person = await silent(world)
    number = await refused(world, person)
    await said(world, person)
    assert await how_it_stands(world, number) == BACK


async def test_a_file_that_says_nothing_new_brings_nothing_back(world: World) -> None:
    person = await silent(world, consent=True)
    number = await refused(world, person)
    await silent(world, consent=True)
    assert (await world.row(number))["state"] == "refused"


async def test_start_brings_back_texts_alone(world: World) -> None:
    person = await silent(world, consent=True)
    text = await refused(world, person, "consent-withdrawn")
    call = await refused(world, person, "consent-withdrawn", channel="voice")
    await _by_start(world, person)
    assert await world.states([text, call]) == ["scheduled", "refused"]


async def test_start_from_a_number_of_nobody_counts_for_whoever_has_it_now(world: World) -> None:
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    person = await silent(world, consent=True)
    number = await refused(world, person, "consent-withdrawn")
    before = await world.ledger(person)
    await world.store.run(ledger.add, CLINIC, [Entry(0, True, "text", SMS, PHONE)], NOON)
    assert await world.ledger(person) == before
    assert await how_it_stands(world, number) == BACK


async def test_two_who_become_one_have_the_consent_of_either(world: World) -> None:
    await silent(world, "keep", consent=True)
    gone = await silent(world, "gone")
    number = await refused(world, gone)
    await world.store.run(merging.merge, CLINIC, "keep", "gone", "Tara", NOON)
    assert await how_it_stands(world, number) == BACK


async def test_what_both_were_refused_comes_back_once(world: World) -> None:
    keep, gone = await silent(world, "keep"), await silent(world, "gone", consent=True)
    order = (await world.broadcast(send_at=TOMORROW)).id
    numbers = [await refused(world, person, broadcast=order) for person in (keep, gone)]
    await world.store.run(merging.merge, CLINIC, "keep", "gone", "Tara", NOON)
    assert await world.states(numbers) == ["scheduled", "refused"]
    await gives(world, keep)
    assert await world.states(numbers) == ["scheduled", "refused"]


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (State.REFUSED, "do-not-call"),
        (State.REFUSED, "bad-address"),
        (State.REFUSED, "no-signed-consent"),
        (State.REFUSED, "ambiguous-cancel"),
        (State.CANCELLED, "already-answered"),
        (State.DELIVERED, "no-consent"),
        (State.ACCEPTED, "no-consent"),
        (State.UNKNOWN, "no-consent"),
        (State.FAILED, "no-consent"),
    ],
)
async def test_nothing_else_comes_back(world: World, state: State, reason: str) -> None:
    person = await silent(world)
    number = await refused(world, person, reason, state=state)
    await gives(world, person)
    assert (await world.row(number))["state"] == state


@pytest.mark.parametrize(
    "changes",
    [{"purpose": Purpose.MARKETING}, {"purpose": Purpose.FAMILY}, {"channel": VOICE}],
    ids=["marketing", "family", "calls"],
)
async def test_another_consent_brings_nothing_back(world: World, changes: dict[str, Any]) -> None:
    person = await silent(world)
    number = await refused(world, person)
    await gives(world, person, **changes)
    assert (await world.row(number))["state"] == "refused"


@pytest.mark.parametrize(
    "columns",
    [{"expires_at": NOON}, {"attempt": 1, "started_at": NOON}, {"broadcast": 0}],
    ids=["expired", "tried", "of no broadcast"],
)
async def test_what_is_over_stays_so(world: World, columns: dict[str, Any]) -> None:
    person = await silent(world)
    number = await refused(world, person, **columns)
    await gives(world, person)
    assert (await world.row(number))["state"] == "refused"


async def test_a_broadcast_that_was_cancelled_brings_nothing_back(world: World) -> None:
    person = await silent(world)
    order = (await world.broadcast(send_at=TOMORROW)).id
    number = await refused(world, person, broadcast=order)
    await world.store.run(broadcasts.cancel, CLINIC, order, NOON)
    assert [row["state"] for row in await world.rows(broadcast)] == ["cancelled"]
    await gives(world, person)
    assert (await world.row(number))["state"] == "refused"


async def test_old_news_is_not_told_but_a_visit_to_come_is(world: World) -> None:
    person = await silent(world)
    await world.visit("v1", "p1", starts_at=TOMORROW)
    order = (await world.broadcast(send_at=LAST_WEEK)).id
    notice = await refused(world, person, broadcast=order, expires_at=TOMORROW)
    reminder = await refused(world, person, broadcast=order, appointment=1, expires_at=NOON)
    await gives(world, person)
    assert (await world.row(notice))["state"] == "refused"
    assert await how_it_stands(world, reminder) == BACK
    # It had moved to another time meanwhile.
    assert (await world.row(reminder))["expires_at"] == TOMORROW


async def test_a_verdict_from_before_does_not_end_what_is_allowed_now(world: World) -> None:
    person = await silent(world)
    number = await refused(world, person, state=State.QUEUED, due_at=NOON)
    await world.claim()
    await gives(world, person)
    await world.settle(Settlement(number, 0, State.REFUSED, reason="no-consent"))
    assert (await world.row(number))["state"] == "queued"
