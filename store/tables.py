"""What tables are made of: moments, numbers, and keys that start with the clinic."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def aware(moment: datetime) -> datetime:
    """The moment itself; a naive one raises ValueError."""
    if moment.tzinfo is None:
        raise ValueError("a datetime without a zone reached the store")
    return moment


def microseconds(moment: datetime) -> int:
    """A moment as SQLite keeps it; a naive one raises ValueError."""
    return (aware(moment) - _EPOCH) // _MICROSECOND


class Instant(TypeDecorator[datetime]):
    """A moment in UTC: timestamptz on PostgreSQL, microseconds since 1970 on SQLite.

    Naive datetimes raise ValueError: asyncpg, psycopg and SQLite each read them differently.
    """

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(BigInteger())

    # Processors of our own instead of process_…_value: moments are most of what a plan reads and writes.
    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        bind = aware if dialect.name == "postgresql" else microseconds
        return lambda moment: None if moment is None else bind(moment)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], Any] | None:
        # asyncpg reads a timestamptz as a datetime in UTC.
        return None if dialect.name == "postgresql" else _as_moment


def _as_moment(value: int | None) -> datetime | None:
    return None if value is None else _EPOCH + timedelta(0, 0, value)


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    }
)

ID = BigInteger().with_variant(Integer(), "sqlite")


def table(name: str, *items: Any, key: tuple[str, ...] = ("clinic", "id"), **options: Any) -> Table:
    """A table keyed by clinic; on SQLite the rows live in the key's own tree."""
    clinic = Column("clinic", Integer, nullable=False)
    return Table(
        name, metadata, clinic, *items, PrimaryKeyConstraint(*key), sqlite_with_rowid=False, **options
    )


def id_column() -> Column[int]:
    """The number of a row."""
    return Column("id", ID, nullable=False)
