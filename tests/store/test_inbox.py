"""The inbox: what waits for a person, who takes care of it, and that it is closed."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain import Channel, Direct, DirectKind, State
from store import accounts, conversations, faxes, inbox
from store.accounts import Details
from store.faxes import Fax
from store.inbox import CALLS_WAIT, Counts, Item, Kind, Whose
from tests.store.world import CLINIC, World

ELSEWHERE = 2
PHONE = "+12025550107"


async def _user(world: World, name: str) -> int:
    await world.store.run(accounts.ship, CLINIC, (("desk", "Front desk", ()),))
    return await world.store.run(accounts.add, CLINIC, Details(name.lower(), name, 1), world.clock())


async def _all_kinds(world: World) -> list[tuple[Kind, int]]:
    """A reply, then a fax, then a call that the desk missed."""
    await world.person(details={Channel.SMS: PHONE})
    await world.store.run(conversations.heard, CLINIC, PHONE, world.clock(), unread=True)
    talk = await world.store.read(conversations.with_address, CLINIC, PHONE)
    assert talk is not None
    world.clock.move(minutes=1)
    fax = Fax("1.1", "desk", "+12025550108", "+12125552081", "LAB", 2, True, "a.pdf", world.clock())
    notice = Direct(DirectKind.NOTICE, "", None, world.clock() + timedelta(days=1))
    await world.store.run(faxes.keep, CLINIC, fax, (), notice, world.clock())
    world.clock.move(minutes=1)
    call = await world.message(State.DELIVERED, channel="voice", cause="desk-missed", address=PHONE)
    await world.message(State.DELIVERED, channel="voice", cause="confirmed")
    return [(Kind.CALL, call), (Kind.FAX, 1), (Kind.CONVERSATION, talk.id)]


async def _list(world: World, user: int, **wanted: object) -> list[Item]:
    found: list[Item] = await world.store.read(inbox.listing, CLINIC, user, world.clock(), **wanted)
    return found


async def _numbers(world: World, user: int, **wanted: object) -> list[tuple[Kind, int]]:
    return [(one.kind, one.number) for one in await _list(world, user, **wanted)]


async def test_what_waits_is_listed_newest_first_with_names(world: World) -> None:
    ada = await _user(world, "Ada")
    everything = await _all_kinds(world)
    found = await _list(world, ada)
    assert [(one.kind, one.number) for one in found] == everything
    call, fax, talk = found
    assert (call.names, talk.names, talk.size) == (("Rosa Costa",), ("Rosa Costa",), 1)
    assert (fax.names, fax.size, fax.inbox, fax.address) == ((), 2, "desk", "+12125552081")
    assert all(one.waits for one in found)
    assert await world.store.read(inbox.listing, ELSEWHERE, ada, world.clock()) == []
    assert await _numbers(world, ada, kinds=[Kind.FAX]) == everything[1:2]
    assert await _numbers(world, ada, most=1) == everything[:1]
    assert await _numbers(world, ada, before=found[0].at) == everything[1:]


async def test_a_user_takes_it_and_gives_it_back(world: World) -> None:
    ada, bob = await _user(world, "Ada"), await _user(world, "Bob")
    everything = await _all_kinds(world)
    for kind, number in everything[:2]:
        await world.store.run(inbox.assign, CLINIC, kind, number, ada)
    await world.store.run(inbox.assign, CLINIC, *everything[0], bob)
    assert await _numbers(world, ada, whose=Whose.MINE) == everything[1:2]
    assert await _numbers(world, bob, whose=Whose.MINE) == everything[:1]
    assert await _numbers(world, ada, whose=Whose.UNASSIGNED) == everything[2:]
    assert await world.store.read(inbox.counts, CLINIC, ada, world.clock()) == Counts(1, 1, 3)
    found = await world.store.read(inbox.find, CLINIC, *everything[0], world.clock())
    assert found is not None
    assert (found.assignee, found.user) == (bob, "Bob")
    await world.store.run(inbox.assign, CLINIC, *everything[0], None)
    assert await world.store.read(inbox.counts, CLINIC, ada, world.clock()) == Counts(1, 2, 3)


@pytest.mark.parametrize("kind", Kind)
async def test_what_is_closed_waits_no_longer_and_is_nobodys(world: World, kind: Kind) -> None:
    ada = await _user(world, "Ada")
    number = dict(await _all_kinds(world))[kind]
    await world.store.run(inbox.assign, CLINIC, kind, number, ada)
    await world.store.run(inbox.close, CLINIC, kind, number, "Ada", world.clock())
    assert kind not in [one.kind for one in await _list(world, ada)]
    assert await world.store.read(inbox.counts, CLINIC, ada, world.clock()) == Counts(0, 2, 2)
    (kept,) = [one for one in await _list(world, ada, waiting=False) if one.kind is kind]
    assert (kept.waits, kept.assignee) == (False, None)


async def test_a_call_of_long_ago_waits_for_nobody(world: World) -> None:
    ada = await _user(world, "Ada")
    await _all_kinds(world)
    world.clock.now += CALLS_WAIT
    assert [one.kind for one in await _list(world, ada)] == [Kind.FAX, Kind.CONVERSATION]


async def test_what_never_came_is_not_found(world: World) -> None:
    confirmed = await world.message(State.DELIVERED, channel="voice", cause="confirmed")
    for kind, number in [(Kind.CALL, confirmed), (Kind.FAX, 9), (Kind.CONVERSATION, 9)]:
        assert await world.store.read(inbox.find, CLINIC, kind, number, world.clock()) is None


async def test_addresses_have_the_names_of_who_has_them(world: World) -> None:
    await world.person("a", details={Channel.SMS: PHONE})
    await world.person("b", given_name="Ana", details={Channel.SMS: PHONE})
    found = await world.store.read(conversations.names_at, CLINIC, [PHONE, "+12025550999"])
    assert found == {PHONE: ("Ana Costa", "Rosa Costa")}
