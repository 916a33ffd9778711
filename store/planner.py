"""What SQLite's planner must know: one clinic has all the rows.

Without statistics it takes every first column for selective, and walks through a clinic's whole table
where an index would find three rows. Statistics of our own keep the plans the same on every machine;
PostgreSQL gathers its own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlalchemy import Connection, Table, UniqueConstraint, text

from store.schema import metadata

_ROWS = 1_000_000
# A partial index holds what is under way.
_ROWS_UNDER_WAY = 10_000
_WIDE = {"clinic": 1, "channel": 4, "kind": 4}
_NARROW = 1000


def advise(conn: Connection) -> None:
    """Write the statistics of all indexes; on PostgreSQL nothing happens."""
    if conn.dialect.name != "sqlite":
        return
    conn.exec_driver_sql("ANALYZE counter")
    conn.exec_driver_sql("DELETE FROM sqlite_stat1")
    rows = [row for table in metadata.tables.values() for row in _statistics(table)]
    conn.execute(text("INSERT INTO sqlite_stat1 (tbl, idx, stat) VALUES (:tbl, :idx, :stat)"), rows)
    # This connection reads them again; others do when they see the new tables.
    conn.exec_driver_sql("ANALYZE sqlite_schema")


def _statistics(table: Table) -> Iterator[dict[str, str]]:
    key = [column.name for column in table.primary_key]
    yield _row(table, table.name, _ROWS, key, unique=True)
    uniques = [one for one in table.constraints if isinstance(one, UniqueConstraint)]
    for number, unique in enumerate(uniques, 2):
        name = f"sqlite_autoindex_{table.name}_{number}"
        yield _row(table, name, _ROWS, [column.name for column in unique.columns], unique=True)
    for index in table.indexes:
        partial = index.dialect_options["sqlite"]["where"] is not None
        columns = [column.name for column in index.columns]
        yield _row(table, str(index.name), _ROWS_UNDER_WAY if partial else _ROWS, columns, unique=False)


def _row(table: Table, index: str, rows: int, columns: Sequence[str], unique: bool) -> dict[str, str]:
    """ "rows, then how many of them agree in the first column, in the first two, …"."""
    left, figures = rows, [rows]
    for column in columns:
        left = max(left // _WIDE.get(column, _NARROW), 2)
        figures.append(left)
    if unique:
        figures[-1] = 1
    return {"tbl": table.name, "idx": index, "stat": " ".join(map(str, figures))}
