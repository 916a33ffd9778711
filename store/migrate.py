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
from store.planner import advise


class SchemaError(RingwellError):
    """The database has another schema than this version of Ringwell."""


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


# Any number will do, as long as nothing else in the database locks it.
_UPGRADING = 0x52696E67


def _upgrade(conn: Connection) -> None:
    if conn.dialect.name == "postgresql":
        # Several gateways may start at once; SQLite has one writer anyway.
        conn.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADING})")
    found = _revision(conn)
    if found is not None and found not in _known():
        raise _too_new(found)
    config = _config()
    config.attributes["connection"] = conn
    command.upgrade(config, "head")
    advise(conn)


def _revision(conn: Connection) -> str | None:
    return MigrationContext.configure(conn).get_current_revision()


def _too_new(found: str) -> SchemaError:
    return SchemaError(f"the database has schema {found}, which this version does not know: use a newer one")


async def upgrade(store: Store) -> None:
    """Create or upgrade the tables; nothing happens when they are current.

    Raises SchemaError when they are newer than this version.
    """
    if await store.read(_revision) != newest():
        await store.run(_upgrade)


async def current(store: Store) -> str | None:
    """The schema's revision in the database, None when it has no tables yet."""
    return await store.read(_revision)


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config()).walk_revisions()}


def newest() -> str | None:
    """The revision that this version of Ringwell needs."""
    return ScriptDirectory.from_config(_config()).get_current_head()


async def require_current(store: Store) -> None:
    """Raise SchemaError unless the database has exactly our schema."""
    found = await current(store)
    if found is not None and found not in _known():
        raise _too_new(found)
    if found != newest():
        raise SchemaError(
            f"the database has schema {found or 'none'}, this version needs {newest()}: "
            "run 'ringwell migrate'"
        )
