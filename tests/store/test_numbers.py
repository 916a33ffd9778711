"""Numbers of new rows: each once, without gaps that a reader could fall into."""

from __future__ import annotations

import asyncio
import contextlib

from sqlalchemy import Connection

from store import ids
from store.engine import Store
from tests.store.world import CLINIC


async def test_many_takers_never_get_the_same_number(store: Store, url: str) -> None:
    others = [Store(url) for _ in range(4)]
    try:
        firsts = await asyncio.gather(
            *(one.run(ids.take, CLINIC, "message", 3) for one in others for _ in range(25))
        )
    finally:
        await asyncio.gather(*(one.close() for one in others))
    assert sorted(firsts) == list(range(1, 301, 3))
    assert await store.read(ids.upcoming, CLINIC, "message") == 301


async def test_each_clinic_and_kind_counts_for_itself(store: Store) -> None:
    assert await store.run(ids.take, CLINIC, "message", 10) == 1
    assert await store.run(ids.take, CLINIC, "consent") == 1
    assert await store.run(ids.take, 2, "message") == 1
    assert await store.run(ids.take, CLINIC, "message") == 11
    assert await store.read(ids.upcoming, CLINIC, "reply") == 1


async def test_numbers_of_a_failed_transaction_are_given_again(store: Store) -> None:
    def fail(conn: Connection) -> None:
        ids.take(conn, CLINIC, "message", 5)
        raise ZeroDivisionError

    for _ in range(2):
        with contextlib.suppress(ZeroDivisionError):
            await store.run(fail)
    assert await store.run(ids.take, CLINIC, "message") == 1
