"""A reply to several messages: all visits of one client, none of several clients, and no guess."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from gateway.domain import Channel, DirectKind, ReplyKind, State
from store import conversations, receipts
from store.schema import appointment, bundled, direct, message, reply
from tests.store.test_conversations import PHONE, _hear, _text
from tests.store.world import CLINIC, NOON, World

ROSA, BEN = "rosa", "ben"
C, C1, CANCEL = ReplyKind.CONFIRM, ReplyKind.NOT_COMING, ReplyKind.CANCEL


def minute(minutes: float) -> Any:
    return NOON + timedelta(minutes=minutes)


async def told(world: World, name: str, client: str, at: float = -60, **columns: Any) -> int:
    """A visit of a client with this number told to them, with a call four hours later; the message."""
    person = await world.person(client, details={Channel.SMS: PHONE, Channel.VOICE: PHONE})
    await world.visit(name, client)
    (visit,) = [row["id"] for row in await world.rows(appointment, external_id=name)]
    about = {"recipient": person, "appointment": visit, "address": PHONE} | columns
    number = await world.message(State.DELIVERED, **(about | {"started_at": minute(at)}))
    later = {"channel": "voice", "step": 1, "due_at": NOON + timedelta(hours=4)}
    await world.message(State.SCHEDULED, **(about | later))
    return number


async def visits(world: World) -> dict[str, str]:
    """What was said of each."""
    rows = sorted(await world.rows(appointment), key=lambda row: row["id"])
    return {
        row["external_id"]: "confirmed"
        if row["confirmed_at"] and row["status"] == "booked"
        else row["status"]
        for row in rows
    }


async def calls(world: World) -> list[str]:
    """What becomes of the calls."""
    rows = sorted(await world.rows(message, channel="voice"), key=lambda row: row["id"])
    return [row["state"] for row in rows]


async def said(world: World) -> list[str]:
    """Our answers."""
    return [row["body"] for row in sorted(await world.rows(direct), key=lambda row: row["message"])]


async def kinds(world: World) -> list[str]:
    return [row["kind"] for row in sorted(await world.rows(direct), key=lambda row: row["message"])]


async def unread(world: World) -> int:
    return await world.store.read(conversations.unread, CLINIC)


async def notice(world: World, at: float = -10) -> int:
    return await world.message(State.DELIVERED, broadcast=2, address=PHONE, started_at=minute(at))


@pytest.mark.parametrize("apart", [0, 30], ids=["at once", "half an hour apart"])
async def test_one_yes_confirms_all_visits_of_a_client_and_nobody_is_called(
    world: World, apart: float
) -> None:
    await told(world, "v1", ROSA)
    await told(world, "v2", ROSA, apart - 60)
    for seconds in (0, 40):
        await _hear(world, _text(C, "YES", NOON + timedelta(seconds=seconds)))
    assert await visits(world) == {"v1": "confirmed", "v2": "confirmed"}
    assert await calls(world) == ["cancelled", "cancelled"]
    assert await kinds(world) == [DirectKind.CONFIRMED]
    assert "your 2 visits are confirmed" in (await said(world))[0]
    assert len(await world.rows(reply)) == 1
    assert await unread(world) == 0


async def test_a_visit_that_was_told_long_before_is_not_confirmed_with_another(world: World) -> None:
    await told(world, "v1", ROSA, -9 * 24 * 60)
    await told(world, "v2", ROSA)
    await _hear(world, _text(C, "YES"))
    assert await visits(world) == {"v1": "booked", "v2": "confirmed"}
    assert await calls(world) == ["scheduled", "cancelled"]


async def test_a_later_yes_to_a_new_visit_is_acknowledged_also_when_others_are_confirmed(
    world: World,
) -> None:
    await told(world, "v1", ROSA)
    await _hear(world, _text(C, "YES"))
    await told(world, "v2", ROSA, 5)
    await _hear(world, _text(C, "YES", minute(6)))
    assert await visits(world) == {"v1": "confirmed", "v2": "confirmed"}
    assert await kinds(world) == [DirectKind.CONFIRMED] * 2
    assert "your appointment is confirmed" in (await said(world))[1]


async def test_a_notice_in_between_takes_no_answer_from_a_reminder(world: World) -> None:
    await told(world, "v1", ROSA)
    await notice(world)
    await _hear(world, _text(C, "YES"))
    assert await visits(world) == {"v1": "confirmed"}
    assert await calls(world) == ["cancelled"]


async def test_cancel_after_a_notice_is_asked_about_while_a_visit_is_open(world: World) -> None:
    await told(world, "v1", ROSA)
    await notice(world)
    person = (await world.rows(appointment))[0]["client"]
    await _hear(world, _text(CANCEL, "CANCEL"))
    assert await kinds(world) == [DirectKind.ASK]
    assert "C1" in (await said(world))[0]
    assert (await world.ledger(person))[-1] == (False, "ambiguous-cancel")
    await _hear(world, _text(C1, "C1", minute(1)), _text(C1, "C1", minute(2)))
    assert await visits(world) == {"v1": "cancelled"}
    assert (await kinds(world))[1:] == [DirectKind.CANCELLED]
    assert len(await world.rows(reply)) == 2


async def test_cancel_without_an_open_visit_opts_out_and_stop_does_so_always(world: World) -> None:
    await told(world, "v1", ROSA)
    person = (await world.rows(appointment))[0]["client"]
    await _hear(world, _text(ReplyKind.OPT_OUT, "stop"))
    assert (await world.ledger(person))[-1] == (False, "text")
    await world.store.run(lambda conn: conn.execute(appointment.update().values(starts_at=NOON)))
    await _hear(world, _text(ReplyKind.OPT_IN, "start", minute(1)), _text(CANCEL, "cancel", minute(2)))
    assert (await world.ledger(person))[-1] == (False, "text")


@pytest.mark.parametrize("first", [(C1, "C1"), (CANCEL, "cancel")], ids=["C1", "CANCEL"])
async def test_which_of_several_visits_is_cancelled_is_asked(
    world: World, first: tuple[ReplyKind, str]
) -> None:
    await told(world, "v1", ROSA)
    await told(world, "v2", ROSA)
    await _hear(world, _text(*first), _text(*first, minute(1)))
    assert await visits(world) == {"v1": "booked", "v2": "booked"}
    assert await kinds(world) == [DirectKind.ASK]
    assert "reply C2 to cancel your 2 visits" in (await said(world))[0]
    assert await unread(world) == 1
    # The second is the same, delivered again.
    await _hear(world, _text(C1, "C2", minute(2)), _text(C1, "C2", minute(3)))
    assert await visits(world) == {"v1": "cancelled", "v2": "cancelled"}
    assert await kinds(world) == [DirectKind.ASK, DirectKind.CANCELLED]
    assert "your 2 visits are cancelled" in (await said(world))[1]
    assert await calls(world) == ["cancelled", "cancelled"]


async def test_a_cancellation_delivered_again_cancels_no_older_visit(world: World) -> None:
    await told(world, "v1", ROSA, -9 * 24 * 60)
    await told(world, "v2", ROSA)
    for seconds in (0, 300):
        world.clock.now = NOON + timedelta(seconds=seconds)
        await _hear(world, _text(C1, "C1", world.clock()))
    assert await visits(world) == {"v1": "booked", "v2": "cancelled"}
    assert len(await world.rows(reply)) == 1


@pytest.mark.parametrize(("kind", "words"), [(C, "YES"), (C1, "C1"), (C1, "C2")])
async def test_who_shares_a_number_answers_for_nobody_else(world: World, kind: ReplyKind, words: str) -> None:
    await told(world, "v1", ROSA)
    await told(world, "v2", BEN)
    await _hear(world, _text(kind, words), _text(kind, words, minute(1)))
    assert await visits(world) == {"v1": "booked", "v2": "booked"}
    assert await calls(world) == ["scheduled", "scheduled"]
    assert await said(world) == []
    assert await unread(world) == 1
    (row,) = await world.rows(reply)
    assert (row["message"], row["recipient"], row["kind"]) == (None, None, ReplyKind.OTHER)


async def test_cancel_at_a_shared_number_holds_all_back_until_a_person_looks(world: World) -> None:
    await told(world, "v1", ROSA)
    await told(world, "v2", BEN)
    await _hear(world, _text(CANCEL, "cancel"))
    people = {row["client"] for row in await world.rows(appointment)}
    assert {(await world.ledger(one))[-1] for one in people} == {(False, "ambiguous-cancel")}
    assert (await said(world), await unread(world)) == ([], 1)


async def test_of_those_who_share_a_number_whoever_is_told_after_the_others_answer_is_heard(
    world: World,
) -> None:
    await told(world, "v1", ROSA)
    await _hear(world, _text(C, "YES"))
    await told(world, "v2", BEN, 5)
    await _hear(world, _text(C, "YES", minute(6)))
    assert await visits(world) == {"v1": "confirmed", "v2": "confirmed"}
    assert await unread(world) == 0


async def _family(world: World) -> None:
    """Rosa and Ben were told together."""
    number = await told(world, "v1", ROSA)
    ben = await world.person(BEN, details={Channel.SMS: PHONE})
    await world.visit("v2", BEN)
    (visit,) = [row["id"] for row in await world.rows(appointment, external_id="v2")]
    values = {"clinic": CLINIC, "broadcast": 1, "step": 0, "message": number}
    beside = bundled.insert().values(values | {"recipient": ben, "appointment": visit})
    await world.store.run(lambda conn: conn.execute(beside))


@pytest.mark.parametrize(
    ("kind", "words", "becomes", "answered"),
    [
        (C, "YES", "confirmed", "your 2 visits are confirmed"),
        (C1, "C1", "cancelled", "your 2 visits are cancelled"),
        (CANCEL, "cancel", "booked", "reply C1 to cancel your 2 visits"),
    ],
)
async def test_an_answer_to_a_message_about_several_is_acknowledged_for_all(
    world: World, kind: ReplyKind, words: str, becomes: str, answered: str
) -> None:
    await _family(world)
    await notice(world)
    await _hear(world, _text(kind, words))
    assert await visits(world) == {"v1": becomes, "v2": becomes}
    (body,) = await said(world)
    assert answered in body


async def test_what_an_address_was_told_of_the_newest_first(world: World) -> None:
    old = await told(world, "v1", ROSA, -90)
    new = await told(world, "v2", ROSA)
    last = await told(world, "v3", ROSA)
    await notice(world)
    args = (CLINIC, Channel.SMS, PHONE, NOON)
    found = await world.store.read(receipts.visits_told, *args)
    assert [(one.message, one.visit, one.open) for one in found] == [
        (last, 3, True),
        (new, 2, True),
        (old, 1, True),
    ]
    later = (CLINIC, Channel.SMS, PHONE, NOON + timedelta(days=1))
    assert await world.store.read(receipts.visits_told, *later) == []
