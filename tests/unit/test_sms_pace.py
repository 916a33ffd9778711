"""Window, rate and pauses of a bind."""

from __future__ import annotations

import asyncio

import pytest

from gateway.channels.sms_pace import Bucket, Pace


class Clock:
    """A clock that tests set."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_bucket_gives_at_its_rate_and_saves_a_tenth_of_a_second() -> None:
    clock = Clock()
    bucket = Bucket(100.0, clock)
    assert bucket.available() == 10
    assert [bucket.take() for _ in range(10)] == [0.0] * 10
    assert bucket.take() == pytest.approx(0.01)
    assert bucket.take() == pytest.approx(0.02)
    clock.now += 0.03
    assert bucket.available() == 1
    clock.now += 60
    assert bucket.available() == 10


def test_a_slow_bucket_gives_one_at_a_time() -> None:
    clock = Clock()
    bucket = Bucket(0.5, clock)
    assert bucket.take() == 0.0
    assert bucket.delay() == pytest.approx(2.0)
    clock.now += 2.0
    assert bucket.available() == 1


async def test_places_go_to_those_who_wait_in_order() -> None:
    pace = Pace(1, 1000.0)
    await pace.enter()
    assert pace.room() == 0
    order: list[int] = []

    async def stand(number: int) -> None:
        await pace.enter()
        order.append(number)
        pace.leave()

    waiting = [asyncio.create_task(stand(number)) for number in range(3)]
    await asyncio.sleep(0)
    pace.leave()
    await asyncio.gather(*waiting)
    assert order == [0, 1, 2]
    assert pace.room() == 1


async def test_a_place_is_not_lost_when_its_owner_is_cancelled() -> None:
    pace = Pace(1, 1000.0)
    await pace.enter()
    given_up = asyncio.create_task(pace.enter())
    await asyncio.sleep(0)
    pace.leave()
    given_up.cancel()
    await asyncio.wait([given_up])
    assert pace.room() == 1


async def test_a_pause_is_longer_each_time_until_texts_flow_again() -> None:
    pace = Pace(10, 1000.0)
    first = pace.hold()
    assert 0.75 <= first <= 1.25
    assert pace.hold() <= first, "refusals that arrive in a pause belong to it"
    assert pace.room() == 0
    pace._paused_until = 0.0
    assert pace.room() == 1, "after a pause one goes ahead of the others"
    await pace.enter()
    assert pace.room() == 0, "which wait for its response"
    pace.leave()
    assert 1.5 <= pace.hold() <= 2.5
    pace._paused_until = 0.0
    pace.flow()
    assert pace.room() == 10
    assert pace.hold() <= 1.25
