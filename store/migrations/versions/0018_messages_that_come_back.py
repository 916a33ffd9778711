"""Messages that ended unsent are found by their appointment"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_UNDONE = sa.text("state IN ('cancelled', 'expired') AND appointment > 0")


def upgrade() -> None:
    op.create_index(
        "ix_message_undone",
        "message",
        ["clinic", "appointment"],
        sqlite_where=_UNDONE,
        postgresql_where=_UNDONE,
    )


def downgrade() -> None:
    op.drop_index("ix_message_undone", "message")
