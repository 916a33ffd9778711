"""Questions about one client: whoever is meant, their latest messages, and lines of the ledger."""

from __future__ import annotations

from gateway.domain import Channel, RecipientKind, Source
from store import register, why
from store.ledger import Entry, add
from store.people import Person
from tests.store.world import CLINIC, NOON, World


async def test_a_client_is_found_by_the_id_of_the_practice_system_before_our_own_number(
    world: World,
) -> None:
    first = await world.person("2", preferred=Channel.VOICE)
    second = await world.person("c2")
    for name, number in (("2", first), ("c2", second), (str(first), first)):
        found = await world.store.read(why.person, CLINIC, name)
        assert found is not None
        assert found.id == number
    assert await world.store.read(why.person, CLINIC, "c9") is None
    assert await world.store.read(why.person, CLINIC + 1, "c2") is None


async def test_a_client_comes_before_staff_with_the_same_id(world: World) -> None:
    staff = Person(RecipientKind.STAFF, "7", "Tara", "Fischer", "en")
    await world.store.run(register.save_person, CLINIC, staff, NOON)
    client = await world.person("7")
    found = await world.store.read(why.person, CLINIC, "7")
    assert found is not None
    assert (found.id, found.kind, found.name) == (client, RecipientKind.CLIENT, "Rosa Costa")


async def test_the_latest_messages_of_one_client_are_found_of_broadcasts_and_of_none(world: World) -> None:
    orders = [await world.broadcast() for _ in range(3)]
    mine = [await world.message(recipient=7, broadcast=order.id) for order in orders]
    mine.append(await world.message(recipient=7, broadcast=0))
    await world.message(recipient=8, broadcast=orders[0].id)
    assert await world.store.read(why.latest, CLINIC, 7, 10) == mine[::-1]
    assert await world.store.read(why.latest, CLINIC, 7, 2) == mine[:1:-1]
    (asked,) = await world.store.read(why.asked_again, CLINIC, mine[:1])
    assert (asked.id, asked.recipient, asked.broadcast) == (mine[0], 7, orders[0].id)


async def test_lines_of_the_ledger_are_told_in_full(world: World) -> None:
    entries = [
        Entry(7, False, Source.STAFF, Channel.SMS, by="Ana"),
        Entry(0, False, Source.DO_NOT_CALL, None, "+12025550100"),
    ]
    await world.store.run(add, CLINIC, entries, NOON)
    found = await world.store.read(why.lines, CLINIC, [1, 2, 9])
    assert {number: (line.source, line.by, line.everyone) for number, line in found.items()} == {
        1: ("staff", "Ana", False),
        2: ("do-not-call", "", True),
    }
    assert await world.store.read(why.lines, CLINIC, []) == {}


async def test_somebody_is_found_by_our_number_alone(world: World) -> None:
    number = await world.person("7")
    found = await world.store.read(why.person_of, CLINIC, number)
    assert found is not None
    assert (found.id, found.external_id, found.name) == (number, "7", "Rosa Costa")
    assert await world.store.read(why.person_of, CLINIC, 99) is None
    assert await world.store.read(why.person_of, 2, number) is None
