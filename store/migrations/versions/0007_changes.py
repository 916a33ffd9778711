"""Changes of states for webhooks and streams"""

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "change",
        sa.Column("id", _ID, nullable=False, autoincrement=True),
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False),
        sa.Column("message", _ID, nullable=False),
        sa.Column("broadcast", _ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("cause", sa.Text(), nullable=True),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_change_clinic_xact_id", "change", ["clinic", "xact", "id"])
    op.create_table(
        "webhook",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("xact", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False, server_default=""),
        sa.Column("next_at", Instant(), nullable=True),
        sa.Column("lease_owner", sa.Text(), nullable=True),
        sa.Column("lease_until", Instant(), nullable=True),
        sa.PrimaryKeyConstraint("clinic", "name"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("webhook")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS message_changed() CASCADE")
    else:
        op.execute("DROP TRIGGER IF EXISTS message_added")
        op.execute("DROP TRIGGER IF EXISTS message_moved")
    op.drop_table("change")
