"""A database that is away is said once, and that it is back only when everybody's work goes through."""

from __future__ import annotations

import asyncio
import logging

import pytest
from sqlalchemy import Connection, insert

from gateway.domain import Channel, ReplyKind
from gateway.link import StoreLink
from store import ids
from store.engine import Store
from store.schema import reply
from tests.store.world import CLINIC, NOON


def _write(conn: Connection) -> None:
    row = {
        "clinic": CLINIC,
        "id": 1,
        "channel": Channel.SMS,
        "address": "",
        "kind": ReplyKind.OTHER,
        "at": NOON,
    }
    conn.execute(insert(reply).values(**row, text="x" * 1_800_000))


def _let_grow(conn: Connection, pages: int) -> None:
    conn.exec_driver_sql(f"PRAGMA max_page_count={pages}")


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message.split(";")[0].split(":")[0] for record in caplog.records]


async def test_a_full_disk_is_said_once_although_those_with_nothing_to_write_get_through(
    sqlite_store: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with Store(sqlite_store) as store:
        await store.run(_let_grow, 1)
        link = StoreLink(store, pause=0.01)
        writing = asyncio.create_task(link.insist(_write))
        for _ in range(20):
            await link.patiently(lambda: store.read(ids.upcoming, CLINIC, "reply"))
            await asyncio.sleep(0.01)
        assert _said(caplog) == ["the database is away"]
        await store.run(_let_grow, 100_000)
        await writing
    assert _said(caplog) == ["the database is away", "the database is back"]


async def test_who_gives_up_waiting_does_not_keep_the_database_away(
    sqlite_store: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    async with Store(sqlite_store) as store:
        await store.run(_let_grow, 1)
        link = StoreLink(store, pause=0.01)
        both = [asyncio.create_task(link.insist(_write)) for _ in range(2)]
        async with asyncio.timeout(5):
            while len(link._away) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        both[0].cancel()
        await asyncio.wait(both[:1])
        await store.run(_let_grow, 100_000)
        await both[1]
    assert _said(caplog) == ["the database is away", "the database is back"]
