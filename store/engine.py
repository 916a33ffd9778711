"""One async interface over two engines: PostgreSQL through asyncpg, SQLite in one writer thread.

Work is a plain function of a SQLAlchemy Connection; the same function runs on both engines, inside one
transaction. That is what keeps the statements in one place.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from sqlite3 import OperationalError as SqliteError
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import DatabaseError, DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import QueuePool, StaticPool

from gateway.domain import RingwellError

# How long a SQLite statement waits for another process to let go.
BUSY_SECONDS = 15
P = ParamSpec("P")
T = TypeVar("T")
Work = Callable[Concatenate[Connection, P], T]
Clock = Callable[[], datetime]


class StoreAwayError(RingwellError):
    """The database cannot be reached, is full or is locked; nothing is known to have been written."""


def wall_clock() -> datetime:
    """Now, in UTC."""
    return datetime.now(UTC)


class Store:
    """Open with `async with`; `run` writes in one transaction, `read` only looks."""

    def __init__(self, url: str, clock: Clock = wall_clock) -> None:
        self.url = make_url(url)
        self.clock = clock
        self._backend: _Sqlite | _Postgres
        if self.url.get_backend_name() == "sqlite":
            self._backend = _Sqlite(self.url)
        elif self.url.get_backend_name() == "postgresql":
            self._backend = _Postgres(self.url)
        else:
            raise StoreAwayError(f"store.url: '{self.url.get_backend_name()}' is not sqlite or postgresql")

    async def __aenter__(self) -> Store:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Finish what runs and let go of the connections."""
        await self._backend.close()

    async def run(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work(connection, …)` in one write transaction, synced to disk when this returns.

        `work` is called again after a deadlock, so it changes nothing but the database.
        Raises StoreAwayError when the engine is away: the transaction may or may not have been committed.
        """
        done: T = await _translated(self._backend.run(lambda conn: work(conn, *args, **kwargs)))
        return done

    async def read(self, work: Work[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Do `work(connection, …)` in a transaction that does not hold up writers."""
        found: T = await _translated(self._backend.read(lambda conn: work(conn, *args, **kwargs)))
        return found


async def _translated(running: Any) -> Any:
    try:
        return await running
    except (OperationalError, InterfaceError, PoolTimeoutError, OSError) as error:
        raise StoreAwayError(f"the database is away: {_first_line(error)}") from error
    except DBAPIError as error:
        # SQLite says DatabaseError itself, not one of its kinds, of a file that is damaged or not its own.
        if error.connection_invalidated or _is_shutdown(error) or type(error) is DatabaseError:
            raise StoreAwayError(f"the database is away: {_first_line(error)}") from error
        raise


# PostgreSQL's classes: connection, sign-in, no such database, rolled back (again and again), resources,
# operator, input and output.
_ROLLED_BACK = "40"
_AWAY = {"08", "28", "3D", _ROLLED_BACK, "53", "57", "58"}
_READ_ONLY, _LOCKED = "25006", "55P03"


def _is_shutdown(error: DBAPIError) -> bool:
    state = _sqlstate(error)
    return state[:2] in _AWAY or state in (_READ_ONLY, _LOCKED)


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")


def _first_line(error: BaseException) -> str:
    # Details beyond the first line may hold patient data.
    cause = getattr(error, "orig", None) or error
    return str(cause).strip().split("\n", 1)[0][:200]


class _Sqlite:
    """One writer thread with synchronous=FULL, a few readers beside it (WAL)."""

    def __init__(self, url: URL) -> None:
        self._writer = _sqlite_engine(url, "BEGIN IMMEDIATE", readers=0)
        self._readers = _sqlite_engine(url, "BEGIN", readers=2)
        self._write_thread = ThreadPoolExecutor(1, "store-write")
        self._read_threads = ThreadPoolExecutor(2, "store-read")

    async def run(self, work: Callable[[Connection], Any]) -> Any:
        return await _in_thread(self._write_thread, self._writer, work)

    async def read(self, work: Callable[[Connection], Any]) -> Any:
        return await _in_thread(self._read_threads, self._readers, work)

    async def close(self) -> None:
        await asyncio.to_thread(self._write_thread.shutdown)
        await asyncio.to_thread(self._read_threads.shutdown)
        self._writer.dispose()
        self._readers.dispose()


async def _in_thread(threads: ThreadPoolExecutor, engine: Engine, work: Callable[[Connection], Any]) -> Any:
    def transaction() -> Any:
        with engine.begin() as conn:
            return work(conn)

    return await asyncio.get_running_loop().run_in_executor(threads, transaction)


def _turn_on_wal(connection: Any) -> None:
    # The one statement that does not wait for others to let go: the busy timeout does not hold for it.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except SqliteError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
        else:
            return


def _sqlite_engine(url: URL, begin: str, readers: int) -> Engine:
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": BUSY_SECONDS}}
    options |= {"poolclass": QueuePool, "pool_size": readers} if readers else {"poolclass": StaticPool}
    engine = create_engine(url.set(drivername="sqlite"), hide_parameters=True, **options)

    @event.listens_for(engine, "connect")
    def _configure(connection: Any, _: object) -> None:
        # We say BEGIN ourselves: a deferred read-to-write upgrade would fail at once.
        connection.isolation_level = None
        _turn_on_wal(connection)
        for pragma in ("synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


# A server that went silent is noticed by then; cancelling a broadcast of 1,000,000 takes a tenth of it.
_COMMAND_SECONDS = 180
_TRIES = 5


class _Postgres:
    """asyncpg; the plain functions run through SQLAlchemy's greenlet bridge."""

    def __init__(self, url: URL) -> None:
        self._engine: AsyncEngine = create_async_engine(
            url.set(drivername="postgresql+asyncpg"),
            pool_size=8,
            max_overflow=8,
            pool_timeout=10,
            pool_pre_ping=False,
            hide_parameters=True,
            connect_args={
                "timeout": 5,
                "command_timeout": _COMMAND_SECONDS,
                "server_settings": {"synchronous_commit": "on"},
            },
        )

    async def run(self, work: Callable[[Connection], Any]) -> Any:
        for _ in range(_TRIES - 1):
            try:
                return await self._once(work)
            except DBAPIError as error:
                # A deadlock's victim: the server has rolled everything back, so it is simply done again.
                if not _sqlstate(error).startswith(_ROLLED_BACK):
                    raise
        return await self._once(work)

    read = run

    async def _once(self, work: Callable[[Connection], Any]) -> Any:
        async with self._engine.begin() as conn:
            return await conn.run_sync(work)

    async def close(self) -> None:
        await self._engine.dispose()
