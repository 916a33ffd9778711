"""Messages whose receipts are late are found by the end of their validity"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    unknown, expected = sa.text("state = 'unknown'"), sa.text("reason = 'receipt-expected'")
    op.drop_index("ix_message_waiting", "message")
    op.create_index(
        "ix_message_waiting",
        "message",
        ["clinic", "channel", "started_at"],
        postgresql_where=unknown,
        sqlite_where=unknown,
    )
    op.create_index(
        "ix_message_unconfirmed",
        "message",
        ["clinic", "expires_at", "started_at"],
        postgresql_where=expected,
        sqlite_where=expected,
    )


def downgrade() -> None:
    waiting = sa.text("state = 'unknown' OR reason = 'receipt-expected'")
    op.drop_index("ix_message_unconfirmed", "message")
    op.drop_index("ix_message_waiting", "message")
    op.create_index(
        "ix_message_waiting",
        "message",
        ["clinic", "channel", "started_at"],
        postgresql_where=waiting,
        sqlite_where=waiting,
    )
