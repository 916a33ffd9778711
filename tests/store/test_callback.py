"""Who calls back and what they may hear, on both databases."""

from __future__ import annotations

from datetime import date, timedelta

from gateway.domain import Channel, RecipientKind, State
from store import callback, register
from store.callback import LastMessage
from store.people import Person
from tests.store.world import CLINIC, NOON, World

PHONE = "+12025550107"
SINCE = NOON - timedelta(days=7)


async def _person(world: World, born: date | None) -> int:
    details = {Channel.VOICE: PHONE}
    person = Person(RecipientKind.CLIENT, "r", "Rosa", "Costa", "en", details=details, birth_date=born)
    await world.store.run(register.save_person, CLINIC, person, NOON)
    return 1


async def _hears(world: World, month: int, day: int) -> LastMessage | None:
    return await world.store.read(callback.last_message, CLINIC, PHONE, month, day, SINCE)


async def test_the_newest_message_to_a_number_is_for_who_was_born_on_that_day(world: World) -> None:
    person = await _person(world, date(1980, 2, 29))
    hers = {"address": PHONE, "recipient": person, "appointment": 5}
    await world.message(State.DELIVERED, **hers, step=1, started_at=NOON - timedelta(hours=3))
    newest = await world.message(State.FAILED, **hers, step=2, started_at=NOON - timedelta(hours=1))
    found = await _hears(world, 2, 29)
    assert found is not None
    assert (found.message, found.recipient, found.appointment) == (newest, person, 5)
    assert await _hears(world, 3, 1) is None


async def test_nothing_is_read_out_to_somebody_whose_birthday_is_not_known(world: World) -> None:
    person = await _person(world, None)
    await world.message(State.DELIVERED, address=PHONE, recipient=person)
    assert await _hears(world, 3, 5) is None


async def test_what_was_sent_too_long_ago_or_not_at_all_is_not_read_out(world: World) -> None:
    person = await _person(world, date(1980, 3, 5))
    hers = {"address": PHONE, "recipient": person}
    await world.message(State.DELIVERED, **hers, step=1, started_at=SINCE - timedelta(minutes=1))
    await world.message(State.QUEUED, **hers, step=2)
    assert await _hears(world, 3, 5) is None
    await world.message(State.DELIVERED, **hers, step=3, started_at=SINCE)
    assert await _hears(world, 3, 5) is not None
