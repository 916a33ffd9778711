"""What is known of fax lines"""

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "fax_line",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("rung", sa.Integer(), nullable=False),
        sa.Column("voices", sa.Integer(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "address"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "fax_received",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("call", sa.String(length=80), nullable=False),
        sa.Column("inbox", sa.String(length=30), nullable=False),
        sa.Column("dialled", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=False),
        sa.Column("station", sa.Text(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("read_at", Instant(), nullable=True),
        sa.Column("read_by", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("clinic", "id"),
        sa.UniqueConstraint("clinic", "call", name="uq_fax_received_clinic_call"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_fax_received_clinic_at", "fax_received", ["clinic", "at"])


def downgrade() -> None:
    op.drop_table("fax_received")
    op.drop_table("fax_line")
