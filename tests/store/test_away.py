"""The database away, full, locked or in another's hands: one error that callers can wait on."""

from __future__ import annotations

import asyncio
import resource
import sqlite3
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select

from gateway.domain import State
from store import ids, migrate
from store.engine import Store, StoreAwayError
from store.schema import counter
from tests.postgres import Server
from tests.store.cluster import own_cluster
from tests.store.world import CLINIC, Clock, World, delivered


async def _until_back(doing: Callable[[], Awaitable[Any]], seconds: float = 10.0) -> Any:
    deadline = time.monotonic() + seconds
    while True:
        try:
            return await doing()
        except StoreAwayError:
            if time.monotonic() > deadline:
                raise


async def _away(*doings: Callable[[], Awaitable[Any]]) -> None:
    for doing in doings:
        with pytest.raises(StoreAwayError, match="the database is away"):
            await doing()


async def test_a_server_stopped_at_once_is_away_and_loses_nothing_that_was_committed() -> None:
    with own_cluster() as cluster:
        async with Store(cluster.server.create("clinic"), Clock()) as store:
            await migrate.upgrade(store)
            world = World(store, Clock())
            numbers = await world.messages(20)
            await world.claim()
            await world.start(numbers[:10])
            cluster.stop()
            await _away(
                lambda: world.settle(delivered(numbers[0])), lambda: world.row(numbers[0]), world.claim
            )
            cluster.start()
            await _until_back(lambda: world.settle(delivered(numbers[0])))
            assert await world.states(numbers) == ["delivered"] + ["sending"] * 9 + ["claimed"] * 10


async def test_a_server_that_dies_within_a_transaction_leaves_nothing_of_it() -> None:
    with own_cluster() as cluster:
        async with Store(cluster.server.create("clinic")) as store:
            await migrate.upgrade(store)

            def half(conn: Connection) -> None:
                ids.take(conn, CLINIC, "message", 10)
                cluster.stop()
                ids.take(conn, CLINIC, "message", 10)

            await _away(lambda: store.run(half))
            cluster.start()
            assert await _until_back(lambda: store.read(ids.upcoming, CLINIC, "message")) == 1


async def test_connections_cut_by_an_administrator_are_made_anew(
    postgresql_store: str, postgres: Server
) -> None:
    async with Store(postgresql_store) as store:
        await asyncio.gather(*(store.run(ids.take, CLINIC, "x") for _ in range(4)))
        name = store.url.database
        postgres.sql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        await _until_back(lambda: store.run(ids.take, CLINIC, "x"))
        assert await store.read(ids.upcoming, CLINIC, "x") == 6


async def test_a_pool_that_is_used_up_is_away_for_a_while(postgresql_store: str) -> None:
    async with Store(postgresql_store) as store:
        engine: Any = store._backend._engine  # type: ignore[union-attr]
        engine.sync_engine.pool._timeout = 0.2
        async with AsyncExitStack() as all_taken:
            for _ in range(16):
                await all_taken.enter_async_context(engine.connect())
            await _away(lambda: store.run(ids.take, CLINIC, "x"))
        assert await store.run(ids.take, CLINIC, "x") == 1


@pytest.mark.parametrize("change", ["/no-such-database", "//no-such-role@"])
async def test_a_server_without_our_database_or_role_is_away(postgresql_store: str, change: str) -> None:
    if change.startswith("//"):
        url = postgresql_store.replace("//ringwell@", change)
    else:
        url = postgresql_store.rsplit("/", 1)[0] + change
    async with Store(url) as store:
        await _away(lambda: store.read(migrate._revision), lambda: migrate.upgrade(store))


