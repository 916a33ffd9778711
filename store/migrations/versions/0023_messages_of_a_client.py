"""The messages of one client, newest first"""

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_NAME = "ix_message_clinic_recipient_id"


def upgrade() -> None:
    op.create_index(_NAME, "message", ["clinic", "recipient", "id"])


def downgrade() -> None:
    op.drop_index(_NAME, "message")
