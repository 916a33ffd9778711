"""How the engine finds the rows of the store's own statements."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, event

from store.engine import Store


class _RollbackError(Exception):
    """Ends a transaction whose writes are not wanted."""


async def plans_of(store: Store, work: Callable[..., Any], *args: Any) -> str:
    """The query plans of every statement that `work(connection, *args)` runs; nothing stays written."""
    statements: list[tuple[str, Any]] = []
    plans: list[str] = []

    def watched(conn: Connection) -> None:
        event.listen(conn, "before_cursor_execute", _keep(statements))
        work(conn, *args)
        raise _RollbackError

    def explain(conn: Connection) -> None:
        for statement, values in statements:
            plans.extend(_explain(conn, statement, values))

    for step in (watched, explain):
        try:
            await store.run(step)
        except _RollbackError:
            continue
    return "\n".join(plans)


def _keep(statements: list[tuple[str, Any]]) -> Callable[..., None]:
    def listener(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, many: bool) -> None:
        statements.append((statement, values[0] if many else values))

    return listener


def _explain(conn: Connection, statement: str, values: Any) -> list[str]:
    if conn.dialect.name == "sqlite":
        rows = conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
        return [row[3] for row in rows]
    # As a prepared statement that has been used often is planned: without looking at the values.
    conn.exec_driver_sql("SET LOCAL plan_cache_mode = force_generic_plan")
    conn.exec_driver_sql(f"PREPARE wanted AS {statement}")
    given = f"({', '.join(_literal(value) for value in values)})" if values else ""
    rows = conn.exec_driver_sql(f"EXPLAIN EXECUTE wanted {given}")
    found = [row[0] for row in rows]
    conn.exec_driver_sql("DEALLOCATE wanted")
    return found


def _literal(value: Any) -> str:
    if value is None:
        return "NULL"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, list):
        return "'{" + ", ".join(map(str, value)) + "}'"
    text = value.isoformat() if isinstance(value, datetime) else str(value)
    return "'" + text.replace("'", "''") + "'"
