"""Two clients who become one: everything follows, and what either withdrew stays withdrawn."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Channel, ConsentEntry, MessageType, Party, Purpose, State
from gateway.known import known_of
from gateway.policy import ALLOW, Refuse
from gateway.policy.consent import standing
from store import broadcasts, documents, ledger, merging, people, register, why
from store.broadcasts import Planned
from store.merging import MergeError, joined
from store.people import Visit
from store.schema import appointment, consent, contact, document, merged, message, metadata, recipient
from tests.store.test_ledger import verdict
from tests.store.world import CLINIC, NOON, World

SMS, EMAIL = Channel.SMS, Channel.EMAIL
OLD, NEW = "+12025550107", "+12025550108"


async def _two(world: World) -> tuple[int, int]:
    keep = await world.person("keep", details={SMS: OLD})
    gone = await world.person("gone", given_name="Rosie", details={SMS: NEW, EMAIL: "rosa@home.example"})
    return keep, gone


async def _merge(world: World, keep: str = "keep", gone: str = "gone") -> merging.Merge:
    return await world.store.run(merging.merge, CLINIC, keep, gone, "Tara", world.clock())


async def test_messages_appointments_addresses_and_documents_follow(world: World) -> None:
    keep, gone = await _two(world)
    await world.visit("a1", "gone")
    number = await world.message(recipient=gone, broadcast=7)
    signed = ("0" * 64, "form.pdf", "application/pdf", 9)
    paper = await world.store.run(documents.add, CLINIC, gone, *signed, "Tara", NOON)
    assert await world.store.run(documents.add, CLINIC, gone, *signed, "Tara", NOON) == paper
    done = await _merge(world)
    assert (done.keep, done.gone, done.messages, done.visits) == (keep, gone, 1, 1)
    assert (await world.row(number))["recipient"] == keep
    assert [row["client"] for row in await world.rows(appointment)] == [keep]
    assert [row["id"] for row in await world.rows(recipient)] == [keep]
    assert {(row["recipient"], row["channel"], row["address"]) for row in await world.rows(contact)} == {
        (keep, "sms", OLD),
        (keep, "email", "rosa@home.example"),
    }
    assert [row["recipient"] for row in await world.rows(document)] == [keep]
    found = await world.store.read(documents.find, CLINIC, [paper])
    assert (found[paper].name, found[paper].by) == ("form.pdf", "Tara")
    (kept,) = await world.rows(merged)
    assert (kept["external_id"], kept["recipient"], kept["gone"], kept["by"]) == ("gone", keep, gone, "Tara")


async def test_what_both_were_to_be_told_is_told_once(world: World) -> None:
    keep, gone = await _two(world)
    mine = await world.message(recipient=keep, broadcast=7)
    doubled = await world.message(recipient=gone, broadcast=7)
    told = await world.message(State.DELIVERED, recipient=gone, broadcast=8)
    again = await world.message(recipient=keep, broadcast=8)
    await _merge(world)
    assert await world.states([mine, doubled, told, again]) == ["queued", "cancelled", "delivered", "queued"]
    assert (await world.row(doubled))["reason"] == "client-merged"
    assert {(await world.row(number))["recipient"] for number in (mine, doubled, told, again)} == {keep}


@pytest.mark.parametrize("who", ["keep", "gone"])
async def test_a_withdrawal_of_either_survives_the_merge_and_every_import_after_it(
    world: World, who: str
) -> None:
    keep, _ = await _two(world)
    await world.store.run(people.withdraw, CLINIC, OLD if who == "keep" else NEW, "text", NOON)
    await _merge(world)
    assert await verdict(world, keep) == Refuse("consent-withdrawn")
    for name in ("keep", "gone", "gone"):
        assert await world.person(name, details={SMS: OLD}) == keep
    assert await verdict(world, keep) == Refuse("consent-withdrawn")
    await world.store.run(people.give_again, CLINIC, OLD, SMS, "text", NOON)
    assert await verdict(world, keep) == ALLOW


async def test_files_that_speak_of_the_one_who_went_mean_the_other(world: World) -> None:
    keep, _ = await _two(world)
    await _merge(world)
    assert await world.store.read(merging.find, CLINIC, "gone") == keep
    assert await world.store.read(merging.kept, CLINIC, [("client", "gone"), ("client", "keep")]) == {
        ("client", "gone"): (keep, "keep")
    }
    assert not await world.store.run(
        register.save_visits, CLINIC, [Visit("a9", "gone", None, NOON, "Check-up", "Dr. Ito")]
    )
    assert [row["client"] for row in await world.rows(appointment)] == [keep]
    # Both rows in one file: the details are those of the one who stayed, the refusal is either's.
    rows = [
        people.Person(
            people.RecipientKind.CLIENT, "keep", "Rosa", "Brandt", "en", details={SMS: OLD}, consent=True
        ),
        people.Person(
            people.RecipientKind.CLIENT, "gone", "Rosie", "X", "en", details={SMS: NEW}, consent=False
        ),
    ]
    await world.store.run(register.save_people, CLINIC, rows, NOON)
    (row,) = await world.rows(recipient)
    assert (row["external_id"], row["family_name"]) == ("keep", "Brandt")
    assert await verdict(world, keep) == Refuse("consent-withdrawn")


async def test_a_chain_of_merges_ends_with_the_one_who_is_left(world: World) -> None:
    await _two(world)
    last = await world.person("last", details={SMS: "+12025550109"})
    await _merge(world)
    await _merge(world, "last", "keep")
    assert await world.person("gone", details={SMS: NEW}) == last
    with pytest.raises(MergeError, match="one client already"):
        await _merge(world, "last", "gone")
    with pytest.raises(MergeError, match="no client 'nobody'"):
        await _merge(world, "last", "nobody")


async def test_the_history_of_both_is_shown(world: World) -> None:
    keep, gone = await _two(world)
    await world.store.run(people.withdraw, CLINIC, NEW, "text", NOON)
    await _merge(world)
    lines = await world.store.read(ledger.history, CLINIC, keep)
    assert [(line.given, line.source, line.cause) for line in lines] == [
        (True, "import", ""),
        (True, "import", ""),
        (False, "text", ""),
        (False, "text", "merged"),
    ]
    assert len(await world.rows(consent, recipient=gone)) == 2


# --- what is said anew ---

CHANNELS, ADDRESSES, PARTIES = (SMS, EMAIL), (OLD, NEW), tuple(Party)
_entries = st.lists(
    st.builds(
        ConsentEntry,
        id=st.just(1),
        given=st.booleans(),
        channel=st.sampled_from((None, *CHANNELS)),
        address=st.sampled_from((None, OLD)),
        party=st.sampled_from((None, *PARTIES)),
        source=st.just("form"),
        purpose=st.just(Purpose.MESSAGING),
        everyone=st.just(False),
        document=st.none(),
        at=st.none(),
    ),
    max_size=4,
)


def _holds(entries: list[ConsentEntry], channel: Channel, address: str, party: Party) -> bool | None:
    found = standing(entries, channel, address, party, Purpose.MESSAGING)
    return found.given if found else None


@given(_entries, _entries)
def test_whatever_either_withdrew_is_withdrawn_and_nothing_is_given_that_nobody_gave(
    keep: list[ConsentEntry], gone: list[ConsentEntry]
) -> None:
    both = [*keep, *joined(keep, gone)]
    for point in product(CHANNELS, ADDRESSES, PARTIES):
        before = {_holds(keep, *point), _holds(gone, *point)}
        after = _holds(both, *point)
        if False in before:
            assert after is False
        else:
            assert after is (True if True in before else None)


def test_no_table_that_speaks_of_clients_is_left_out_of_a_merge() -> None:
    # The ledger keeps what is there; who became whom is kept for good.
    follows = {
        "appointment",
        "bundled",
        "client_word",
        "contact",
        "custom_list_entry",
        "document",
        "message",
        "renewal",
        "reply",
        "staff_thread",
    }
    speaks = {
        table.name
        for table in metadata.tables.values()
        if {"recipient", "client", "person"} & set(table.columns.keys())
    }
    assert speaks == follows | {"consent", "merged"}


async def test_a_page_of_a_plan_that_was_read_before_the_merge_is_about_the_one_who_stays(
    world: World,
) -> None:
    keep, gone = await _two(world)
    order = await world.broadcast(MessageType.CLIENT_NOTICE)
    await _merge(world)
    assert await world.store.read(merging.who_they_became, CLINIC, [keep, gone, 99]) == {gone: keep}
    page = [Planned(gone, "sms", 0, NEW, State.SCHEDULED, NOON, None, None)]
    assert await world.store.run(broadcasts.add_messages, CLINIC, order.id, page, NOON)
    assert [row["recipient"] for row in await world.rows(message, broadcast=order.id)] == [keep]


async def test_what_was_claimed_before_the_merge_is_judged_again_and_loads_as_the_one_who_stays(
    world: World,
) -> None:
    keep, gone = await _two(world)
    order = await world.broadcast(MessageType.CLIENT_NOTICE)
    number = await world.message(recipient=gone, broadcast=order.id, address=NEW)
    claimed = await world.claim()
    await _merge(world)
    assert await world.states([number]) == ["queued"]
    assert await world.start([number]) == {}
    (known,), _ = await known_of(world.store, CLINIC, claimed)
    assert known.recipient.id == keep


async def test_who_asks_by_the_id_that_went_is_told_of_the_one_who_stays(world: World) -> None:
    keep, _ = await _two(world)
    await _merge(world)
    found = await world.store.read(why.person, CLINIC, "gone")
    assert found is not None
    assert found.id == keep