async def test_a_server_that_only_reads_is_away_for_writers(postgresql_store: str, postgres: Server) -> None:
    name = postgresql_store.rsplit("/", 1)[1]
    postgres.sql(f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    async with Store(postgresql_store) as store:
        await _away(lambda: store.run(ids.take, CLINIC, "x"))
        assert await store.read(ids.upcoming, CLINIC, "x") == 1


@pytest.mark.parametrize("state", ["40P01", "40001", "55P03"])
async def test_whoever_loses_every_deadlock_or_waits_too_long_tries_later(
    postgresql_store: str, state: str
) -> None:
    losing = f"DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '{state}'; END $$"
    async with Store(postgresql_store) as store:
        await _away(lambda: store.run(lambda conn: conn.exec_driver_sql(losing)))


async def test_a_deadlock_is_settled_by_doing_the_loser_again(store: Store) -> None:
    await store.run(
        lambda conn: conn.execute(
            insert(counter), [{"clinic": CLINIC, "name": name, "next": 0} for name in ("a", "b")]
        )
    )
    met = asyncio.Barrier(2)
    wait_once = {"a": True, "b": True}

    async def meet() -> None:
        # The second transaction can only be there at the same time where the engine lets it.
        try:
            await asyncio.wait_for(met.wait(), 1)
        except (TimeoutError, asyncio.BrokenBarrierError):
            return

    loop = asyncio.get_running_loop()

    def cross(conn: Connection, first: str, second: str) -> None:
        ids.take(conn, CLINIC, first)
        if wait_once.pop(first, False):
            if conn.dialect.name == "postgresql":
                from sqlalchemy.util import await_only

                await_only(meet())
            else:
                asyncio.run_coroutine_threadsafe(meet(), loop).result()
        ids.take(conn, CLINIC, second)

    await asyncio.gather(store.run(cross, "a", "b"), store.run(cross, "b", "a"))
    query = select(counter.c.next).where(counter.c.name.in_(["a", "b"]))
    assert await store.read(lambda conn: list(conn.execute(query).scalars())) == [2, 2]


# --- SQLite ---


@pytest.fixture
async def on_disk(sqlite_store: str) -> Any:
    """A store on a file whose writer does not wait long."""
    async with Store(sqlite_store, Clock()) as store:
        await store.run(lambda conn: conn.exec_driver_sql("PRAGMA busy_timeout = 50"))
        yield store


async def test_a_file_locked_by_another_program_is_away(on_disk: Store) -> None:
    other = sqlite3.connect(str(on_disk.url.database), isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        await _away(lambda: on_disk.run(ids.take, CLINIC, "x"))
        assert await on_disk.read(ids.upcoming, CLINIC, "x") == 1
        other.execute("ROLLBACK")
        assert await on_disk.run(ids.take, CLINIC, "x") == 1
    finally:
        other.close()


async def test_a_full_database_refuses_work_and_keeps_what_it_has(on_disk: Store) -> None:
    world = World(on_disk, Clock())
    numbers = await world.messages(5, State.SENDING)
    pages = await on_disk.run(lambda conn: conn.exec_driver_sql("PRAGMA page_count").scalar())
    await on_disk.run(lambda conn: conn.exec_driver_sql(f"PRAGMA max_page_count = {pages}").all())
    await _away(lambda: world.messages(5000))
    assert await world.states(numbers) == ["sending"] * 5
    await on_disk.run(lambda conn: conn.exec_driver_sql("PRAGMA max_page_count = 1000000").all())
    assert len(await world.messages(5000)) == 5000
    await world.settle(*(delivered(number) for number in numbers))
    assert await world.states(numbers) == ["delivered"] * 5


def _log_size(store: Store) -> int:
    return Path(f"{store.url.database}-wal").stat().st_size


@contextmanager
def _files_no_larger_than(size: int) -> Iterator[None]:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


async def test_a_disk_that_takes_no_more_refuses_work_and_keeps_what_it_has(on_disk: Store) -> None:
    world = World(on_disk, Clock())
    numbers = await world.messages(200)
    with _files_no_larger_than(_log_size(on_disk) + 4096):
        await _away(lambda: world.messages(2000))
        await _away(lambda: world.claim(200))
        assert (await world.row(numbers[0]))["state"] == "queued"
    assert len(await world.claim(1000)) == 200


async def test_a_file_that_is_no_database_or_cannot_be_opened_is_away(tmp_path: Path) -> None:
    strange = tmp_path / "letter.db"
    strange.write_bytes(b"Dear Mrs. Doe, " * 1000)
    for path in (strange, tmp_path / "no-such-folder" / "store.db"):
        async with Store(f"sqlite:///{path}") as store:
            await _away(partial(store.run, ids.take, CLINIC, "x"))
    assert strange.read_bytes().startswith(b"Dear Mrs. Doe")


async def test_work_that_fails_by_itself_is_not_the_databases_fault(store: Store) -> None:
    for ask in (store.run, store.read):
        with pytest.raises(ZeroDivisionError):
            await ask(lambda conn: 1 // 0)


async def test_a_cancelled_wait_does_not_tear_the_transaction(store: Store) -> None:
    taking = asyncio.create_task(store.run(ids.take, CLINIC, "x", 5))
    await asyncio.sleep(0)
    taking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await taking
    following = await store.run(ids.take, CLINIC, "x")
    assert following in (1, 6)
