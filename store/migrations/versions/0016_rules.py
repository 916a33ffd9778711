"""Broadcasts that plan by themselves"""

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rule",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("only_preference", sa.Boolean(), nullable=False),
        sa.Column("templates", sa.JSON(), nullable=False),
        sa.Column("schedule", sa.JSON(), nullable=False),
        sa.Column("cascade", sa.JSON(), nullable=True),
        sa.Column("list_name", sa.String(length=64), nullable=True),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("deleted_at", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("clinic", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_rule_clinic_name", "rule", ["clinic", "name"])
    op.create_table(
        "occurrence",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("rule", _ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("broadcast", _ID, nullable=True),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "rule", "day", "step"),
        sqlite_with_rowid=False,
    )
    op.add_column("broadcast", sa.Column("timing", sa.JSON(), nullable=True))
    op.add_column("broadcast", sa.Column("rule", _ID, nullable=True))


def downgrade() -> None:
    op.drop_column("broadcast", "rule")
    op.drop_column("broadcast", "timing")
    op.drop_table("occurrence")
    op.drop_table("rule")
