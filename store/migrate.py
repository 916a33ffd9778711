"""Bring a database to the schema of this version."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from gateway.domain import RingwellError
from store.engine import Store


class SchemaError(RingwellError):
    """The database has another schema than this version of Ringwell."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _upgrade(conn: Connection) -> None:
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, "head")


def _revision(conn: Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


async def upgrade(store: Store) -> None:
    """Create or upgrade the tables; nothing happens when they are current."""
    if await store.read(_revision) != newest():
        await store.run(_upgrade)


async def current(store: Store) -> str | None:
    """The schema's revision in the database, None when it has no tables yet."""
    return await store.read(_revision)


def newest() -> str | None:
    """The revision that this version of Ringwell needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def require_current(store: Store) -> None:
    """Raise SchemaError unless the database has exactly our schema."""
    found = await current(store)
    if found != newest():
        raise SchemaError(
            f"the database has schema {found or 'none'}, this version needs {newest()}: "
            "run 'ringwell migrate'"
        )
