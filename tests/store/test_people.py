"""Imports add and update; the consent ledger only grows, and what people asked for themselves stays."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain import Channel, RecipientKind, Reply, ReplyKind
from store import people, receipts, register
from store.people import Person, Visit
from store.schema import appointment, contact, recipient
from tests.store.world import CLINIC, NOON, World

PHONE = "+12025550100"


async def _contacts(world: World) -> dict[tuple[str, str], str]:
    rows = await world.rows(contact, clinic=CLINIC)
    return {(row["origin"], row["channel"]): row["address"] for row in rows}


async def test_a_person_imported_again_is_updated_and_keeps_their_number(world: World) -> None:
    first = await world.person(details={Channel.SMS: PHONE})
    again = await world.person(
        family_name="Brandt", preferred=Channel.EMAIL, zone="America/Denver", use_details=False
    )
    assert again == first
    (row,) = await world.rows(recipient)
    assert (row["family_name"], row["preferred"], row["zone"]) == ("Brandt", "email", "America/Denver")
    assert row["use_details"] is False


async def test_clients_and_staff_with_the_same_external_id_are_two_people(world: World) -> None:
    client = await world.person("7")
    staff = Person(RecipientKind.STAFF, "7", "Tara", "Fischer", "en")
    assert await world.store.run(register.save_person, CLINIC, staff, NOON) != client
    assert await world.store.run(register.save_person, 2, staff, NOON) == 1


async def test_contacts_follow_the_import(world: World) -> None:
    await world.person(details={Channel.SMS: PHONE, Channel.EMAIL: "rosa@example.org"})
    await world.person(details={Channel.SMS: "+12025550101"}, messaging={Channel.VOICE: "+12025550102"})
    assert await _contacts(world) == {
        ("details", "sms"): "+12025550101",
        ("messaging", "voice"): "+12025550102",
    }


async def test_consent_is_written_when_it_differs_and_only_then(world: World) -> None:
    person = await world.person(consent=None)
    assert await world.ledger(person) == []
    for given in (True, True, False, False, True):
        await world.person(consent=given)
    assert await world.ledger(person) == [(True, "import"), (False, "import"), (True, "import")]
    await world.person(consent=None)
    assert len(await world.ledger(person)) == 3


@pytest.mark.parametrize("source", ["keypress", "text", "email", "ambiguous-cancel", "desk"])
async def test_a_withdrawal_survives_every_import_after_it(world: World, source: str) -> None:
    person = await world.person(details={Channel.SMS: PHONE})
    assert await world.store.run(people.withdraw, CLINIC, PHONE, source, NOON) == 1
    for given in (True, False, True, None, True):
        await world.person(details={Channel.SMS: PHONE}, consent=given)
    assert (await world.ledger(person))[-1][0] is False


async def test_a_withdrawal_on_one_channel_survives_every_import_after_it(world: World) -> None:
    person = await world.person(details={Channel.SMS: PHONE})
    await world.store.run(people.add_consent, CLINIC, [person], False, "text", NOON, Channel.SMS)
    for given in (True, False, True):
        await world.person(details={Channel.SMS: PHONE}, consent=given)
    assert (await world.ledger(person))[-1][0] is False


async def test_who_came_back_by_themselves_may_be_imported_again(world: World) -> None:
    person = await world.person(details={Channel.SMS: PHONE})
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await world.store.run(people.add_consent, CLINIC, [person], True, "text", NOON)
    for given in (False, True):
        await world.person(details={Channel.SMS: PHONE}, consent=given)
    assert (await world.ledger(person))[-2:] == [(False, "import"), (True, "import")]


async def test_a_file_that_says_no_every_day_does_not_outweigh_a_newer_form(world: World) -> None:
    person = await world.person(consent=False)
    await world.store.run(people.add_consent, CLINIC, [person], True, "form", NOON)
    for _ in range(2):
        await world.person(consent=False)
    assert await world.ledger(person) == [(False, "import"), (True, "form")]
    # The file came to agree, and then did so no longer: that is news.
    for given in (True, False, False):
        await world.person(consent=given)
    assert await world.ledger(person) == [
        (False, "import"),
        (True, "form"),
        (True, "import"),
        (False, "import"),
    ]


async def test_a_first_no_of_a_file_binds_though_there_is_a_form(world: World) -> None:
    person = await world.person(consent=None)
    await world.store.run(people.add_consent, CLINIC, [person], True, "form", NOON)
    await world.person(consent=False)
    assert await world.ledger(person) == [(True, "form"), (False, "import")]


async def test_a_no_told_every_day_leaves_texts_that_were_asked_for_again(world: World) -> None:
    person = await world.person(details={Channel.SMS: PHONE}, consent=False)
    await world.store.run(people.give_again, CLINIC, PHONE, Channel.SMS, "text", NOON)
    await world.person(details={Channel.SMS: PHONE}, consent=False)
    assert (await world.ledger(person))[-1] == (True, "text")


async def test_everybody_who_shares_the_address_is_withdrawn_once(world: World) -> None:
    mother = await world.person("mother", details={Channel.SMS: PHONE, Channel.VOICE: PHONE})
    child = await world.person("child", messaging={Channel.SMS: PHONE})
    other = await world.person("other", details={Channel.SMS: "+12025550199"})
    assert await world.store.read(people.holders, CLINIC, PHONE) == [mother, child]
    assert await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON) == 2
    assert await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON) == 0
    for person in (mother, child):
        assert await world.ledger(person) == [(True, "import"), (False, "text")]
    assert await world.ledger(other) == [(True, "import")]


async def test_a_withdrawal_reaches_a_channel_that_was_allowed_on_its_own(world: World) -> None:
    person = await world.person(details={Channel.SMS: PHONE}, consent=False)
    await world.store.run(people.add_consent, CLINIC, [person], True, "desk", NOON, Channel.SMS)
    assert await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON) == 1
    assert (await world.ledger(person))[-1] == (False, "text")


async def test_a_withdrawal_counts_although_an_import_had_withdrawn_before(world: World) -> None:
    person = await world.person(details={Channel.SMS: PHONE})
    await world.person(details={Channel.SMS: PHONE}, consent=False)
    for _ in range(2):
        await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await world.person(details={Channel.SMS: PHONE}, consent=True)
    assert await world.ledger(person) == [(True, "import"), (False, "import"), (False, "text")]


async def test_who_asked_is_withdrawn_although_their_address_has_changed(world: World) -> None:
    person = await world.person(details={Channel.SMS: PHONE})
    await world.person(details={Channel.SMS: "+12025550177"})
    await world.store.run(people.withdraw, CLINIC, PHONE, "keypress", NOON, person)
    assert (await world.ledger(person))[-1] == (False, "keypress")


async def _opt_out(world: World) -> None:
    asked = Reply(Channel.SMS, ReplyKind.OPT_OUT, PHONE, world.clock(), "STOP")
    await world.store.run(receipts.add_reply, CLINIC, asked, PHONE, None, None)
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", world.clock())


@pytest.mark.parametrize("origin", ["details", "messaging"])
async def test_an_address_that_opted_out_stays_so_for_whoever_is_imported_with_it(
    world: World, origin: str
) -> None:
    neighbour = await world.person("neighbour", **{origin: {Channel.SMS: "+12025550177"}})
    await _opt_out(world)
    world.clock.move(days=1)
    await world.person("neighbour", **{origin: {Channel.SMS: "+12025550177", Channel.VOICE: PHONE}})
    newcomer = await world.person("newcomer", **{origin: {Channel.SMS: PHONE}})
    for _ in range(2):
        await world.person("newcomer", **{origin: {Channel.SMS: PHONE}})
    for person in (neighbour, newcomer):
        assert await world.ledger(person) == [(True, "import"), (False, "address-opted-out")]


async def test_who_gives_consent_by_themselves_is_not_bound_by_an_earlier_opt_out(world: World) -> None:
    await _opt_out(world)
    person = await world.person(details={Channel.SMS: PHONE})
    later = world.clock.move(days=1)
    await world.store.run(people.add_consent, CLINIC, [person], True, "form", later)
    await world.person(details={Channel.SMS: PHONE})
    assert (await world.ledger(person))[-1] == (True, "form")


async def test_a_stranger_withdraws_nothing(world: World) -> None:
    await world.person(details={Channel.SMS: PHONE})
    assert await world.store.run(people.withdraw, CLINIC, "+12025559999", "text", NOON) == 0
    assert await world.store.run(people.withdraw, 2, PHONE, "text", NOON) == 0


async def test_appointments_are_updated_by_their_external_id(world: World) -> None:
    client = await world.person("c1")
    assert await world.visit("a1", "c1")
    moved = NOON + timedelta(days=2)
    assert await world.visit("a1", "c1", starts_at=moved, status="cancelled")
    (row,) = await world.rows(appointment)
    assert (row["client"], row["starts_at"], row["status"]) == (client, moved, "cancelled")


async def test_an_appointment_of_someone_unknown_is_handed_back(world: World) -> None:
    await world.person("c1")
    rows = [
        Visit("a1", "c1", None, NOON, "Check-up", "Dr. Ito"),
        Visit("a2", "nobody", None, NOON, "Check-up", "Dr. Ito"),
        Visit("a3", "c1", "no-staff", NOON, "Check-up", "Dr. Ito"),
    ]
    unknown = await world.store.run(register.save_visits, CLINIC, rows)
    assert [visit.external_id for visit in unknown] == ["a2", "a3"]
    assert [row["external_id"] for row in await world.rows(appointment)] == ["a1"]


async def test_a_batch_of_people_is_saved_as_a_whole_or_not_at_all(world: World) -> None:
    good = Person(RecipientKind.CLIENT, "c1", "Rosa", "Costa", "en", consent=True)
    broken = Person(RecipientKind.CLIENT, None, "Rosa", "Costa", "en")  # type: ignore[arg-type]
    with pytest.raises(Exception, match=r"(?i)null"):
        await world.store.run(register.save_people, CLINIC, [good, broken], NOON)
    assert await world.rows(recipient) == []
    await world.store.run(register.save_people, CLINIC, [good], NOON)
    assert len(await world.rows(recipient)) == 1


async def test_who_stopped_everything_and_then_allowed_texts_is_not_allowed_the_rest_by_an_import(
    world: World,
) -> None:
    person = await world.person(details={Channel.SMS: PHONE})
    await world.store.run(people.add_consent, CLINIC, [person], False, "form", NOON)
    await world.store.run(people.add_consent, CLINIC, [person], True, "form", NOON, Channel.SMS)
    for given in (True, False, True):
        await world.person(details={Channel.SMS: PHONE}, consent=given)
    assert await world.ledger(person) == [
        (True, "import"),
        (False, "form"),
        (True, "form"),
        (False, "import"),
    ]


async def test_people_are_told_by_what_the_practice_system_calls_them(world: World) -> None:
    one, two = await world.person("p1"), await world.person("p2")
    found = await world.store.read(people.external_ids, CLINIC, [two, one, 99])
    assert found == {one: "p1", two: "p2"}
