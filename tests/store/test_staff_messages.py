"""What users write to each other: who sees it, what is unread, and what is done."""

from __future__ import annotations

from store import accounts, merging, staff_messages
from store.accounts import Details
from store.staff_messages import Wish
from tests.store.world import CLINIC, World

ELSEWHERE = 2
SHIPPED = (("desk", "Front desk", ("staff-messages",)),)


async def _user(world: World, name: str, clinic: int = CLINIC) -> int:
    await world.store.run(accounts.ship, clinic, SHIPPED)
    return await world.store.run(accounts.add, clinic, Details(name.lower(), name, 1), world.clock())


async def _begin(
    world: World, author: int, *to: int, subject: str = "Chart", client: int | None = None
) -> int:
    args = author, to, subject, "Please complete it.", world.clock(), client
    return await world.store.run(staff_messages.begin, CLINIC, *args)


async def _unread(world: World, user: int) -> int:
    return await world.store.read(staff_messages.unread, CLINIC, user)


async def test_a_message_is_unread_by_who_gets_it_until_they_read_it(world: World) -> None:
    ann, bob, eve = [await _user(world, name) for name in ("Ann", "Bob", "Eve")]
    thread = await _begin(world, ann, bob)
    assert [await _unread(world, one) for one in (ann, bob, eve)] == [0, 1, 0]
    await world.store.run(staff_messages.mark_read, CLINIC, thread, bob)
    assert await _unread(world, bob) == 0
    assert await world.store.read(staff_messages.members, CLINIC, thread) == [ann, bob]


async def test_only_those_who_take_part_find_a_thread(world: World) -> None:
    ann, bob, eve = [await _user(world, name) for name in ("Ann", "Bob", "Eve")]
    rosa = await world.person()
    thread = await _begin(world, ann, bob, client=rosa)
    found = await world.store.read(staff_messages.find, CLINIC, thread, bob)
    assert found is not None
    assert (found.subject, found.people, found.client, found.client_name) == (
        "Chart",
        ("Ann",),
        rosa,
        "Rosa Costa",
    )
    assert await world.store.read(staff_messages.find, CLINIC, thread, eve) is None
    assert await world.store.read(staff_messages.listing, CLINIC, eve) == []
    assert await world.store.read(staff_messages.find, ELSEWHERE, thread, bob) is None


async def test_done_is_told_to_the_others_and_an_answer_opens_it_again(world: World) -> None:
    ann, bob = await _user(world, "Ann"), await _user(world, "Bob")
    thread = await _begin(world, ann, bob)
    world.clock.move(minutes=5)
    await world.store.run(staff_messages.answer, CLINIC, thread, bob, "", world.clock(), done=True)
    assert (await _unread(world, ann), await _unread(world, bob)) == (1, 0)
    found = await world.store.read(staff_messages.find, CLINIC, thread, ann)
    assert found is not None
    assert (found.done_at, found.done_by, found.last_at) == (world.clock(), "Bob", world.clock())
    notes = await world.store.read(staff_messages.notes, CLINIC, thread)
    assert [(one.name, one.body, one.done) for one in notes] == [
        ("Ann", "Please complete it.", False),
        ("Bob", "", True),
    ]
    await world.store.run(
        staff_messages.answer, CLINIC, thread, ann, "One page lacks", world.clock(), done=False
    )
    found = await world.store.read(staff_messages.find, CLINIC, thread, bob)
    assert found is not None
    assert (found.done_at, found.done_by, found.unread) == (None, "", 1)


async def test_threads_are_listed_by_their_latest_message_and_by_whether_they_are_done(world: World) -> None:
    ann, bob = await _user(world, "Ann"), await _user(world, "Bob")
    first = await _begin(world, ann, bob, subject="First")
    world.clock.move(minutes=1)
    second = await _begin(world, ann, bob, subject="Second")
    world.clock.move(minutes=1)
    await world.store.run(staff_messages.answer, CLINIC, first, bob, "", world.clock(), done=True)
    listing = staff_messages.listing

    async def numbers(**wanted: object) -> list[int]:
        return [one.id for one in await world.store.read(listing, CLINIC, ann, **wanted)]

    assert await numbers() == [first, second]
    assert await numbers(done=False) == [second]
    assert await numbers(done=True) == [first]
    assert await numbers(most=1) == [first]
    assert await numbers(before=world.clock()) == [second]


async def test_a_user_says_how_they_want_to_be_told(world: World) -> None:
    ann = await _user(world, "Ann")
    assert await world.store.read(staff_messages.wish, CLINIC, ann) == Wish(email=True, phone="")
    for wanted in (Wish(email=False, phone="+12025550100"), Wish(email=True, phone="")):
        await world.store.run(staff_messages.set_wish, CLINIC, ann, wanted)
        assert await world.store.read(staff_messages.wish, CLINIC, ann) == wanted


async def test_what_is_about_a_client_follows_them_into_another(world: World) -> None:
    ann, bob = await _user(world, "Ann"), await _user(world, "Bob")
    await world.person("keep", given_name="Carla")
    thread = await _begin(world, ann, bob, client=await world.person("gone"))
    await world.store.run(merging.merge, CLINIC, "keep", "gone", "Ann", world.clock())
    found = await world.store.read(staff_messages.find, CLINIC, thread, ann)
    assert found is not None
    assert found.client_name == "Carla Costa"
