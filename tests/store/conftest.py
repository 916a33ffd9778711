"""One suite, two engines: every test that takes `store` runs on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from itertools import count
from pathlib import Path

import pytest

from store import migrate
from store.engine import Store
from tests.postgres import Server
from tests.store.world import Clock, World

ENGINES = ("sqlite", "postgresql")
_numbers = count(1)


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """The engine that a test runs on."""
    name: str = request.param
    return name


@pytest.fixture
def empty_url(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database without tables."""
    if engine == "sqlite":
        return f"sqlite:///{tmp_path / 'store.db'}"
    url: str = request.getfixturevalue("fresh_postgres_url")
    return url


@pytest.fixture
def url(engine: str, request: pytest.FixtureRequest) -> str:
    """A database with this version's tables, its own for each test."""
    found: str = request.getfixturevalue(f"{engine}_store")
    return found


@pytest.fixture
def clock() -> Clock:
    """A clock that tests set."""
    return Clock()


@pytest.fixture
async def store(url: str, clock: Clock) -> AsyncIterator[Store]:
    """An open store on either engine."""
    async with Store(url, clock) as opened:
        yield opened


@pytest.fixture
def world(store: Store, clock: Clock) -> World:
    """Ways to put rows into the store and to look at them."""
    return World(store, clock)


def _migrate(url: str) -> None:
    async def upgrade() -> None:
        async with Store(url) as store:
            await migrate.upgrade(store)

    asyncio.run(upgrade())


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file: copying one is faster than migrating anew."""
    path = tmp_path_factory.mktemp("template") / "store.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_store(sqlite_template: Path, tmp_path: Path) -> str:
    """A file of this test's own."""
    shutil.copy(sqlite_template, tmp_path / "store.db")
    return f"sqlite:///{tmp_path / 'store.db'}"


@pytest.fixture(scope="session")
def postgres_template(postgres: Server) -> str:
    """A migrated database to copy."""
    _migrate(postgres.create("store_template"))
    return "store_template"


@pytest.fixture
def postgresql_store(postgres: Server, postgres_template: str) -> Iterator[str]:
    """A database of this test's own."""
    name = f"store_{next(_numbers)}"
    postgres.sql(f'CREATE DATABASE "{name}" TEMPLATE "{postgres_template}"')
    yield postgres.url(name)
    postgres.drop(name)
