"""Versions of prompts: one is played, none is lost, and who made each is known."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from gateway.domain import RecipientKind
from store import prompts, register
from store.people import Person
from store.prompts import Take
from store.schema import prompt_version
from tests.store.world import CLINIC, World

TAKE = Take(
    source="phone",
    staff=None,
    author="",
    seconds=2.5,
    recorded_loudness=-31.0,
    loudness=-23.0,
    findings=("clipped",),
    audio="a" * 64,
    original="b" * 64 + ".wav",
)


async def _prompt(world: World, name: str = "greeting", title: str = "", wording: str = "") -> int:
    return await world.store.run(prompts.define, CLINIC, name, title, wording, world.clock())


async def _staff(world: World, name: str = "S1", given: str = "Grace") -> int:
    person = Person(RecipientKind.STAFF, name, given, "Okafor", "es")
    return await world.store.run(register.save_person, CLINIC, person, world.clock())


async def _draft(world: World, number: int, language: str = "en", **changes: Any) -> int:
    take = replace(TAKE, **changes)
    return await world.store.run(prompts.add_draft, CLINIC, number, language, take, world.clock())


async def _keep(world: World, version: int) -> bool:
    return await world.store.run(prompts.keep, CLINIC, version, world.clock())


async def _kept(world: World, number: int, language: str = "en", **changes: Any) -> int:
    made = await _draft(world, number, language, **changes)
    assert await _keep(world, made)
    return made


async def _active(world: World) -> dict[tuple[str, str], str]:
    return await world.store.read(prompts.active, CLINIC)


async def test_prompts_have_small_numbers_and_keep_them(world: World) -> None:
    assert [await _prompt(world, name) for name in ("greeting", "closing", "greeting")] == [1, 2, 1]
    assert await world.store.run(prompts.define, 2, "greeting", "", "", world.clock()) == 1
    assert await _prompt(world, "with", "The word with", "with") == 3
    found = await world.store.read(prompts.catalogue, CLINIC)
    assert [(entry.id, entry.name, entry.title) for entry in found] == [
        (1, "greeting", "greeting"),
        (2, "closing", "closing"),
        (3, "with", "The word with"),
    ]


async def test_a_title_is_changed_by_another_and_by_nothing_else(world: World) -> None:
    await _prompt(world, title="How we begin", wording="Good day")
    await _prompt(world)
    found = await world.store.read(prompts.named, CLINIC, "greeting")
    assert found is not None
    assert (found.title, found.wording) == ("How we begin", "Good day")
    await _prompt(world, title="Greeting")
    assert await world.store.read(prompts.numbered, CLINIC, 1) == replace(found, title="Greeting")
    assert await world.store.read(prompts.numbered, CLINIC, 2) is None
    assert await world.store.read(prompts.named, 2, "greeting") is None


async def test_a_draft_is_not_played_until_it_is_kept(world: World) -> None:
    number = await _prompt(world)
    made = await _draft(world, number)
    assert await _active(world) == {}
    world.clock.move(minutes=1)
    assert await _keep(world, made)
    assert await _active(world) == {("greeting", "en"): "a" * 64}
    kept = await world.store.read(prompts.version, CLINIC, made)
    assert kept is not None
    assert (kept.state, kept.active, kept.kept_at, kept.take) == ("kept", True, world.clock(), TAKE)
    assert not await _keep(world, made)


async def test_each_language_has_a_version_that_is_played(world: World) -> None:
    number = await _prompt(world)
    await _kept(world, number, "en", audio="1" * 64)
    await _kept(world, number, "es", audio="2" * 64)
    await _kept(world, number, "en", audio="3" * 64)
    assert await _active(world) == {("greeting", "en"): "3" * 64, ("greeting", "es"): "2" * 64}
    assert await world.store.read(prompts.active, 2) == {}


async def test_rolling_back_plays_the_earlier_one_and_loses_nothing(world: World) -> None:
    number = await _prompt(world)
    first, second = [await _kept(world, number, audio=str(n) * 64) for n in (1, 2)]
    assert await world.store.run(prompts.activate, CLINIC, first)
    assert await _active(world) == {("greeting", "en"): "1" * 64}
    assert await world.store.run(prompts.activate, CLINIC, second)
    assert [v.id for v in await world.store.read(prompts.versions, CLINIC, number)] == [second, first]
    draft = await _draft(world, number)
    for nothing in (draft, 99):
        assert not await world.store.run(prompts.activate, CLINIC, nothing)
    assert await _active(world) == {("greeting", "en"): "2" * 64}


async def test_of_many_kept_at_once_one_is_played(world: World) -> None:
    number = await _prompt(world)
    drafts = [await _draft(world, number) for _ in range(8)]
    assert all(await asyncio.gather(*(_keep(world, one) for one in drafts)))
    rows = await world.rows(prompt_version, prompt=number)
    assert [row["state"] for row in rows] == ["kept"] * 8
    assert sum(row["active"] for row in rows) == 1


async def test_drafts_wait_for_the_person_who_made_them(world: World) -> None:
    number = await _prompt(world)
    first, second = [await _draft(world, number, staff=1) for _ in range(2)]
    others = await _draft(world, number, staff=2)
    assert [one.id for one in await world.store.read(prompts.drafts_of, CLINIC, 1)] == [second, first]
    assert [one.id for one in await world.store.read(prompts.drafts_of, CLINIC, 2)] == [others]


async def test_a_draft_may_take_the_place_of_another_and_of_nothing_that_was_kept(world: World) -> None:
    number = await _prompt(world)
    kept, draft = await _kept(world, number, staff=1), await _draft(world, number, staff=1)
    for replaced in (draft, kept):
        take = replace(TAKE, staff=1)
        await world.store.run(
            prompts.add_draft, CLINIC, number, "en", take, world.clock(), instead_of=replaced
        )
    found = {one.id: one.state for one in await world.store.read(prompts.versions, CLINIC)}
    assert draft not in found
    assert list(found.values()) == ["draft", "draft", "kept"]


async def test_drafts_can_be_thrown_away_and_kept_versions_cannot(world: World) -> None:
    number = await _prompt(world)
    kept, draft = await _kept(world, number), await _draft(world, number)
    assert await world.store.run(prompts.discard, CLINIC, draft)
    assert not await world.store.run(prompts.discard, CLINIC, draft)
    assert not await world.store.run(prompts.discard, CLINIC, kept)
    assert [one.id for one in await world.store.read(prompts.versions, CLINIC)] == [kept]


async def test_a_version_can_be_named(world: World) -> None:
    made = await _kept(world, await _prompt(world))
    assert await world.store.run(prompts.describe, CLINIC, made, "Winter hours")
    assert not await world.store.run(prompts.describe, CLINIC, 99, "x")
    found = await world.store.read(prompts.version, CLINIC, made)
    assert found is not None
    assert found.label == "Winter hours"


async def test_files_are_needed_as_long_as_a_version_names_them(world: World) -> None:
    number = await _prompt(world)
    await _kept(world, number)
    draft = await _draft(world, number, audio="c" * 64, original="d" * 64 + ".mp3")
    needed = {"a" * 64, "b" * 64 + ".wav", "c" * 64, "d" * 64 + ".mp3"}
    assert await world.store.read(prompts.recordings) == needed
    await world.store.run(prompts.discard, CLINIC, draft)
    assert await world.store.read(prompts.recordings) == {"a" * 64, "b" * 64 + ".wav"}


async def test_what_is_asked_for_waits_until_that_person_has_kept_it(world: World) -> None:
    number, staff = await _prompt(world), await _staff(world)
    asked = await world.store.run(prompts.ask, CLINIC, number, "es", staff, world.clock())
    assert await world.store.run(prompts.ask, CLINIC, number, "es", staff, world.clock()) == asked
    (task,) = await world.store.read(prompts.tasks_of, CLINIC, staff)
    assert (task.id, task.prompt.name, task.language, task.staff) == (asked, "greeting", "es", staff)
    await _kept(world, number, "en", staff=staff)
    await _kept(world, number, "es", staff=staff + 1)
    assert len(await world.store.read(prompts.tasks_of, CLINIC)) == 1
    await _kept(world, number, "es", staff=staff)
    assert await world.store.read(prompts.tasks_of, CLINIC, staff) == []
    assert await world.store.run(prompts.ask, CLINIC, number, "es", staff, world.clock()) != asked


async def test_who_recorded_it_has_a_name(world: World) -> None:
    staff = await _staff(world)
    assert await world.store.read(prompts.names_of, CLINIC, {staff, 99}) == {staff: "Grace Okafor"}


@pytest.mark.parametrize("wording", ["Bienvenido a la clínica", "診療所です", "x" * 5000])
async def test_words_of_any_script_and_length_come_back(world: World, wording: str) -> None:
    await _prompt(world, wording=wording)
    (found,) = await world.store.read(prompts.catalogue, CLINIC)
    assert found.wording == wording
