"""Users and profiles: who may do what, and that somebody always may manage users."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gateway.accounts.making import make_first
from gateway.domain import RecipientKind
from store import accounts, register, sessions
from store.accounts import Details, InUseError, LastError, TakenError
from store.people import Person
from tests.store.world import CLINIC, World

# Another clinic of the same database.
ELSEWHERE = 2
SHIPPED = (("admin", "Administrator", ("users", "audit")), ("desk", "Front desk", ("messaging",)))
NEEDED = "users"


async def _user(world: World, login: str, shipped: str = "desk", clinic: int = CLINIC) -> int:
    await world.store.run(accounts.ship, clinic, SHIPPED)
    profile = next(
        one.id for one in await world.store.read(accounts.profiles, clinic) if one.shipped == shipped
    )
    return await world.store.run(accounts.add, clinic, Details(login, login, profile), world.clock())


async def test_profiles_are_shipped_once_and_tell_how_many_have_them(world: World) -> None:
    await _user(world, "ada", "admin")
    await world.store.run(accounts.ship, CLINIC, SHIPPED)
    found = await world.store.read(accounts.profiles, CLINIC)
    assert [(one.name, one.users, set(one.rules)) for one in found] == [
        ("Administrator", 1, {"users", "audit"}),
        ("Front desk", 0, {"messaging"}),
    ]


async def test_a_login_is_one_however_it_is_typed_and_only_within_its_clinic(world: World) -> None:
    number = await _user(world, " Ada@Clinic.example ")
    found = await world.store.read(accounts.by_login, CLINIC, "ADA@clinic.EXAMPLE")
    assert found is not None
    assert (found.id, found.login) == (number, "ada@clinic.example")
    with pytest.raises(TakenError, match="login"):
        await _user(world, "ada@clinic.example")
    await _user(world, "ada@clinic.example", clinic=ELSEWHERE)
    assert [one.id for one in await world.store.read(accounts.accounts, ELSEWHERE)] == [1]


async def test_the_last_who_may_manage_users_keeps_that(world: World) -> None:
    ada = await _user(world, "ada", "admin")
    bob = await _user(world, "bob")
    (admin, desk) = await world.store.read(accounts.profiles, CLINIC)
    with pytest.raises(LastError):
        await world.store.run(accounts.change, CLINIC, ada, Details("ada", "Ada", desk.id), NEEDED)
    off = Details("ada", "Ada", admin.id, enabled=False)
    with pytest.raises(LastError):
        await world.store.run(accounts.change, CLINIC, ada, off, NEEDED)
    with pytest.raises(LastError):
        await world.store.run(accounts.change_profile, CLINIC, admin.id, "Administrator", ["audit"], NEEDED)
    await world.store.run(accounts.change, CLINIC, bob, Details("bob", "Bob", admin.id), NEEDED)
    await world.store.run(accounts.change, CLINIC, ada, off, NEEDED)
    found = await world.store.read(accounts.find, CLINIC, ada)
    assert found is not None
    assert not found.enabled


async def test_a_login_of_another_cannot_be_taken_over(world: World) -> None:
    ada, _ = await _user(world, "ada", "admin"), await _user(world, "bob")
    with pytest.raises(TakenError):
        await world.store.run(accounts.change, CLINIC, ada, Details("bob", "Ada", 1), NEEDED)


async def test_profiles_are_made_changed_and_removed_while_nobody_has_them(world: World) -> None:
    await _user(world, "ada", "admin")
    number = await world.store.run(accounts.add_profile, CLINIC, "Night", ["messaging"])
    with pytest.raises(TakenError, match="name"):
        await world.store.run(accounts.add_profile, CLINIC, "Night", [])
    await world.store.run(accounts.change_profile, CLINIC, number, "Nights", ["audit"], NEEDED)
    found = next(one for one in await world.store.read(accounts.profiles, CLINIC) if one.id == number)
    assert (found.name, set(found.rules)) == ("Nights", {"audit"})
    eve = await world.store.run(accounts.add, CLINIC, Details("eve", "Eve", number), world.clock())
    with pytest.raises(InUseError):
        await world.store.run(accounts.remove_profile, CLINIC, number)
    await world.store.run(accounts.change, CLINIC, eve, Details("eve", "Eve", 1), NEEDED)
    await world.store.run(accounts.remove_profile, CLINIC, number)
    assert number not in [one.id for one in await world.store.read(accounts.profiles, CLINIC)]


async def test_a_new_password_signs_every_browser_out_and_makes_it_strange(world: World) -> None:
    ada = await _user(world, "ada", "admin")
    now = world.clock()
    await world.store.run(sessions.begin, CLINIC, "a" * 64, ada, "in", "Firefox", now)
    await world.store.run(sessions.know, CLINIC, "d" * 64, ada, now)
    await world.store.run(accounts.set_password, CLINIC, ada, "hash", now)
    assert await world.store.read(sessions.find, CLINIC, "a" * 64) is None
    assert not await world.store.read(sessions.is_known, CLINIC, "d" * 64, ada)
    kept = await world.store.read(accounts.secrets_of, CLINIC, ada)
    assert kept is not None
    assert kept.password_hash == "hash"
    found = await world.store.read(accounts.find, CLINIC, ada)
    assert found is not None
    assert found.has_password


async def test_no_code_opens_twice(world: World) -> None:
    ada = await _user(world, "ada", "admin")
    await world.store.run(accounts.set_second, CLINIC, ada, "SECRET", ["r1", "r2"])
    assert await world.store.run(accounts.use_code, CLINIC, ada, 100)
    assert not await world.store.run(accounts.use_code, CLINIC, ada, 100)
    assert not await world.store.run(accounts.use_code, CLINIC, ada, 99)
    assert await world.store.run(accounts.use_recovery, CLINIC, ada, "r1")
    assert not await world.store.run(accounts.use_recovery, CLINIC, ada, "r1")
    assert await world.store.read(accounts.recovery_left, CLINIC, ada) == 1
    await world.store.run(accounts.set_recovery, CLINIC, ada, ["n1", "n2", "n3"])
    assert not await world.store.run(accounts.use_recovery, CLINIC, ada, "r2")
    assert await world.store.read(accounts.recovery_left, CLINIC, ada) == 3
    await world.store.run(accounts.set_second, CLINIC, ada, None)
    kept = await world.store.read(accounts.secrets_of, CLINIC, ada)
    assert kept is not None
    assert kept.secret is None
    assert await world.store.read(accounts.recovery_left, CLINIC, ada) == 0


async def test_a_user_chooses_their_language(world: World) -> None:
    ada = await _user(world, "ada", "admin")
    await world.store.run(accounts.set_language, CLINIC, ada, "es")
    found = await world.store.read(accounts.find, CLINIC, ada)
    assert found is not None
    assert found.language == "es"


async def test_members_of_staff_are_those_that_a_user_may_be(world: World) -> None:
    await world.person("c1")
    sam = Person(RecipientKind.STAFF, "s1", "Sam", "Ito", "en")
    number = await world.store.run(register.save_person, CLINIC, sam, world.clock())
    assert await world.store.read(accounts.staff, CLINIC) == [(number, "Sam Ito")]


async def test_two_who_take_the_last_from_each_other_do_so_one_after_the_other(world: World) -> None:
    ada, bob = await _user(world, "ada", "admin"), await _user(world, "bob", "admin")
    desk = next(one.id for one in await world.store.read(accounts.profiles, CLINIC) if one.shipped == "desk")

    def down(number: int, login: str) -> Any:
        details = Details(login, login, desk)
        return world.store.run(accounts.change, CLINIC, number, details, NEEDED)

    done = await asyncio.gather(down(ada, "ada"), down(bob, "bob"), return_exceptions=True)
    assert sorted(type(one).__name__ for one in done) == ["LastError", "NoneType"]


async def test_of_two_first_administrators_one_is_made(world: World) -> None:
    said = CLINIC, "ada", "Ada", "en", world.clock()
    made = await asyncio.gather(*(world.store.run(make_first, *said) for _ in range(5)))
    assert sorted(one or 0 for one in made) == [0, 0, 0, 0, 1]
    await world.store.run(accounts.hold, CLINIC)
    assert len(await world.store.read(accounts.accounts, CLINIC)) == 1
