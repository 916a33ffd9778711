"""What migrations make tables of. Only ever added to: migrations stay what they were."""

from typing import Any

import sqlalchemy as sa
from alembic import op


def make_table(name: str, *columns: Any, key: tuple[str, ...] = ("clinic", "id")) -> None:
    """A table keyed by clinic; on SQLite the rows live in the key's own tree."""
    clinic = sa.Column("clinic", sa.Integer(), nullable=False)
    op.create_table(name, clinic, *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=False)


def column(name: str, type: Any, nullable: bool = False) -> sa.Column[Any]:
    """A column that must have a value, unless it is nullable."""
    return sa.Column(name, type, nullable=nullable)
