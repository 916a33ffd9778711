"""What users write to each other"""

import sqlalchemy as sa
from alembic import op

from store.migration_tables import column, make_table
from store.tables import ID, Instant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "staff_thread",
        column("id", ID),
        column("subject", sa.Text()),
        column("client", ID, True),
        column("done_at", Instant(), True),
        column("done_by", ID, True),
    )
    op.create_index("ix_staff_thread_clinic_client", "staff_thread", ["clinic", "client"])
    make_table(
        "staff_message",
        column("id", ID),
        column("thread", ID),
        column("author", ID),
        column("body", sa.Text()),
        column("done", sa.Boolean()),
        column("at", Instant()),
    )
    op.create_index("ix_staff_message_clinic_thread", "staff_message", ["clinic", "thread"])
    make_table(
        "staff_part",
        column("thread", ID),
        column("account", ID),
        column("unread", sa.Integer()),
        column("last_at", Instant()),
        key=("clinic", "thread", "account"),
    )
    op.create_index("ix_staff_part_clinic_account_last_at", "staff_part", ["clinic", "account", "last_at"])
    make_table(
        "staff_notice",
        column("account", ID),
        column("email", sa.Boolean()),
        column("phone", sa.String(16)),
        key=("clinic", "account"),
    )


def downgrade() -> None:
    for name in ("staff_notice", "staff_part", "staff_message", "staff_thread"):
        op.drop_table(name)
