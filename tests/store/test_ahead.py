"""What will be due soon is found once, and rendered before its time."""

from __future__ import annotations

import asyncio
import os
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway import wording
from gateway.domain import Channel, MessageType, State
from gateway.link import StoreLink
from gateway.render import Ahead
from gateway.settings import Settings
from store import ahead
from store.ahead import Stretch
from tests.store.world import CLINIC, NOON, World
from voices.library import VoiceLibrary

HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
PHONE = "+12025550107"


def stretch(**changes: Any) -> Stretch:
    usual: dict[str, Any] = {"now": NOON, "until": NOON + HOUR, "seen": NOON, "first": 1}
    return Stretch(**(usual | changes))


async def soon(
    world: World, wanted: Stretch, last: tuple[datetime, int] | None = None, most: int = 100
) -> list[int]:
    found = await world.store.read(ahead.soon, CLINIC, Channel.SMS, wanted, last, most)
    return [message.id for message in found]


async def test_only_what_is_due_later_but_soon_is_found(world: World) -> None:
    await world.message(due_at=NOON)
    later = await world.message(due_at=NOON + MINUTE)
    last = await world.message(due_at=NOON + HOUR)
    await world.message(due_at=NOON + HOUR + MINUTE)
    await world.message(State.DELIVERED, due_at=NOON + MINUTE)
    await world.message(due_at=NOON + MINUTE, channel="voice")
    await world.message(due_at=NOON + MINUTE, clinic=CLINIC + 1)
    assert await soon(world, stretch()) == [later, last]


async def test_pages_follow_each_other_in_the_order_of_their_time(world: World) -> None:
    together = await world.messages(3, due_at=NOON + 2 * MINUTE)
    earlier = await world.message(due_at=NOON + MINUTE)
    first = await soon(world, stretch(), most=2)
    assert first == [earlier, together[0]]
    assert await soon(world, stretch(), (NOON + 2 * MINUTE, together[0])) == together[1:]


async def test_a_second_look_finds_what_came_within_reach_and_what_is_new(world: World) -> None:
    seen = await world.message(due_at=NOON + MINUTE)
    reached = await world.message(due_at=NOON + HOUR + MINUTE)
    new = await world.message(due_at=NOON + 2 * MINUTE)
    later = stretch(now=NOON, until=NOON + 2 * HOUR, seen=NOON + HOUR, first=new)
    assert sorted(await soon(world, later)) == [reached, new]
    assert seen not in await soon(world, later)


async def _call(world: World, name: str, given: str, at: datetime) -> int:
    person = await world.person(name, given_name=given, details={Channel.VOICE: PHONE})
    await world.visit(name, name)
    templates = wording.default_templates(MessageType.UPCOMING_APPOINTMENTS)
    templates["voice"] = {"person": "<Practice> <CallBack> <FirstName>", "machine": "<Practice> <CallBack>"}
    order = await world.broadcast(
        MessageType.UPCOMING_APPOINTMENTS, templates=templates, channel=Channel.VOICE
    )
    columns: dict[str, Any] = {"recipient": person, "broadcast": order.id, "appointment": 1}
    return await world.message(address=PHONE, channel="voice", due_at=at, **columns)


async def test_calls_are_rendered_before_their_time_and_one_that_cannot_be_holds_up_none(
    world: World, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await _call(world, "p1", "", NOON + MINUTE)
    await _call(world, "p2", "Анна", NOON + 2 * MINUTE)
    await _call(world, "p3", "Rosa", NOON + 3 * MINUTE)
    async with VoiceLibrary(tmp_path) as library:
        looking = Ahead(StoreLink(world.store), Settings(), library)
        assert await looking.look() == 3
        assert await looking.look() == 0
        await _call(world, "p4", "Ana", NOON + 4 * MINUTE)
        assert await looking.look() == 1
        rendered = [name for name in await asyncio.to_thread(os.listdir, tmp_path) if name.endswith(".wav")]
        # The clinic's name and number, Rosa and Ana.
        assert len(rendered) == 4
    assert "<FirstName> has no value" in caplog.text
    assert "<FirstName> has Cyrillic letters" in caplog.text
    assert "Анна" not in caplog.text
