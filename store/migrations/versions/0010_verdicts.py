"""Every verdict is kept with what it rests on"""

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "verdict",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("message", _ID, nullable=False),
        sa.Column("at", Instant(), nullable=False),
        sa.Column("phase", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("until", Instant(), nullable=True),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "message", "at", "phase"),
        sqlite_with_rowid=False,
    )
    op.add_column("attempt", sa.Column("basis", sa.Text(), nullable=True))
    op.add_column("attempt", sa.Column("facts", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("attempt", "facts")
    op.drop_column("attempt", "basis")
    op.drop_table("verdict")
