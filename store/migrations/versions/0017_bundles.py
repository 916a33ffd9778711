"""Visits of one day in one message"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("broadcast", sa.Column("bundle", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index("ix_appointment_clinic_client", "appointment", ["clinic", "client"])
    op.create_table(
        "bundled",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("message", _ID, nullable=False),
        sa.Column("recipient", _ID, nullable=False),
        sa.Column("appointment", _ID, nullable=False),
        sa.Column("broadcast", _ID, nullable=False),
        sa.PrimaryKeyConstraint("clinic", "message", "recipient", "appointment"),
        sa.UniqueConstraint(
            "clinic",
            "appointment",
            "broadcast",
            "recipient",
            name=op.f("uq_bundled_clinic_appointment_broadcast_recipient"),
        ),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("bundled")
    op.drop_index("ix_appointment_clinic_client", "appointment")
    op.drop_column("broadcast", "bundle")
