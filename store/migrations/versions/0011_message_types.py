"""Renewals, custom lists and saved templates"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _table(name: str, *columns: Any, key: tuple[str, ...] = ("clinic", "id")) -> None:
    clinic = sa.Column("clinic", sa.Integer(), nullable=False)
    op.create_table(name, clinic, *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=False)


def upgrade() -> None:
    _table(
        "renewal",
        sa.Column("id", _ID, nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("recipient", _ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=12), nullable=False),
        sa.UniqueConstraint("clinic", "external_id", name="uq_renewal_clinic_external_id"),
    )
    op.create_index("ix_renewal_clinic_due_on_id", "renewal", ["clinic", "due_on", "id"])
    _table(
        "custom_list",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
    )
    op.create_index("ix_custom_list_clinic_name", "custom_list", ["clinic", "name"])
    _table(
        "custom_list_entry",
        sa.Column("list", _ID, nullable=False),
        sa.Column("recipient", _ID, nullable=False),
        sa.Column("values", sa.JSON(), nullable=False),
        key=("clinic", "list", "recipient"),
    )
    _table(
        "template",
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("texts", sa.JSON(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.UniqueConstraint("clinic", "name", "version", name="uq_template_clinic_name_version"),
    )
    op.add_column("broadcast", sa.Column("zone", sa.Text(), nullable=False, server_default="UTC"))
    op.add_column("broadcast", sa.Column("custom_list", _ID, nullable=True))


def downgrade() -> None:
    op.drop_column("broadcast", "custom_list")
    op.drop_column("broadcast", "zone")
    for table in ("template", "custom_list_entry", "custom_list", "renewal"):
        op.drop_table(table)
