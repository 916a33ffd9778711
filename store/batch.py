"""Many values as one parameter: a statement stays the same however many there are.

`IN (?, ?, …)` is another statement for every length: rendered anew, prepared anew, and at an end with
32,767 parameters on PostgreSQL. Rows sent one by one cost more in Python than in the database.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    ColumnElement,
    Dialect,
    FromClause,
    Select,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    literal_column,
    select,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import TypeEngine

from store.outside import storable
from store.tables import aware, microseconds

# A JSON column's value travels as what it is within the text; on SQLite it is kept as text.
DOCUMENT = Text().with_variant(JSON(), "postgresql")


class _Values(TypeDecorator[Sequence[Any]]):
    """A JSON text, with moments as the engine's Instant writes them, and nothing that cannot be stored."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> str:
        encode = _ENCODE[dialect.name]
        text = encode(value)
        # What cannot be stored is looked for once, where it would show; most batches have none of it.
        return encode(_storable(value)) if "\\u0000" in text or "\\ud" in text else text


def _storable(value: Any) -> Any:
    match value:
        case str():
            return storable(value)
        case Mapping():
            return {storable(key): _storable(one) for key, one in value.items()}
        case list() | tuple():
            return [_storable(one) for one in value]
        case _:
            return value


def _iso(moment: datetime) -> str:
    return aware(moment).isoformat()


_ENCODE = {
    "postgresql": json.JSONEncoder(default=_iso, separators=(",", ":")).encode,
    "sqlite": json.JSONEncoder(default=microseconds, separators=(",", ":")).encode,
}


class _Each(FunctionElement[Any]):
    """The elements of a JSON text, in a column `value`."""

    inherit_cache = True


@compiles(_Each, "postgresql")
def _on_postgres(element: _Each, compiler: SQLCompiler, **options: Any) -> str:
    return f"jsonb_array_elements(CAST({compiler.process(element.clauses, **options)} AS JSONB))"


@compiles(_Each, "sqlite")
def _on_sqlite(element: _Each, compiler: SQLCompiler, **options: Any) -> str:
    return f"json_each({compiler.process(element.clauses, **options)})"


def _elements(name: str) -> Any:
    return _Each(bindparam(name, type_=_Values())).table_valued("value", name=name)


def among(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """The condition that a column is one of the numbers (a list) bound as `name`."""
    return column.in_(_numbers(name))


def not_among(column: ColumnElement[int], name: str) -> ColumnElement[bool]:
    """The condition that a column is none of the numbers (a list) bound as `name`."""
    return column.not_in(_numbers(name))


def _numbers(name: str) -> Select[tuple[int]]:
    return select(cast(_elements(name).c.value, BigInteger))


class Rows:
    """A table made of one parameter: a list of rows, each with its values in the order of `types`."""

    def __init__(self, name: str, **types: TypeEngine[Any] | type[TypeEngine[Any]]) -> None:
        self.table: FromClause = _elements(name)
        self._columns = {
            column: cast(self.table.c.value.op("->>")(literal_column(str(place))), type).label(column)
            for place, (column, type) in enumerate(types.items())
        }

    @property
    def names(self) -> list[str]:
        """The columns' names in their order."""
        return list(self._columns)

    def __getitem__(self, column: str) -> Any:
        return self._columns[column]

    def select(self, *more: ColumnElement[Any]) -> Select[Any]:
        """All columns in their order, after those that are given."""
        return select(*more, *self._columns.values()).select_from(self.table)
