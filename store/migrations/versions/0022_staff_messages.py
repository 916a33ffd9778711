"""What users write to each other"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from store.tables import ID, Instant

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def _table(name: str, *columns: Any, key: tuple[str, ...] = ("clinic", "id")) -> None:
    clinic = sa.Column("clinic", sa.Integer(), nullable=False)
    op.create_table(name, clinic, *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=False)


def _column(name: str, type: Any, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type, nullable=nullable)


def upgrade() -> None:
    _table(
        "staff_thread",
        _column("id", ID),
        _column("subject", sa.Text()),
        _column("client", ID, True),
        _column("done_at", Instant(), True),
        _column("done_by", ID, True),
    )
    op.create_index("ix_staff_thread_clinic_client", "staff_thread", ["clinic", "client"])
    _table(
        "staff_message",
        _column("id", ID),
        _column("thread", ID),
        _column("author", ID),
        _column("body", sa.Text()),
        _column("done", sa.Boolean()),
        _column("at", Instant()),
    )
    op.create_index("ix_staff_message_clinic_thread", "staff_message", ["clinic", "thread"])
    _table(
        "staff_part",
        _column("thread", ID),
        _column("account", ID),
        _column("unread", sa.Integer()),
        _column("last_at", Instant()),
        key=("clinic", "thread", "account"),
    )
    op.create_index("ix_staff_part_clinic_account_last_at", "staff_part", ["clinic", "account", "last_at"])
    _table(
        "staff_notice",
        _column("account", ID),
        _column("email", sa.Boolean()),
        _column("phone", sa.String(16)),
        key=("clinic", "account"),
    )


def downgrade() -> None:
    for name in ("staff_notice", "staff_part", "staff_message", "staff_thread"):
        op.drop_table(name)
