"""Clients are found among many, shown with what holds, and changed as an import changes them."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from gateway.domain import Channel, RecipientKind
from store import clients, documents, finding, heading_choices, merging
from store import renewals as stored_renewals
from store.people import Person
from store.renewals import Renewal
from tests.store.plans import plans_of
from tests.store.world import CLINIC, World

MOBILE = "+12025550143"


async def look(world: World, text: str, most: int = 50) -> list[int]:
    found, _ = await world.store.read(finding.look, CLINIC, text, most)
    return found


async def somebody(world: World) -> tuple[int, int]:
    jose = await world.person(
        "MRN-77",
        given_name="José María",
        family_name="García-Núñez",
        details={Channel.VOICE: MOBILE, Channel.SMS: MOBILE, Channel.EMAIL: "jose@example.org"},
        messaging={Channel.VOICE: "+12025550199"},
    )
    return jose, await world.person("MRN-78", given_name="Mara", family_name="Gardner")


@pytest.mark.parametrize(
    "text",
    "jose|JOSÉ|nunez|garcia mar|María García|García-Núñez, José|mrn-77|jose@exam|0143|(202) 555-0143|"
    "555-0199|+1 202 555 0143".split("|"),
)
async def test_a_client_is_found_by_name_id_mailbox_or_the_end_of_a_number(world: World, text: str) -> None:
    jose, _ = await somebody(world)
    assert await look(world, text) == [jose]


@pytest.mark.parametrize("text", ["josef", "garcia gardner", "0144", "mrn-9", "%", "_", "jose\x00x"])
async def test_nobody_is_found_by_what_nobody_has(world: World, text: str) -> None:
    await somebody(world)
    assert await look(world, text) == []


async def test_two_who_are_meant_are_both_found_once(world: World) -> None:
    jose, mara = await somebody(world)
    assert await look(world, "gar") == [jose, mara]
    assert await look(world, "mar") == [mara, jose]
    assert await look(world, "") == [jose, mara]


async def test_clients_of_another_clinic_are_not_found(world: World) -> None:
    await somebody(world)
    assert (await world.store.read(finding.look, CLINIC + 1, "jose", 50))[0] == []


async def test_pages_follow_each_other_and_end(world: World) -> None:
    made = [await world.person(f"p{n}", given_name="Ann", family_name=f"Lee{n}") for n in range(5)]
    seen, after = [], None
    for _ in range(3):
        found, after = await world.store.read(finding.look, CLINIC, "ann", 2, after)
        seen.append(found)
    assert seen == [made[:2], made[2:4], made[4:]]
    assert after is None


async def test_a_new_name_and_number_are_found_and_the_old_ones_are_not(world: World) -> None:
    jose, _ = await somebody(world)
    await world.person("MRN-77", given_name="Pepe", family_name="Soto", details={Channel.SMS: "+12025550222"})
    assert await look(world, "pepe") == await look(world, "0222") == [jose]
    assert await look(world, "jose") == await look(world, "0143") == []


async def test_who_became_another_is_found_as_the_other(world: World) -> None:
    jose, mara = await somebody(world)
    await world.store.run(merging.merge, CLINIC, "MRN-78", "MRN-77", "ada", world.clock())
    assert await look(world, "nunez") == []
    assert await look(world, "0143") == [mara]
    assert await world.store.read(clients.became, CLINIC, jose) == mara
    assert await world.store.read(clients.became, CLINIC, mara) is None


async def test_words_that_went_missing_are_made_again(world: World) -> None:
    jose, _ = await somebody(world)
    await world.store.run(lambda conn: conn.exec_driver_sql("DELETE FROM client_word"))
    assert await look(world, "jose") == []
    await world.store.run(finding.refresh, CLINIC, [jose])
    assert await look(world, "jose") == [jose]


@pytest.mark.parametrize("text", ["gar", "0143", ""])
async def test_looking_uses_the_key_of_the_words(world: World, engine: str, text: str) -> None:
    if engine == "postgresql":
        await world.store.run(lambda conn: conn.exec_driver_sql("SET enable_seqscan = off"))
    plan = await plans_of(world.store, finding.look, CLINIC, text, 50)
    assert "client_word" in plan
    assert "SCAN client_word" not in plan
    assert engine == "sqlite" or "Index" in plan


async def test_a_list_shows_the_next_visit_and_what_was_said(world: World) -> None:
    jose, mara = await somebody(world)
    for name, days in (("v1", 3), ("v2", 2), ("v0", -1)):
        await world.visit(name, "MRN-77", starts_at=world.clock() + timedelta(days=days))
    await world.visit("v3", "MRN-77", starts_at=world.clock() + timedelta(days=1), status="cancelled")
    first, second = await world.store.read(clients.rows, CLINIC, [mara, jose, 999], world.clock())
    assert (first.id, first.next_visit) == (mara, None)
    assert second.next_visit == world.clock() + timedelta(days=2)
    assert [entry.given for entry in second.entries] == [True]
    visits = await world.store.read(clients.appointments, CLINIC, jose, 3)
    assert [one.external_id for one in visits] == ["v1", "v2", "v3"]


async def test_a_client_is_read_as_written_and_what_is_emptied_is_gone(world: World) -> None:
    born = date(1980, 3, 5)
    jose = await world.person("a", birth_date=born, region="US-TX", contact_name="Ana", consent=None)
    found = await world.store.read(clients.find, CLINIC, jose)
    assert found == Person(
        RecipientKind.CLIENT,
        "a",
        "Rosa",
        "Costa",
        "en",
        birth_date=born,
        region="US-TX",
        contact_name="Ana",
    )
    less = Person(RecipientKind.CLIENT, "a", "Rosa", "Costa", "es", details={Channel.FAX: "+12025550111"})
    assert await world.store.run(clients.edit, CLINIC, jose, less, world.clock()) == jose
    assert await world.store.read(clients.find, CLINIC, jose) == less
    assert await world.store.read(clients.find, CLINIC, 999) is None


async def test_what_was_signed_and_what_falls_due_is_listed(world: World) -> None:
    jose = await world.person("a")
    now = world.clock()
    number = await world.store.run(
        documents.add, CLINIC, jose, "f" * 64, "form.pdf", "application/pdf", 9, "ada", now
    )
    (signed,) = await world.store.read(clients.documents, CLINIC, jose, 10)
    assert (signed.id, signed.sha256, signed.name) == (number, "f" * 64, "form.pdf")
    due = Renewal("r1", RecipientKind.CLIENT, "a", "Licence", date(2026, 9, 1))
    assert not await world.store.run(stored_renewals.save, CLINIC, [due], lambda _: None, now)
    (one,) = await world.store.read(clients.renewals, CLINIC, jose, 10)
    assert (one.name, one.due_on, one.status) == ("Licence", date(2026, 9, 1), "open")


async def test_what_a_heading_was_chosen_to_be_is_remembered_by_kind(world: World) -> None:
    chosen = {"Cell": "mobile", "Notes": ""}
    await world.store.run(heading_choices.remember, CLINIC, "clients", chosen)
    await world.store.run(heading_choices.remember, CLINIC, "clients", {"Cell": "phone"})
    kept_now = await world.store.read(heading_choices.remembered, CLINIC, "clients", ["Cell", "Notes", "New"])
    assert kept_now == {"Cell": "phone", "Notes": ""}
    assert await world.store.read(heading_choices.remembered, CLINIC, "staff", ["Cell"]) == {}
