"""The messaging contact's name, regions, signed documents, and clients who became one"""

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("recipient", sa.Column("region", sa.String(length=6), nullable=True))
    op.add_column("recipient", sa.Column("contact_name", sa.Text(), nullable=True))
    op.create_table(
        "merged",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("recipient", _ID, nullable=False),
        sa.Column("gone", _ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.Column("number", _ID, nullable=False),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "kind", "external_id"),
        sqlite_with_rowid=False,
    )
    for column in ("recipient", "gone", "number"):
        op.create_index(f"ix_merged_clinic_{column}", "merged", ["clinic", column])
    op.create_table(
        "document",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("recipient", _ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("media_type", sa.String(length=40), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "id"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_document_clinic_recipient", "document", ["clinic", "recipient"])


def downgrade() -> None:
    op.drop_table("document")
    op.drop_table("merged")
    op.drop_column("recipient", "contact_name")
    op.drop_column("recipient", "region")
