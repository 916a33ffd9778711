"""Pages of the history for any filter: what fits, in bounded time, and how far it was looked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain import MessageType, State
from store import searching, visits
from store.searching import DIRECT, Search
from tests.store.world import CLINIC, NOON, World


async def _numbers(world: World, wanted: Search, most: int = 50, **where: Any) -> list[int]:
    found = await world.store.read(searching.page, CLINIC, wanted, most, **where)
    return [entry.id for entry in found.entries]


async def test_each_filter_leaves_out_what_it_should(world: World) -> None:
    rosa, samir = await world.person("p1"), await world.person("p2", given_name="Samir")
    notice = await world.broadcast()
    birthday = await world.broadcast(MessageType.BIRTHDAYS)
    plain = await world.message(State.DELIVERED, recipient=rosa, broadcast=notice.id)
    failed = await world.message(State.FAILED, recipient=samir, broadcast=notice.id, cause="busy")
    refused = await world.message(State.REFUSED, recipient=samir, broadcast=birthday.id, reason="no-consent")
    call = await world.message(
        State.DELIVERED, recipient=rosa, broadcast=birthday.id, channel="voice", cause="confirmed"
    )
    direct = await world.message(State.DELIVERED, recipient=rosa, broadcast=0)
    old = await world.message(
        State.EXPIRED, recipient=rosa, broadcast=notice.id, step=1, updated_at=NOON - timedelta(days=2)
    )
    everything = {plain, failed, refused, call, direct, old}
    cases: tuple[tuple[Search, set[int]], ...] = (
        (Search(), everything),
        (Search(broadcast=birthday.id), {refused, call}),
        (Search(states=(State.FAILED, State.REFUSED)), {failed, refused}),
        (Search(channel="voice"), {call}),
        (Search(type=MessageType.BIRTHDAYS), {refused, call}),
        (Search(type=DIRECT), {direct}),
        (Search(causes=("busy", "no-consent")), {failed, refused}),
        (Search(answer=searching.CONFIRMED), {call}),
        (Search(recipients=(samir,)), {failed, refused}),
        (Search(recipients=(rosa,), channel="sms", type=DIRECT), {direct}),
        (Search(since=NOON), everything - {old}),
        (Search(until=NOON), {old}),
    )
    for wanted, expected in cases:
        assert set(await _numbers(world, wanted)) == expected, wanted
    found = await world.store.read(searching.page, 2, Search())
    assert found.entries == ()


async def test_who_was_told_of_a_visit_and_did_not_confirm_is_found(world: World) -> None:
    for name in ("p1", "p2", "p3"):
        await world.person(name)
        await world.visit(f"v{name}", name)
    by_text = await world.message(State.DELIVERED, recipient=1, appointment=1)
    silent = await world.message(State.ACCEPTED, recipient=2, appointment=2)
    unreached = await world.message(State.FAILED, recipient=3, appointment=3)
    await world.message(State.DELIVERED, recipient=3)
    await world.store.run(visits.mark, CLINIC, 1, NOON)
    assert await _numbers(world, Search(answer=searching.CONFIRMED)) == [by_text]
    assert await _numbers(world, Search(answer=searching.UNCONFIRMED)) == [silent]
    assert unreached not in await _numbers(world, Search(answer=searching.UNCONFIRMED))


@pytest.mark.parametrize("wanted", [Search(), Search(broadcast=1), Search(channel="sms")])
async def test_pages_go_down_and_up_again(world: World, wanted: Search) -> None:
    down = (await world.messages(7))[::-1]
    assert await _numbers(world, wanted, 3) == down[:3]
    assert await _numbers(world, wanted, 3, before=down[2]) == down[3:6]
    assert await _numbers(world, wanted, 3, before=down[6]) == []
    assert await _numbers(world, wanted, 3, after=down[5]) == down[2:5]
    assert await _numbers(world, wanted, 3, after=down[0]) == []


async def test_a_search_that_takes_too_long_says_from_where_to_look_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = await world.messages(10)
    rare = await world.message(State.FAILED)
    others = await world.messages(10)
    monkeypatch.setattr(searching, "WINDOW", 4)
    wanted = Search(states=(State.FAILED,))
    looked, seen, before = [], [], None
    while True:
        found = await world.store.read(searching.page, CLINIC, wanted, 50, before=before, seconds=0.0)
        looked.append(found.further)
        seen += [entry.id for entry in found.entries]
        before = found.further
        if before is None:
            break
    assert seen == [rare]
    assert looked == [18, 14, 10, 6, 2, None]
    up = await world.store.read(searching.page, CLINIC, wanted, 50, after=numbers[0], seconds=0.0)
    assert (up.entries, up.further) == ((), numbers[4])
    at_once = await world.store.read(searching.page, CLINIC, wanted, 50, after=numbers[0], seconds=9.0)
    assert ([entry.id for entry in at_once.entries], at_once.further) == ([rare], None)
    # A broadcast that is larger than a window is looked through like everything.
    large = Search(broadcast=1, states=(State.FAILED,))
    assert await _numbers(world, large) == [rare]
    assert await _numbers(world, Search(broadcast=1), 3) == others[:-4:-1]


async def test_a_day_long_ago_is_found_without_looking_through_what_was_planned_since(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(searching, "WINDOW", 2)
    first = await world.broadcast()
    old = await world.messages(3, State.DELIVERED, broadcast=first.id)
    alone = await world.message(State.DELIVERED, broadcast=0)
    world.clock.move(days=3)
    second = await world.broadcast()
    late = await world.messages(40, State.DELIVERED, broadcast=second.id)
    # Of the first broadcast, but planned later: a client came in since.
    more = await world.message(State.DELIVERED, broadcast=first.id, step=1)
    wanted = Search(until=NOON + timedelta(days=1), states=(State.DELIVERED,))
    found = await world.store.read(searching.page, CLINIC, wanted, 50, seconds=0.0)
    assert {entry.id for entry in found.entries} <= {*old, alone}
    assert found.entries
    assert await _numbers(world, wanted) == [alone, *old[::-1]]
    whole = Search(until=NOON + timedelta(days=9))
    assert await _numbers(world, whole) == [more, *late[::-1], alone, *old[::-1]]


async def test_clients_are_found_by_id_or_by_the_beginning_of_their_name(world: World) -> None:
    rosa = await world.person("c-7", given_name="Rosa", family_name="Costa")
    anna = await world.person("Rosa", given_name="Anna", family_name="Rossi")

    async def found(typed: str, most: int = 9) -> list[int]:
        return [one.id for one in await world.store.read(searching.clients, CLINIC, typed, most)]

    assert await found("c-7") == [rosa]
    assert await found("Rosa") == [anna]
    assert await found("rosa c") == [rosa]
    assert await found("Costa, Ro") == [rosa]
    assert await found("ro") == [rosa, anna]
    assert await found("ro", 1) == [rosa]
    assert await found("%") == []
    client = await world.store.read(searching.client, CLINIC, rosa)
    assert client == searching.Client(rosa, "c-7", "Rosa Costa")
    assert await world.store.read(searching.client, CLINIC, 99) is None


async def test_the_newest_message_is_the_clinics_own(world: World) -> None:
    assert await world.store.read(searching.newest, CLINIC) == 0
    (number,) = await world.messages(1)
    assert await world.store.read(searching.newest, CLINIC) == number
    assert await world.store.read(searching.newest, 2) == 0
