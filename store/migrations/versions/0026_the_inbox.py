"""Who takes care of what came in, and what waits is found at once"""

import sqlalchemy as sa
from alembic import op

from store.tables import ID, Instant

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_WAITING = (
    ("ix_conversation_waiting", "conversation", "last_at", "unread > 0"),
    ("ix_fax_received_waiting", "fax_received", "at", "read_at IS NULL"),
    ("ix_message_desk_missed", "message", "started_at", "cause = 'desk-missed'"),
)


def upgrade() -> None:
    op.create_table(
        "inbox_item",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("number", ID, nullable=False),
        sa.Column("account", ID),
        sa.Column("closed_at", Instant()),
        sa.Column("closed_by", sa.Text()),
        sa.PrimaryKeyConstraint("clinic", "kind", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_inbox_item_clinic_account", "inbox_item", ["clinic", "account"])
    for name, table, column, where in _WAITING:
        some = sa.text(where)
        op.create_index(name, table, ["clinic", column], sqlite_where=some, postgresql_where=some)


def downgrade() -> None:
    for name, table, _, _ in _WAITING:
        op.drop_index(name, table)
    op.drop_table("inbox_item")
