"""What patients said of their appointments, and messages found by theirs"""

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("appointment", sa.Column("cancelled_at", Instant()))
    op.add_column("change", sa.Column("appointment", _ID))
    waits = sa.text("state IN ('scheduled', 'queued') AND appointment > 0")
    op.create_index(
        "ix_message_about",
        "message",
        ["clinic", "appointment"],
        postgresql_where=waits,
        sqlite_where=waits,
    )


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION IF EXISTS appointment_was_confirmed() CASCADE")
        op.execute("DROP FUNCTION IF EXISTS appointment_was_cancelled() CASCADE")
    else:
        op.execute("DROP TRIGGER IF EXISTS appointment_confirmed")
        op.execute("DROP TRIGGER IF EXISTS appointment_cancelled")
    op.drop_index("ix_message_about", "message")
    op.drop_column("change", "appointment")
    op.drop_column("appointment", "cancelled_at")
