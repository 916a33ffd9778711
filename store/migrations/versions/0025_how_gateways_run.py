"""Lines that are switched off, the doctor's last look, tokens of programs and what was answered to them"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from store.tables import ID, Instant

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def _table(name: str, *columns: Any, key: tuple[str, ...] = ("clinic", "id")) -> None:
    clinic = sa.Column("clinic", sa.Integer(), nullable=False)
    op.create_table(name, clinic, *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=False)


def _column(name: str, type: Any, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type, nullable=nullable)


def upgrade() -> None:
    _table(
        "line_switch",
        _column("kind", sa.String(8)),
        _column("name", sa.String(40)),
        _column("reason", sa.Text()),
        _column("by", sa.Text()),
        _column("since", Instant),
        key=("clinic", "kind", "name"),
    )
    _table(
        "checkup",
        _column("node", sa.String(120)),
        _column("by", sa.Text()),
        _column("at", Instant),
        _column("findings", sa.JSON()),
        key=("clinic", "node"),
    )
    _table(
        "api_token",
        _column("id", ID),
        _column("name", sa.String(120)),
        _column("digest", sa.String(64)),
        _column("scopes", sa.JSON()),
        _column("made_by", sa.Text()),
        _column("created_at", Instant),
        _column("expires_at", Instant),
        _column("revoked_at", Instant, True),
        _column("used_at", Instant, True),
        sa.UniqueConstraint("clinic", "digest", name="uq_api_token_clinic_digest"),
    )
    _table(
        "api_answer",
        _column("token", ID),
        _column("key", sa.String(200)),
        _column("request", sa.String(64)),
        _column("at", Instant),
        _column("status", sa.Integer()),
        _column("body", sa.Text()),
        key=("clinic", "token", "key"),
    )
    op.create_index("ix_api_answer_clinic_at", "api_answer", ["clinic", "at"])


def downgrade() -> None:
    for name in ("api_answer", "api_token", "checkup", "line_switch"):
        op.drop_table(name)
