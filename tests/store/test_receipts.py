"""What comes back, in whatever order and however often it comes."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.domain import Channel, Reply, ReplyKind, State
from store import history, receipts, segments
from store.schema import message, reply
from store.segments import About, Heard, Named
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


async def test_ids_tell_where_their_texts_went_and_which_have_several_segments(world: World) -> None:
    whole, parted = [
        await world.message(State.ACCEPTED, address=f"+1202555010{digit}", recipient=digit)
        for digit in (7, 8)
    ]
    await _sent(
        world, ("a1", whole, 1), ("a2", whole, 2), ("b1", parted, 1), ("b2", parted, 1), ("c1", 999, 1)
    )
    await _receipt(world, "early")
    asked = ["a1", "b1", "b2", "c1", "early", "none"]
    assert await world.store.read(segments.about, CLINIC, SMS, asked) == {
        "a1": About("+12025550107", several=False),
        "b1": About("+12025550108", several=True),
        "b2": About("+12025550108", several=True),
    }
    assert await world.store.read(segments.about, CLINIC, SMS, []) == {}
    assert await world.store.read(segments.about, 2, SMS, asked) == {}


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
    waiting = await world.message(State.ACCEPTED, address="+12025550107", reason="receipt-expected")
    assert await _receipt(world, "lost") == 0
    found = await world.store.read(receipts.open_by_address, CLINIC, SMS, "+12025550107")
    assert sorted(item.message for item in found) == [number, waiting]
    await world.store.run(lambda conn: conn.execute(message.delete().where(message.c.id == waiting)))
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
    latest, days = receipts.latest_to, (NOON - timedelta(days=7), NOON)
    assert await world.store.read(latest, CLINIC, SMS, "+12025550100", *days) == (newest, 4)
    assert await world.store.read(latest, CLINIC, Channel.VOICE, "+12025550100", *days) is None
    assert await world.store.read(latest, CLINIC, SMS, "+12025559999", *days) is None
    assert old < newest
    assert await world.store.read(receipts.message_of, CLINIC, newest) == (9, 4, "+12025550100")
    assert await world.store.read(receipts.message_of, CLINIC, 999) is None


async def test_an_old_message_is_answered_only_while_its_appointment_is_to_come(world: World) -> None:
    await world.person("c1")
    await world.visit("a1", "c1", starts_at=NOON + timedelta(days=30))
    old = await world.message(State.DELIVERED, appointment=1, started_at=NOON - timedelta(days=8))
    since, number = timedelta(days=7), "+12025550100"
    for days, found in ((0, (old, 1)), (29, (old, 1)), (31, None)):
        now = NOON + timedelta(days=days)
        assert await world.store.read(receipts.latest_to, CLINIC, SMS, number, now - since, now) == found
    assert await world.store.read(receipts.visit_of, CLINIC, 1) == ("booked", NOON + timedelta(days=30))
    assert await world.store.read(receipts.visit_of, CLINIC, 2) is None


async def _told(world: World, *said: tuple[float, ReplyKind, str, int], channel: Channel = SMS) -> int:
    """How many replies there are after (minute, kind, words, message) came in."""
    for minute, kind, words, number in said:
        got = Reply(channel, kind, "+12025550100", NOON + timedelta(minutes=minute), words)
        await world.store.run(receipts.add_reply, CLINIC, got, "+12025550100", 5, number)
    return len(await world.store.read(history.replies, CLINIC))


C, C1, OTHER = ReplyKind.CONFIRM, ReplyKind.NOT_COMING, ReplyKind.OTHER


@pytest.mark.parametrize(
    ("said", "replies"),
    [
        pytest.param([(0, C, "C", 7), (0.1, C, "C", 7), (9, C, "C", 7)], 1, id="again before long"),
        pytest.param([(0, C, "C", 7), (11, C, "C", 7)], 2, id="long after"),
        pytest.param([(0, C, "C", 7), (1, C, "C", 8)], 2, id="about another message"),
        pytest.param([(0, C, "C", 7), (1, C, "Yes", 7), (2, C, "C", 7)], 2, id="one thing in two words"),
        pytest.param([(0, C, "C", 7), (1, C1, "C1", 7), (2, C, "C", 7)], 3, id="decided otherwise"),
        pytest.param(
            [(0, OTHER, "a?", 7), (1, OTHER, "b?", 7), (2, OTHER, "a?", 7), (2, OTHER, "b?", 7)],
            2,
            id="two lost acknowledgements",
        ),
    ],
)
async def test_a_reply_delivered_again_is_one_reply(
    world: World, said: list[tuple[float, ReplyKind, str, int]], replies: int
) -> None:
    assert await _told(world, *said) == replies


async def test_a_key_is_the_same_only_at_the_same_moment(world: World) -> None:
    # The exchange keeps the moment; the same key again is another press.
    keys = [(0, C, "1", 7), (0, C, "1", 7), (1, C1, "2", 7), (0, C, "1", 7), (2, C, "1", 7)]
    assert await _told(world, *keys, channel=Channel.VOICE) == 3
    rows = await world.store.read(history.replies_to, CLINIC, 7)
    assert [(row["id"], row["at"], row["text"], row["recipient"]) for row in rows] == [
        (1, NOON, "1", 5),
        (2, NOON + timedelta(minutes=1), "2", 5),
        (3, NOON + timedelta(minutes=2), "1", 5),
    ]


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a\0b", "a\ufffdb"),
        ("half \ud83d", "half ?"),
        *((same, same) for same in ("\U0001f600 whole", "'; DROP TABLE reply; --", "x" * 5000)),
    ],
)
async def test_any_text_that_comes_in_can_be_kept(world: World, text: str, kept: str) -> None:
    got = Reply(SMS, ReplyKind.OTHER, text, NOON, text)
    await world.store.run(receipts.add_reply, CLINIC, got, text, None, None)
    (row,) = await world.rows(reply)
    assert row["text"] == kept
    assert await _receipt(world, text, "failed", text) == 0


async def test_receipts_of_a_message_are_listed_by_attempt(world: World) -> None:
    await _sent(world, ("b", 7, 2), ("a", 7, 1), ("z", 8, 1))
    await _receipt(world, "b", "failed", "state-5")
    rows = await world.store.read(history.receipts_of, CLINIC, 7)
    assert [(row["attempt"], row["remote_id"], row["outcome"]) for row in rows] == [
        (1, "a", None),
        (2, "b", "failed"),
    ]


async def test_the_mail_that_told_a_client_of_an_appointment_is_found_and_no_other(world: World) -> None:
    person = await world.person("rosa")
    await world.visit("v1", "rosa")
    mailbox = "rosa@home.example"
    usual = {"recipient": person, "appointment": 1, "channel": "email", "address": mailbox}
    reminder = await world.message(State.DELIVERED, **usual)
    # That it has moved: no broadcast's, whose further steps an answer would end.
    await world.message(State.DELIVERED, **usual, broadcast=0, started_at=NOON + timedelta(hours=1))
    await world.message(State.SCHEDULED, **usual, broadcast=2)
    await world.message(State.DELIVERED, **(usual | {"recipient": 9, "address": "staff@clinic.example"}))
    found = [
        await world.store.read(receipts.mailed_about, CLINIC, visit, address)
        for visit, address in (
            (1, mailbox),
            (2, mailbox),
            (1, "else@home.example"),
            (1, "staff@clinic.example"),
        )
    ]
    assert found == [reminder, None, None, None]
