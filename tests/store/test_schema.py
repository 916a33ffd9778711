"""The tables: what migrations make is what the code expects, and the engines keep their promises."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection, insert, inspect, select

from gateway.domain import Channel
from store import migrate, people, queue, schema
from store.engine import Store, StoreAwayError, wall_clock
from store.migrate import SchemaError
from tests.store.world import CLINIC, LEASE, NOON, OWNER, World


async def test_a_fresh_database_is_what_the_code_expects(empty_url: str) -> None:
    async with Store(empty_url) as store:
        assert await migrate.current(store) is None
        await migrate.upgrade(store)
        assert await migrate.current(store) == migrate.newest()
        assert await store.read(_differences) == []
        assert await store.read(_indexes) == _expected_indexes()


def _differences(conn: Connection) -> list[Any]:
    def ours(name: str | None, kind: str, _parents: Any) -> bool:
        return not (kind == "table" and str(name).startswith("sqlite_"))

    context = MigrationContext.configure(conn, opts={"compare_type": True, "include_name": ours})
    return list(compare_metadata(context, schema.metadata))


def _indexes(conn: Connection) -> dict[str, bool]:
    """Every index, and whether it is partial."""
    found: dict[str, bool] = {}
    for table in schema.metadata.tables:
        for index in inspect(conn).get_indexes(table):
            options = index.get("dialect_options", {})
            partial = any(name.endswith("_where") for name in options)
            if not index["unique"] or partial:
                found[str(index["name"])] = partial
    return found


def _expected_indexes() -> dict[str, bool]:
    return {
        str(index.name): index.dialect_options["sqlite"]["where"] is not None
        for table in schema.metadata.tables.values()
        for index in table.indexes
    }


async def test_upgrading_again_changes_nothing(world: World) -> None:
    person = await world.person()
    await migrate.upgrade(world.store)
    assert await world.ledger(person) == [(True, "import")]
    await migrate.require_current(world.store)


async def test_gateways_that_start_together_upgrade_once(empty_url: str) -> None:
    stores = [Store(empty_url) for _ in range(3)]
    try:
        await asyncio.gather(*(migrate.upgrade(store) for store in stores))
        assert [await migrate.current(store) for store in stores] == [migrate.newest()] * 3
        assert await stores[0].read(_differences) == []
    finally:
        await asyncio.gather(*(store.close() for store in stores))


async def test_a_newer_schema_is_refused_and_left_alone(world: World) -> None:
    await world.store.run(
        lambda conn: conn.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    )
    with pytest.raises(SchemaError, match=r"9999.*newer"):
        await migrate.require_current(world.store)
    with pytest.raises(SchemaError, match=r"9999.*newer"):
        await migrate.upgrade(world.store)
    assert await migrate.current(world.store) == "9999"


async def test_a_database_without_tables_asks_for_the_migration(empty_url: str) -> None:
    async with Store(empty_url) as store:
        with pytest.raises(SchemaError, match="ringwell migrate"):
            await migrate.require_current(store)


async def test_moments_come_back_as_they_went_in(world: World) -> None:
    moments = [
        datetime(2026, 3, 29, 1, 30, 0, 123456, tzinfo=timezone(timedelta(hours=2))),
        datetime(1969, 12, 31, 23, 59, 59, 999999, tzinfo=UTC),
        datetime(2200, 1, 1, tzinfo=UTC),
    ]
    for moment in moments:
        number = await world.message(due_at=moment)
        found = (await world.row(number))["due_at"]
        assert found == moment
        assert found.utcoffset() == timedelta(0)


async def test_naive_moments_are_refused_and_nothing_is_written(world: World) -> None:
    naive = NOON.replace(tzinfo=None)
    number = await world.message()
    for work in (
        lambda: world.claim(now=naive),
        lambda: world.message(due_at=naive),
        lambda: world.store.run(people.add_consent, CLINIC, [1], True, "desk", naive),
        lambda: world.store.run(queue.claim, CLINIC, Channel.SMS, OWNER, NOON, naive, 10),
        lambda: world.rows(schema.message, due_at=naive),
    ):
        with pytest.raises(Exception, match="without a zone"):
            await work()
    assert await world.states([number]) == ["queued"]
    assert len(await world.rows(schema.message)) == 1
    assert await world.rows(schema.consent) == []


async def test_errors_do_not_show_what_was_to_be_written(world: World) -> None:
    await world.person("c1")
    rows = [{"clinic": CLINIC, "id": 1, "channel": "sms", "remote_id": "secret-number"}]
    with pytest.raises(Exception, match=r"(?i)null") as caught:
        await world.store.run(lambda conn: conn.execute(insert(schema.segment), rows))
    assert "secret-number" not in str(caught.value).split("DETAIL")[0]


async def test_sqlite_writes_are_synced_and_readers_do_not_block(tmp_path: Any, sqlite_store: str) -> None:
    async with Store(sqlite_store) as store:
        for ask in (store.run, store.read):
            assert await ask(_pragma, "journal_mode") == "wal"
            assert await ask(_pragma, "foreign_keys") == 1
        assert await store.run(_pragma, "synchronous") == 2
        assert await store.run(_in_transaction)


def _in_transaction(conn: Connection) -> Any:
    driver: Any = conn.connection.driver_connection
    return driver.in_transaction


def _pragma(conn: Connection, name: str) -> Any:
    return conn.exec_driver_sql(f"PRAGMA {name}").scalar()


async def test_postgres_commits_are_synced(postgresql_store: str) -> None:
    async with Store(postgresql_store) as store:
        for ask in (store.run, store.read):
            shown = await ask(lambda conn: conn.exec_driver_sql("SHOW synchronous_commit").scalar())
            assert shown == "on"


async def test_readers_see_the_last_commit_while_a_write_is_open(store: Store, url: str) -> None:
    reading, done = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    async def write() -> None:
        async with Store(url) as other:
            await other.run(_write_slowly)

    def _write_slowly(conn: Connection) -> None:
        conn.execute(insert(schema.counter), [{"clinic": CLINIC, "name": "x", "next": 5}])
        loop.call_soon_threadsafe(reading.set)
        asyncio.run_coroutine_threadsafe(done.wait(), loop).result(10)

    writing = asyncio.create_task(asyncio.to_thread(asyncio.run, write()))
    await reading.wait()
    query = select(schema.counter.c.next).where(schema.counter.c.name == "x")
    assert await store.read(lambda conn: conn.execute(query).all()) == []
    done.set()
    await writing
    assert await store.read(lambda conn: conn.execute(query).scalar()) == 5


async def test_a_failed_transaction_leaves_nothing(world: World) -> None:
    def half(conn: Connection) -> None:
        conn.execute(insert(schema.counter), [{"clinic": CLINIC, "name": "x", "next": 5}])
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await world.store.run(half)
    assert await world.rows(schema.counter, name="x") == []


def test_another_database_is_refused_by_name() -> None:
    with pytest.raises(StoreAwayError, match="mysql"):
        Store("mysql+pymysql://localhost/x")


def test_the_usual_clock_tells_utc() -> None:
    assert wall_clock().utcoffset() == timedelta(0)
    assert abs(wall_clock() - datetime.now(UTC)) < LEASE
