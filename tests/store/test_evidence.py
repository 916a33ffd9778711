"""Receipts settle the message they are about, and no other."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway import evidence
from gateway.domain import (
    PARTLY_SENT,
    Accepted,
    Attempt,
    Channel,
    Delivered,
    Outcome,
    Receipt,
    Retry,
    RetryKind,
    State,
    Text,
)
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import RetrySettings, Settings
from gateway.settlement import Retries, Started
from store import segments
from store.segments import Named
from store.settle import settle
from tests.store.test_dispatcher import Stage
from tests.store.world import CLINIC, NOON, OWNER, World

PHONE = "+12025550107"
ARRIVED = Delivered("receipt-delivered")
EXPIRED = Retry(RetryKind.NO_ANSWER, "receipt-expired")


async def _hear(world: World, remote_id: str, outcome: Outcome = ARRIVED, **named: str) -> None:
    receipt = Receipt(Channel.SMS, outcome, NOON, remote_id=remote_id, **({"address": PHONE} | named))

    def work(conn: Connection) -> None:
        said = evidence.note(conn, CLINIC, [receipt], world.clock())
        late = evidence.settlements(conn, CLINIC, said, Retries(RetrySettings(), "UTC"), world.clock())
        settle(conn, CLINIC, OWNER, late, world.clock())

    await world.store.run(work)


async def _lost(world: World, cause: str = "interrupted") -> int:
    return await world.message(State.UNKNOWN, address=PHONE, outcome="unknown", cause=cause, charged=1)


async def _accepted(world: World, *ids: str) -> int:
    columns: dict[str, Any] = {"address": PHONE, "charged": 1, "reason": "receipt-expected"}
    number = await world.message(State.ACCEPTED, **columns)
    named = [Named(id, number, 1) for id in ids]
    await world.store.run(segments.remember, CLINIC, Channel.SMS, named, NOON)
    return number


async def test_a_receipt_whose_response_was_lost_settles_the_one_message_to_that_number(world: World) -> None:
    number = await _lost(world)
    await _hear(world, "77")
    assert await world.states([number]) == ["delivered"]


async def test_a_receipt_of_a_text_under_way_is_not_taken_for_an_older_ones(world: World) -> None:
    older = await _lost(world)
    newer = await world.message(State.SENDING, address=PHONE)
    await _hear(world, "77")
    assert await world.states([older, newer]) == ["unknown", "sending"]
    named = [Named("77", newer, 1)]
    said = await world.store.run(segments.remember, CLINIC, Channel.SMS, named, NOON)
    assert said == {(newer, 1)}


async def test_a_part_that_arrived_does_not_make_a_text_delivered(world: World) -> None:
    number = await _lost(world, PARTLY_SENT)
    await _hear(world, "77")
    assert await world.states([number]) == ["unknown"]


async def test_a_receipt_beside_a_text_that_waits_for_one_settles_no_lost_one(world: World) -> None:
    lost, waiting = await _lost(world), await _accepted(world, "1")
    await _hear(world, "77")
    assert await world.states([lost, waiting]) == ["unknown", "accepted"]
    await _hear(world, "1")
    await _hear(world, "78")
    assert await world.states([lost, waiting]) == ["delivered", "delivered"]


@pytest.mark.parametrize(
    ("address", "other", "state"),
    [
        (PHONE, "", "delivered"),
        ("2025550107", "", "delivered"),
        ("001 202-555-0107", "", "delivered"),
        ("", "", "delivered"),
        ("50107", "", "delivered"),
        ("1202555XXXX", "", "delivered"),
        ("CLINIC", "", "delivered"),
        ("+18885550100", PHONE, "delivered"),
        ("+12025550108", "", "accepted"),
        ("+12025550108", "+18885550100", "accepted"),
    ],
)
async def test_a_receipt_settles_a_text_only_if_its_number_may_be_the_texts(
    world: World, address: str, other: str, state: str, caplog: pytest.LogCaptureFixture
) -> None:
    number = await _accepted(world, "1")
    await _hear(world, "1", address=address, other_address=other)
    assert await world.states([number]) == [state]
    assert ("with numbers of others" in caplog.text) == (state == "accepted")
    assert "0108" not in caplog.text
    await _hear(world, "1")
    assert await world.states([number]) == ["delivered"], "what was ignored left no trace"


@pytest.mark.parametrize(
    ("second", "state", "cause"),
    [(EXPIRED, "scheduled", "receipt-expired"), (ARRIVED, "failed", "receipt-expired")],
)
async def test_a_text_that_expired_is_tried_again_when_nothing_of_it_arrived(
    world: World, second: Outcome, state: str, cause: str
) -> None:
    number = await _accepted(world, "1", "2")
    await _hear(world, "1", EXPIRED)
    assert await world.states([number]) == ["accepted"]
    await _hear(world, "2", second)
    row = await world.row(number)
    assert (row["state"], row["cause"], row["charged"]) == (state, cause, 1)


async def test_a_later_receipt_does_not_undo_a_delivery_that_was_told_before_the_response(
    world: World,
) -> None:
    number = await world.message(State.SENDING, address=PHONE, lease_owner=OWNER)
    await _hear(world, "77")
    outbox = Outbox(StoreLink(world.store), Settings(), OWNER)
    attempt = Attempt(CLINIC, number, 1, PHONE, Text("See you"), None)
    expired = Receipt(Channel.SMS, EXPIRED, NOON, remote_id="77", address=PHONE)
    hearing = asyncio.create_task(outbox.hear([expired]))
    await asyncio.sleep(0)
    outbox.settle(Stage(), Started(number, 1, 0, NOON, None), attempt, Accepted("accepted", ("77",)))
    await outbox.flush()
    await hearing
    assert await world.states([number]) == ["delivered"]
