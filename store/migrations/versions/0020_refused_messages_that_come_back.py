"""Messages that were refused are found by whom they are for"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_REFUSED = sa.text("state = 'refused'")


def upgrade() -> None:
    op.create_index(
        "ix_message_refused",
        "message",
        ["clinic", "recipient"],
        sqlite_where=_REFUSED,
        postgresql_where=_REFUSED,
    )


def downgrade() -> None:
    op.drop_index("ix_message_refused", "message")
