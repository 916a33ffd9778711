"""Broadcasts whose time is to come, and templates that two people write at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, State
from store import broadcasts, overview, templates
from store.templates import SavedMeanwhileError
from tests.store.world import CLINIC, NOON, World

TEXTS = {"sms": {"body": "<Practice>: call us."}}


async def _ordered(world: World, name: str, hours: float) -> int:
    at = NOON + timedelta(hours=hours)
    kind, about = MessageType.CLIENT_NOTICE, BroadcastClass.OTHER
    wanted = Broadcast(0, name, kind, about, Channel.SMS, False, at, None, None, {})
    return await world.store.run(broadcasts.order, CLINIC, wanted, world.clock())


async def test_what_is_to_come_is_listed_with_what_waits_and_the_next_first(world: World) -> None:
    later, sooner = await _ordered(world, "Later", 5), await _ordered(world, "Sooner", 1)
    gone, off = await _ordered(world, "Gone", -30), await _ordered(world, "Off", 2)
    await world.messages(3, State.SCHEDULED, broadcast=sooner)
    await world.messages(1, State.DELIVERED, broadcast=sooner)
    await world.store.run(broadcasts.cancel, CLINIC, off, world.clock())
    found = await world.store.read(overview.coming, CLINIC, world.clock())
    assert [(one.heading.id, one.waiting, one.counted_all) for one in found] == [
        (sooner, 3, True),
        (later, 0, True),
    ]
    assert gone not in {one.heading.id for one in found}
    assert await world.store.read(overview.coming, CLINIC + 1, world.clock()) == []


async def test_only_the_first_messages_of_a_broadcast_are_counted(world: World) -> None:
    number = await _ordered(world, "Many", 1)
    await world.messages(4, State.REFUSED, broadcast=number, reason="no-consent")
    found, whole = await world.store.read(overview.first_states, CLINIC, number, 4)
    assert (found, whole) == ({(State.REFUSED, "no-consent"): 4}, True)
    found, whole = await world.store.read(overview.first_states, CLINIC, number, 3)
    assert (sum(found.values()), whole) == (4, False)


async def test_who_saves_over_a_version_that_they_did_not_open_is_told(world: World) -> None:
    async def save(who: str, opened: int | None, words: str) -> int:
        texts = {"sms": {"body": words}}
        args = CLINIC, "Reminder", MessageType.CLIENT_NOTICE, texts, who, NOON
        return await world.store.run(templates.save, *args, opened=opened)

    assert await save("ana", 0, "one") == 1
    assert await save("ana", 1, "two") == 2
    with pytest.raises(SavedMeanwhileError, match="ana has saved version 2") as told:
        await save("ben", 1, "mine")
    assert told.value.newest.texts == {"sms": {"body": "two"}}
    assert await save("ben", 1, "two") == 2
    assert await save("ben", 2, "mine") == 3
    with pytest.raises(SavedMeanwhileError):
        await save("eve", 0, "new")
    assert await save("command line", None, "told by nobody") == 4
    found = await world.store.read(templates.find, CLINIC, "Reminder")
    assert found is not None
    assert (found.version, found.by) == (4, "command line")
    assert await world.store.read(templates.listing, CLINIC) == [found]
