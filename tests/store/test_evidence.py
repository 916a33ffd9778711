"""Receipts settle the message they are about, and no other."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Connection

from gateway import evidence
from gateway.domain import PARTLY_SENT, Channel, Delivered, Outcome, Receipt, Retry, RetryKind, State
from gateway.settings import RetrySettings
from store import segments
from store.segments import Named
from store.settle import settle
from tests.store.world import CLINIC, NOON, OWNER, World

PHONE = "+12025550107"
ARRIVED = Delivered("receipt-delivered")
EXPIRED = Retry(RetryKind.NO_ANSWER, "receipt-expired")


async def _hear(world: World, remote_id: str, outcome: Outcome = ARRIVED) -> None:
    receipt = Receipt(Channel.SMS, outcome, NOON, remote_id=remote_id, address=PHONE)

    def work(conn: Connection) -> None:
        said = evidence.note(conn, CLINIC, [receipt], world.clock())
        late = evidence.settlements(conn, CLINIC, said, RetrySettings(), world.clock())
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
