"""What comes back, in whatever order and however often it comes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain import Channel, Reply, ReplyKind, State
from store import history, receipts, segments
from store.schema import appointment, contact, reply
from store.segments import Heard, Named
from tests.store.world import CLINIC, NOON, World

SMS = Channel.SMS


async def _sent(world: World, *rows: tuple[str, int, int]) -> list[int]:
    named = [Named(*row) for row in rows]
    early = await world.store.run(segments.remember, CLINIC, SMS, named, NOON)
    return sorted(message for message, _ in early)


async def _receipt(world: World, remote_id: str, outcome: str = "delivered", cause: str = "state-2") -> int:
    return (await _receipts(world, Heard(remote_id, outcome, cause)))[0]


async def _receipts(world: World, *heard: Heard) -> list[int]:
    noted = await world.store.run(segments.note, CLINIC, SMS, heard, NOON)
    return [message for message, _ in noted]


async def _segments(world: World, number: int, attempt: int = 1) -> list[tuple[str | None, str]]:
    known = await world.store.read(segments.known, CLINIC, [number])
    return sorted(known[number, attempt], key=lambda one: str(one))


async def test_a_receipt_finds_the_message_whose_segment_it_names(world: World) -> None:
    assert await _sent(world, ("a1", 7, 1), ("a2", 7, 1)) == []
    assert await _receipt(world, "a1") == 7
    assert await _segments(world, 7) == [("delivered", "state-2"), (None, "")]
    assert await _receipt(world, "a2") == 7
    assert await _segments(world, 7) == [("delivered", "state-2")] * 2


async def test_a_receipt_before_the_response_waits_for_it(world: World) -> None:
    assert await _receipt(world, "a1") == 0
    assert await _sent(world, ("a1", 7, 1)) == [7]
    assert await _segments(world, 7) == [("delivered", "state-2")]


async def test_the_response_written_twice_changes_nothing(world: World) -> None:
    await _sent(world, ("a1", 7, 1))
    await _receipt(world, "a1")
    assert await _sent(world, ("a1", 7, 1)) == [7]
    assert await _segments(world, 7) == [("delivered", "state-2")]


async def test_a_receipt_doubled_or_out_of_order_does_not_undo_the_first(world: World) -> None:
    await _sent(world, ("a1", 7, 1), ("b1", 8, 1))
    for outcome in ("delivered", "delivered", "failed", "unknown"):
        assert await _receipt(world, "a1", outcome) == 7
    assert await _segments(world, 7) == [("delivered", "state-2")]
    for outcome in ("unknown", "failed", "delivered"):
        assert await _receipt(world, "b1", outcome, outcome) == 8
    assert await _segments(world, 8) == [("failed", "failed")]


async def test_an_id_that_the_other_side_uses_again_belongs_to_the_newer_message(world: World) -> None:
    await _sent(world, ("a1", 7, 1))
    await _receipt(world, "a1")
    assert await _sent(world, ("a1", 8, 1)) == []
    assert await _segments(world, 8) == [(None, "")]
    assert await _receipt(world, "a1", "failed", "state-5") == 8
    assert await _segments(world, 8) == [("failed", "state-5")]
    assert await _sent(world, ("a1", 8, 2)) == []
    assert await _segments(world, 8, 2) == [(None, "")]


async def test_many_receipts_at_once_count_as_if_they_came_one_by_one(world: World) -> None:
    await _sent(world, ("a1", 7, 1), ("a2", 7, 1), ("b1", 8, 1))
    said = [
        ("a1", "unknown"),
        ("b1", "failed"),
        ("a1", "delivered"),
        ("zz", "delivered"),
        ("b1", "delivered"),
    ]
    assert await _receipts(world, *(Heard(id, word, word) for id, word in said)) == [7, 8, 7, 0, 8]
    assert await _segments(world, 7) == [("delivered", "delivered"), (None, "")]
    assert await _segments(world, 8) == [("failed", "failed")]


async def test_an_id_that_the_other_side_gives_twice_at_once_belongs_to_the_last(world: World) -> None:
    assert await _sent(world, ("a1", 7, 1), ("a1", 8, 1)) == []
    assert await _receipt(world, "a1") == 8


async def test_texts_in_several_segments_are_told_from_others(world: World) -> None:
    await _sent(world, ("a1", 7, 1), ("a2", 7, 2), ("b1", 8, 1), ("b2", 8, 1), ("c1", 9, 1), ("c2", 9, 1))
    assert await world.store.read(segments.in_parts, CLINIC, [7, 8]) == {(8, 1)}
    assert await world.store.read(segments.in_parts, 2, [7, 8]) == set()
    assert await world.store.read(segments.in_parts, CLINIC, []) == set()


async def test_ids_of_other_channels_and_clinics_are_others(world: World) -> None:
    await _sent(world, ("a1", 7, 1))
    heard = [Heard("a1", "delivered", "")]
    assert await world.store.run(segments.note, CLINIC, Channel.EMAIL, heard, NOON) == [(0, 0)]
    assert await world.store.run(segments.note, 2, SMS, heard, NOON) == [(0, 0)]
    assert await _segments(world, 7) == [(None, "")]


async def test_an_orphaned_receipt_is_adopted(world: World) -> None:
    number = await world.message(State.UNKNOWN, address="+12025550107")
    await world.message(State.UNKNOWN, address="+12025550108")
    await world.message(State.UNKNOWN, address="+12025550107", channel="voice")
    for state in (State.DELIVERED, State.ACCEPTED, State.QUEUED):
        await world.message(state, address="+12025550107")
    assert await _receipt(world, "lost") == 0
    (found,) = await world.store.read(receipts.open_by_address, CLINIC, SMS, "+12025550107")
    assert (found.message, found.attempt, found.state) == (number, 1, State.UNKNOWN)
    await world.store.run(segments.adopt, CLINIC, SMS, "lost", number, 1)
    assert await _segments(world, number) == [("delivered", "state-2")]
    assert await _receipt(world, "lost") == number


async def test_a_message_under_way_to_the_same_address_may_be_the_one(world: World) -> None:
    numbers = [await world.message(state, address="+12025550107") for state in (State.UNKNOWN, State.SENDING)]
    found = await world.store.read(receipts.open_by_address, CLINIC, SMS, "+12025550107")
    assert sorted(item.message for item in found) == numbers


@pytest.mark.parametrize("state", list(State))
async def test_only_messages_that_wait_are_open(world: World, state: State) -> None:
    number = await world.message(state, charged=2, expires_at=NOON + timedelta(hours=1), recipient=5)
    found = (await world.store.read(receipts.open_messages, CLINIC, [number])).get(number)
    waiting = state in (State.SENDING, State.ACCEPTED, State.UNKNOWN)
    assert (found is not None) == waiting
    if found is not None:
        before = 2 if state is State.SENDING else 1
        assert (found.attempt, found.charged, found.started_at, found.recipient) == (1, before, NOON, 5)
    assert await world.store.read(receipts.open_messages, 2, [number]) == {}


async def test_a_reply_answers_the_newest_message_sent_to_its_address(world: World) -> None:
    old = await world.message(State.DELIVERED, appointment=3, started_at=NOON - timedelta(days=1))
    newest = await world.message(State.ACCEPTED, appointment=4, recipient=9)
    await world.message(State.QUEUED, appointment=5)
    await world.message(State.FAILED, appointment=6, started_at=NOON + timedelta(hours=1))
    await world.message(State.DELIVERED, address="+12025550199", started_at=NOON + timedelta(hours=1))
    latest = receipts.latest_to
    assert await world.store.read(latest, CLINIC, SMS, "+12025550100") == (newest, 4)
    assert await world.store.read(latest, CLINIC, Channel.VOICE, "+12025550100") is None
    assert await world.store.read(latest, CLINIC, SMS, "+12025559999") is None
    assert old < newest
    assert await world.store.read(receipts.message_of, CLINIC, newest) == (9, 4, "+12025550100")
    assert await world.store.read(receipts.message_of, CLINIC, 999) is None


async def test_a_reply_delivered_twice_is_one_reply(world: World) -> None:
    got = Reply(SMS, ReplyKind.CONFIRM, "+12025550100", NOON, "C")
    for _ in range(2):
        await world.store.run(receipts.add_reply, CLINIC, got, "+12025550100", 5, 7)
    later = Reply(SMS, ReplyKind.CONFIRM, "+12025550100", NOON + timedelta(seconds=1), "C")
    await world.store.run(receipts.add_reply, CLINIC, later, "+12025550100", 5, 7)
    rows = await world.store.read(history.replies_to, CLINIC, 7)
    assert [(row["id"], row["at"], row["text"], row["recipient"]) for row in rows] == [
        (1, NOON, "C", 5),
        (2, NOON + timedelta(seconds=1), "C", 5),
    ]
    assert len(await world.store.read(history.replies, CLINIC)) == 2


@pytest.mark.parametrize(
    "text", ["a\0b", "half \ud83d", "\U0001f600 whole", "'; DROP TABLE reply; --", "x" * 5000]
)
async def test_any_text_that_comes_in_can_be_kept(world: World, text: str) -> None:
    got = Reply(SMS, ReplyKind.OTHER, text, NOON, text)
    await world.store.run(receipts.add_reply, CLINIC, got, text, None, None)
    (row,) = await world.rows(reply)
    assert row["text"] == text or "�" in row["text"] or "?" in row["text"]
    assert await _receipt(world, text, "failed", text) == 0


async def test_the_patients_answer_marks_the_appointment(world: World) -> None:
    await world.person("c1")
    await world.visit("a1", "c1")
    await world.visit("a2", "c1")
    mark = receipts.mark_appointment
    await world.store.run(mark, CLINIC, 1, None, NOON)
    await world.store.run(mark, CLINIC, 2, "cancelled", NOON)
    one, two = sorted(await world.rows(appointment), key=lambda row: row["id"])
    assert (one["confirmed_at"], one["status"]) == (NOON, "booked")
    assert (two["confirmed_at"], two["status"]) == (None, "cancelled")
    await world.visit("a1", "c1")
    assert (await world.rows(appointment, id=1))[0]["confirmed_at"] == NOON


async def test_receipts_of_a_message_are_listed_by_attempt(world: World) -> None:
    await _sent(world, ("b", 7, 2), ("a", 7, 1), ("z", 8, 1))
    await _receipt(world, "b", "failed", "state-5")
    rows = await world.store.read(history.receipts_of, CLINIC, 7)
    assert [(row["attempt"], row["remote_id"], row["outcome"]) for row in rows] == [
        (1, "a", None),
        (2, "b", "failed"),
    ]


async def test_an_address_that_a_bounce_calls_bad_is_bad_for_all_who_have_it_on_that_channel(
    world: World,
) -> None:
    address = "+12025550107"
    both = {SMS: address, Channel.VOICE: address}
    people = [await world.person(name, details=both) for name in ("mother", "child")]
    await world.person("other", details={SMS: "+12025550108"})
    number = await world.message(State.ACCEPTED, address=address, recipient=people[0])
    for cause in ("no-such-number", "later"):
        await world.store.run(receipts.mark_bad_address, CLINIC, number, cause)
    marked = {
        (row["recipient"], row["channel"]): row["bad_cause"]
        for row in await world.rows(contact)
        if row["bad_cause"]
    }
    assert marked == {(person, "sms"): "no-such-number" for person in people}
