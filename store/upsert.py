"""INSERT … ON CONFLICT: both engines have it, SQLAlchemy spells it per dialect."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def insert_into(conn: Connection, table: Table) -> Any:
    """The connection's own INSERT, which knows `on_conflict_do_update` and `on_conflict_do_nothing`."""
    return _INSERT[conn.dialect.name](table)


def for_each_engine(build: Callable[[Any], Any]) -> dict[str, Any]:
    """`build(insert)` for every engine, by its name: building a statement costs more than running it."""
    return {name: build(insert) for name, insert in _INSERT.items()}
