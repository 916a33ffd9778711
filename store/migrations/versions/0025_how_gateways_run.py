"""Lines that are switched off, the doctor's last look, tokens of programs and what was answered to them"""

import sqlalchemy as sa
from alembic import op

from store.migration_tables import column, make_table
from store.tables import ID, Instant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "line_switch",
        column("kind", sa.String(8)),
        column("name", sa.String(40)),
        column("reason", sa.Text()),
        column("by", sa.Text()),
        column("since", Instant),
        key=("clinic", "kind", "name"),
    )
    make_table(
        "checkup",
        column("node", sa.String(120)),
        column("by", sa.Text()),
        column("at", Instant),
        column("findings", sa.JSON()),
        key=("clinic", "node"),
    )
    make_table(
        "api_token",
        column("id", ID),
        column("name", sa.String(120)),
        column("digest", sa.String(64)),
        column("scopes", sa.JSON()),
        column("made_by", sa.Text()),
        column("created_at", Instant),
        column("expires_at", Instant),
        column("revoked_at", Instant, True),
        column("used_at", Instant, True),
        sa.UniqueConstraint("clinic", "digest", name="uq_api_token_clinic_digest"),
    )
    make_table(
        "api_answer",
        column("token", ID),
        column("key", sa.String(200)),
        column("request", sa.String(64)),
        column("at", Instant),
        column("status", sa.Integer()),
        column("body", sa.Text()),
        key=("clinic", "token", "key"),
    )
    op.create_index("ix_api_answer_clinic_at", "api_answer", ["clinic", "at"])


def downgrade() -> None:
    for name in ("api_answer", "api_token", "checkup", "line_switch"):
        op.drop_table(name)
