"""The consent ledger is only added to; what it says of an address binds whoever has it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, delete, text, update

from gateway import policy
from gateway.domain import Channel, Party, Purpose, Source, State
from gateway.policy import ALLOW, Refuse, Verdict
from gateway.policy.consent import standing
from store import facts, ids, ledger, migrate, people, queue
from store.engine import Store
from store.ledger import Bad, Entry
from store.schema import consent
from tests.store.world import CLINIC, LEASE, NOON, OWNER, World
from tests.unit.factory import RULES

PHONE = "+12025550107"
SMS, VOICE = Channel.SMS, Channel.VOICE


async def verdict(world: World, person: int, channel: Channel = SMS) -> Verdict:
    """May this person be told something now?"""
    page = await world.store.read(facts.load, CLINIC, [(await world.broadcast(), person, 0)])
    return policy.decide(page.facts[0], channel, None, NOON, RULES)


@pytest.mark.parametrize("change", [update(consent).values(given=True), delete(consent)])
async def test_the_database_itself_keeps_what_was_said(world: World, change: Any) -> None:
    person = await world.person(consent=False)
    with pytest.raises(Exception, match="only ever added to"):
        await world.store.run(lambda conn: conn.execute(change))
    assert await world.ledger(person) == [(False, "import")]


async def test_an_entry_comes_back_as_it_was_written(world: World) -> None:
    person = await world.person(consent=None, details={SMS: PHONE})
    wanted = Entry(
        person, True, Source.FORM, SMS, PHONE, Purpose.MARKETING, Party.CONTACT, "Tara Fischer", "", 9
    )
    await world.store.run(ledger.add, CLINIC, [wanted, Entry(person, False, Source.STAFF)], NOON)
    first, second = (await world.store.read(ledger.of_people, CLINIC, [person]))[person]
    assert (first.given, first.source, first.channel, first.address) == (True, "form", SMS, PHONE)
    assert (first.purpose, first.party, first.document, first.at) == (
        Purpose.MARKETING,
        Party.CONTACT,
        9,
        NOON,
    )
    assert (second.channel, second.address, second.party, second.everyone) == (None, None, None, False)
    rows = await world.rows(consent)
    assert [row["by"] for row in rows] == ["Tara Fischer", ""]
    assert len({row["key"] for row in rows}) == 2


async def test_a_bad_address_is_bad_for_all_who_have_it_on_that_channel_alone(world: World) -> None:
    both = {SMS: PHONE, VOICE: PHONE}
    family = [await world.person(name, details=both) for name in ("mother", "child")]
    number = await world.message(State.ACCEPTED, address=PHONE, recipient=family[0])
    for cause in ("no-such-number", "later"):
        await world.store.run(ledger.mark_bad, CLINIC, {number: cause}, NOON)
    assert await world.bad_addresses() == {("sms", PHONE): ("invalid", "no-such-number")}
    for person in family:
        assert await verdict(world, person) == Refuse("bad-address")
        assert await verdict(world, person, VOICE) == ALLOW


async def test_a_corrected_address_is_free_and_the_bad_one_stays_bad_for_whoever_gets_it(
    world: World,
) -> None:
    person = await world.person(details={SMS: PHONE})
    bad = Bad(SMS, PHONE, Source.INVALID, "unknown")
    assert await world.store.run(ledger.suppress, CLINIC, [bad, bad], NOON) == 1
    await world.person(details={SMS: "+12025550101"})
    assert await verdict(world, person) == ALLOW
    await world.person(details={SMS: PHONE})
    newcomer = await world.person("newcomer", details={SMS: PHONE})
    for who in (person, newcomer):
        assert await verdict(world, who) == Refuse("bad-address")


async def test_an_address_that_works_again_may_turn_bad_again(world: World) -> None:
    person = await world.person(details={SMS: PHONE})
    bad = Bad(SMS, PHONE, Source.INVALID)
    await world.store.run(ledger.suppress, CLINIC, [bad], NOON)
    await world.store.run(ledger.add, CLINIC, [Entry(0, True, Source.CORRECTED, None, PHONE)], NOON)
    assert await verdict(world, person) == ALLOW
    assert await world.store.run(ledger.suppress, CLINIC, [bad], NOON) == 1
    assert await verdict(world, person) == Refuse("bad-address")


async def test_entries_about_people_and_their_addresses_come_in_the_order_of_the_ledger(
    world: World,
) -> None:
    person = await world.person(details={SMS: PHONE, VOICE: PHONE})
    await world.store.run(ledger.suppress, CLINIC, [Bad(SMS, PHONE, Source.INVALID)], NOON)
    await world.store.run(people.add_consent, CLINIC, [person], False, "text", NOON)
    await world.store.run(ledger.suppress, 2, [Bad(SMS, PHONE, Source.BOUNCE)], NOON)
    page = await world.store.read(facts.load, CLINIC, [(await world.broadcast(), person, 0)])
    found = [(entry.id, entry.source, entry.everyone) for entry in page.facts[0].consents]
    assert found == [(1, "import", False), (2, "invalid", True), (3, "text", False)]


async def test_an_entry_about_an_address_stops_what_was_judged_before_it(world: World) -> None:
    mine = await world.message(address=PHONE)
    other = await world.message(address="+12025550199")
    as_of = await world.store.read(ids.upcoming, CLINIC, "consent")
    await world.claim()
    await world.store.run(ledger.suppress, CLINIC, [Bad(SMS, PHONE, Source.DO_NOT_CALL)], NOON)
    started = await world.store.run(queue.start, CLINIC, OWNER, [mine, other], as_of, NOON, NOON + LEASE)
    assert started == {other: 1}
    assert await world.states([mine]) == ["queued"]


async def test_a_stranger_who_opts_out_binds_whoever_gets_the_number_until_they_come_back(
    world: World,
) -> None:
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    assert await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON) == 0
    assert len(await world.rows(consent)) == 1
    assert await world.store.read(people.has_stopped, CLINIC, PHONE, SMS)
    person = await world.person(details={SMS: PHONE, VOICE: "+12025550199"})
    assert await world.ledger(person) == [(True, "import"), (False, "address-opted-out")]
    assert await verdict(world, person, VOICE) == Refuse("consent-withdrawn")
    assert await world.store.run(people.give_again, CLINIC, PHONE, SMS, "text", NOON) == 1
    assert await verdict(world, person) == ALLOW
    assert await verdict(world, person, VOICE) == Refuse("consent-withdrawn")


async def test_start_gives_texts_also_to_somebody_whom_the_practice_had_as_unwilling(world: World) -> None:
    person = await world.person(details={SMS: PHONE}, consent=False)
    assert await verdict(world, person) == Refuse("consent-withdrawn")
    assert await world.store.run(people.give_again, CLINIC, PHONE, SMS, "text", NOON) == 1
    assert await verdict(world, person) == ALLOW


async def test_the_do_not_call_list_binds_for_its_years_and_is_never_shortened_by_deleting(
    world: World,
) -> None:
    person = await world.person(details={SMS: PHONE})
    since = NOON - timedelta(days=5 * 365)
    change = ledger.do_not_call
    for count in (1, 0):
        assert await world.store.run(change, CLINIC, [PHONE], True, "Tara", since, NOON) == count
    assert await verdict(world, person) == Refuse("do-not-call")
    assert await world.store.run(ledger.suppress, CLINIC, [Bad(SMS, PHONE, Source.BOUNCE)], NOON) == 1
    (listed,) = await world.store.read(ledger.listed, CLINIC, since)
    assert (listed.address, listed.at, listed.by) == (PHONE, NOON, "Tara")
    # Five years later the entry is there and no longer binds; it can be made anew.
    assert await world.store.read(ledger.listed, CLINIC, NOON) == []
    assert await world.store.run(change, CLINIC, [PHONE], True, "Tara", NOON, NOON + LEASE) == 1
    assert await world.store.run(change, CLINIC, [PHONE], False, "Tara", NOON, NOON + LEASE) == 1
    assert await verdict(world, person) == Refuse("bad-address")
    assert len(await world.rows(consent, recipient=0, source="do-not-call")) == 3


async def test_numbers_that_a_carrier_took_away_bind_on_calls_and_texts(world: World) -> None:
    person = await world.person(details={SMS: PHONE, VOICE: PHONE})
    assert await world.store.read(people.addresses, CLINIC, person) == {PHONE}
    assert await world.store.read(people.in_use, CLINIC, [PHONE, "+12025550199"]) == {PHONE}
    await world.store.run(ledger.suppress, CLINIC, [Bad(None, PHONE, Source.DEACTIVATED)], NOON)
    for channel in (SMS, VOICE):
        assert await verdict(world, person, channel) == Refuse("bad-address")


CARER = "+12025550166"


async def _with_a_carer(world: World, **changes: Any) -> int:
    usual: dict[str, Any] = {"details": {SMS: PHONE}, "messaging": {SMS: CARER}, "use_details": False}
    usual |= {"consent": True, "contact_name": "Ana Diaz", "contact_consent": True}
    return await world.person(**(usual | changes))


@pytest.mark.parametrize(
    ("client", "contact", "expected"),
    [
        (True, True, ALLOW),
        (True, None, Refuse("no-contact-consent")),
        (None, True, Refuse("no-consent")),
        (True, False, Refuse("consent-withdrawn")),
        (False, True, Refuse("consent-withdrawn")),
    ],
)
async def test_a_separate_contact_is_told_where_both_have_agreed(
    world: World, client: bool | None, contact: bool | None, expected: Verdict
) -> None:
    person = await _with_a_carer(world, consent=client, contact_consent=contact)
    assert await verdict(world, person) == expected
    await _with_a_carer(world, consent=client, contact_consent=contact, use_details=True)
    assert (await verdict(world, person) == ALLOW) is bool(client)


async def test_what_is_known_of_a_contact_comes_with_the_recipient(world: World) -> None:
    person = await _with_a_carer(world, region="US-TX")
    for details, told in ((False, "Ana Diaz"), (True, "Rosa Costa")):
        # A file without the columns takes nothing away.
        await _with_a_carer(world, contact_name=None, use_details=details)
        page = await world.store.read(facts.load, CLINIC, [(await world.broadcast(), person, 0)])
        known = page.facts[0].recipient
        assert (known.region, known.name, known.told) == ("US-TX", "Rosa Costa", told)
        assert known.through is (Party.CLIENT if details else Party.CONTACT)


async def test_a_contact_who_opts_out_and_comes_back_speaks_for_themselves(world: World) -> None:
    person = await _with_a_carer(world)
    assert await world.store.run(people.withdraw, CLINIC, CARER, "text", NOON) == 1
    assert await world.store.run(people.withdraw, CLINIC, CARER, "text", NOON) == 0
    assert await verdict(world, person) == Refuse("consent-withdrawn")
    await _with_a_carer(world, use_details=True)
    assert await verdict(world, person) == ALLOW
    await _with_a_carer(world)
    assert await verdict(world, person) == Refuse("consent-withdrawn")
    assert await world.store.run(people.give_again, CLINIC, CARER, SMS, "text", NOON) == 1
    assert await verdict(world, person) == ALLOW
    assert [row["party"] for row in await world.rows(consent)] == ["client", "contact", "contact", "contact"]


async def test_a_client_who_opts_out_is_told_nothing_through_their_contact_either(world: World) -> None:
    person = await _with_a_carer(world)
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    assert await verdict(world, person) == Refuse("consent-withdrawn")


async def test_what_a_carer_said_is_not_taken_for_the_word_of_the_client(world: World) -> None:
    person = await _with_a_carer(world, details={SMS: PHONE, VOICE: PHONE})
    assert await world.store.run(people.withdraw, CLINIC, CARER, "text", NOON) == 1
    await _with_a_carer(world, details={SMS: PHONE, VOICE: PHONE}, use_details=True)
    assert not await world.store.read(people.has_stopped, CLINIC, PHONE, SMS)
    assert await world.store.run(people.give_again, CLINIC, PHONE, SMS, "text", NOON) == 0
    assert await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON) == 1
    assert await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON) == 0
    for channel in (SMS, VOICE):
        assert await verdict(world, person, channel) == Refuse("consent-withdrawn")


async def test_a_carer_who_comes_back_does_not_come_between_the_client_and_start(world: World) -> None:
    person = await _with_a_carer(world, use_details=True)
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await world.store.run(ledger.add, CLINIC, [Entry(person, True, Source.FORM, party=Party.CONTACT)], NOON)
    assert await world.store.read(people.has_stopped, CLINIC, PHONE, SMS)
    assert await world.store.run(people.give_again, CLINIC, PHONE, SMS, "text", NOON) == 1
    assert await verdict(world, person) == ALLOW


@pytest.mark.parametrize("source", [Source.FORM, Source.STAFF, Source.IMPORT])
@pytest.mark.parametrize("channel", [None, SMS])
async def test_start_gives_nothing_to_another_at_the_number_who_withdrew_elsewhere(
    world: World, source: Source, channel: Channel | None
) -> None:
    husband = await world.person("husband", details={SMS: PHONE})
    wife = await world.person("wife", details={SMS: PHONE})
    await world.store.run(people.add_consent, CLINIC, [wife], False, source.value, NOON, channel)
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    assert await world.store.run(people.give_again, CLINIC, PHONE, SMS, "text", NOON) == 1
    assert await verdict(world, husband) == ALLOW
    assert await verdict(world, wife) == Refuse("consent-withdrawn")


async def _taken_for_the_visit(world: World) -> None:
    """CANCEL, and then C1."""
    await world.store.run(people.withdraw, CLINIC, PHONE, Source.AMBIGUOUS, NOON)
    await world.store.run(people.lift, CLINIC, PHONE, Source.AMBIGUOUS, Source.CLARIFIED, NOON)


async def test_who_meant_the_visit_gets_again_what_they_had_and_nothing_else(world: World) -> None:
    person = await world.person(details={SMS: PHONE, VOICE: PHONE})
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await world.store.run(people.give_again, CLINIC, PHONE, SMS, "text", NOON)
    await _taken_for_the_visit(world)
    assert await verdict(world, person) == ALLOW
    assert await verdict(world, person, VOICE) == Refuse("consent-withdrawn")


async def test_who_meant_the_visit_has_said_nothing_for_a_carer_named_later(world: World) -> None:
    person = await _with_a_carer(world, use_details=True, contact_consent=None)
    await _taken_for_the_visit(world)
    assert await verdict(world, person) == ALLOW
    await _with_a_carer(world, contact_consent=None)
    assert await verdict(world, person) != ALLOW


async def test_who_meant_the_visit_gets_everything_again_that_was_given_in_parts(world: World) -> None:
    person = await _with_a_carer(world, messaging={SMS: PHONE})
    await world.store.run(people.add_consent, CLINIC, [person], True, "form", NOON, SMS)
    await _taken_for_the_visit(world)
    assert await verdict(world, person) == ALLOW
    again = await world.rows(consent, source="clarified-cancel")
    assert {(row["channel"], row["party"]) for row in again} == {
        (None, "client"),
        (None, "contact"),
        ("sms", None),
    }


async def test_who_shares_a_number_with_their_carer_stops_for_both(world: World) -> None:
    person = await _with_a_carer(world)
    await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON)
    await _with_a_carer(world, messaging={SMS: PHONE})
    assert await world.store.run(people.withdraw, CLINIC, PHONE, "text", NOON) == 1
    await world.store.run(ledger.add, CLINIC, [Entry(person, True, Source.FORM, party=Party.CLIENT)], NOON)
    assert await verdict(world, person) == Refuse("consent-withdrawn")


async def test_who_comes_back_takes_back_what_was_withdrawn_for_their_number_alone(world: World) -> None:
    person = await world.person(details={SMS: PHONE, VOICE: CARER})
    await world.store.run(ledger.add, CLINIC, [Entry(person, False, Source.FORM, None, PHONE)], NOON)
    await world.store.run(ledger.add, CLINIC, [Entry(person, False, Source.FORM, None, CARER)], NOON)
    assert await verdict(world, person) == Refuse("consent-withdrawn")
    assert await world.store.run(people.give_again, CLINIC, PHONE, SMS, "text", NOON) == 1
    assert await verdict(world, person) == ALLOW
    assert await verdict(world, person, VOICE) == Refuse("consent-withdrawn")


async def test_an_older_ledger_is_kept_and_bad_contacts_become_entries(empty_url: str) -> None:
    def older(conn: Connection) -> None:
        migrate_to(conn, "0008")
        moment = NOON if conn.dialect.name == "postgresql" else int(NOON.timestamp()) * 1_000_000
        conn.execute(
            text(
                "INSERT INTO consent (clinic, id, recipient, channel, address, purpose, given, source, at) "
                "VALUES (1, 7, 3, NULL, NULL, 'messaging', true, 'keypress', :at)"
            ).bindparams(at=moment)
        )
        conn.execute(text("INSERT INTO counter (clinic, name, next) VALUES (1, 'consent', 8)"))
        for number, clinic, channel, address, cause in (
            (1, 1, "sms", PHONE, "receipt-no-such-number"),
            (2, 1, "email", "a@b.example", "no-such-mailbox"),
            (3, 2, "voice", PHONE, "unallocated"),
            (4, 1, "voice", PHONE, None),
        ):
            conn.execute(
                text(
                    "INSERT INTO contact (clinic, id, recipient, channel, origin, address, bad_cause) "
                    "VALUES (:clinic, :id, :id, :channel, 'details', :address, :cause)"
                ).bindparams(id=number, clinic=clinic, channel=channel, address=address, cause=cause)
            )

    def rows(conn: Connection) -> list[tuple[object, ...]]:
        c = consent.c
        query = consent.select().order_by(c.clinic, c.id)
        return [
            (row.clinic, row.id, row.recipient, row.channel, row.source, row.given)
            for row in conn.execute(query)
        ]

    async with Store(empty_url) as store:
        await store.run(older)
        await migrate.upgrade(store)
        assert await store.read(rows) == [
            (1, 7, 3, None, "keypress", True),
            (1, 8, 0, "sms", "no-texts", False),
            (1, 9, 0, "email", "bounce", False),
            (2, 1, 0, "voice", "invalid", False),
        ]
        assert await store.read(ids.upcoming, 1, "consent") == 10
        assert await store.read(ids.upcoming, 2, "consent") == 2


def migrate_to(conn: Connection, revision: str) -> None:
    """The tables as an older version made them."""
    from alembic import command

    config = migrate._config()
    config.attributes["connection"] = conn
    command.upgrade(config, revision)


# --- sharing with the family ---


async def _shares(world: World, person: int, party: Party = Party.CLIENT) -> bool | None:
    """What holds of sharing one message with others at the address."""
    page = await world.store.read(facts.load, CLINIC, [(await world.broadcast(), person, 0)])
    entry = standing(page.facts[0].consents, SMS, PHONE, party, Purpose.FAMILY)
    return entry.given if entry else None


@pytest.mark.parametrize("party", Party)
async def test_a_file_says_who_shares_with_the_family_and_nothing_changes_nothing(
    world: World, party: Party
) -> None:
    person = await world.person(details={SMS: PHONE})
    assert await _shares(world, person, party) is None
    for said, holds in ((True, True), (None, True), (False, False), (None, False), (True, True)):
        await world.person(details={SMS: PHONE}, shares=said)
        assert await _shares(world, person, party) is holds
    entries = await world.rows(consent, recipient=person, purpose="family")
    assert len(entries) == 3, "the same again is no entry"
    assert await verdict(world, person) == ALLOW


async def test_who_shares_no_longer_stays_so_whatever_a_file_says(world: World) -> None:
    person = await world.person(details={SMS: PHONE}, shares=True)
    no_more = Entry(person, False, "staff", purpose=Purpose.FAMILY)
    await world.store.run(ledger.add, CLINIC, [no_more], NOON)
    await world.person(details={SMS: PHONE}, shares=True)
    assert await _shares(world, person) is False


async def test_sharing_is_no_consent_to_messages(world: World) -> None:
    person = await world.person(details={SMS: PHONE}, consent=None, shares=True)
    assert await verdict(world, person) == Refuse("no-consent")
