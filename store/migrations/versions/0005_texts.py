"""Segments of a brand's day, conversations by text, and what is sent outside broadcasts"""

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "brand_day",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("brand", sa.String(length=40), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("segments", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "brand", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "reply_part",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("reference", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.Column("coding", sa.String(length=10), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "address", "reference", "total", "number"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "direct",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("message", _ID, nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("answers", _ID, nullable=True),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "message"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "conversation",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("unread", sa.Integer(), nullable=False),
        sa.Column("last_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "id"),
        sa.UniqueConstraint("clinic", "address", name="uq_conversation_clinic_address"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_conversation_clinic_last_at", "conversation", ["clinic", "last_at"])
    op.add_column("reply", sa.Column("read_at", Instant(), nullable=True))
    # What came in before there was an inbox has been seen elsewhere.
    op.execute("UPDATE reply SET read_at = at")


def downgrade() -> None:
    op.drop_column("reply", "read_at")
    op.drop_table("conversation")
    op.drop_table("direct")
    op.drop_table("reply_part")
    op.drop_table("brand_day")
