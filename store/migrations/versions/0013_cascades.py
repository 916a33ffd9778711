"""The steps of a broadcast's cascade"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcast", sa.Column("cascade", sa.JSON()))


def downgrade() -> None:
    op.drop_column("broadcast", "cascade")
