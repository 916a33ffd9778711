"""Users of the console, their profiles and sessions, and the audit log"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from store.tables import ID, Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def _table(name: str, *columns: Any, key: tuple[str, ...] = ("clinic", "id")) -> None:
    clinic = sa.Column("clinic", sa.Integer(), nullable=False)
    op.create_table(name, clinic, *columns, sa.PrimaryKeyConstraint(*key), sqlite_with_rowid=False)


def _column(name: str, type: Any, nullable: bool = False) -> sa.Column[Any]:
    return sa.Column(name, type, nullable=nullable)


def upgrade() -> None:
    _table(
        "profile",
        _column("id", ID),
        _column("name", sa.String(64)),
        _column("rules", sa.JSON()),
        _column("shipped", sa.String(20), True),
        sa.UniqueConstraint("clinic", "name", name="uq_profile_clinic_name"),
    )
    _table(
        "account",
        _column("id", ID),
        _column("login", sa.String(120)),
        _column("name", sa.Text()),
        _column("email", sa.Text()),
        _column("language", sa.String(2)),
        _column("profile", ID),
        _column("staff", ID, True),
        _column("enabled", sa.Boolean()),
        _column("created_at", Instant()),
        _column("password_hash", sa.Text(), True),
        _column("password_at", Instant(), True),
        _column("secret", sa.Text(), True),
        _column("last_code", ID),
        sa.UniqueConstraint("clinic", "login", name="uq_account_clinic_login"),
    )
    _table(
        "recovery_code",
        _column("account", ID),
        _column("digest", sa.String(64)),
        key=("clinic", "account", "digest"),
    )
    _table(
        "session",
        _column("digest", sa.String(64)),
        _column("account", ID),
        _column("stage", sa.String(8)),
        _column("browser", sa.Text()),
        _column("began", Instant()),
        _column("seen", Instant()),
        key=("clinic", "digest"),
    )
    op.create_index("ix_session_clinic_account", "session", ["clinic", "account"])
    _table(
        "device",
        _column("digest", sa.String(64)),
        _column("account", ID),
        _column("at", Instant()),
        key=("clinic", "digest", "account"),
    )
    _table(
        "sign_in_try",
        _column("id", ID),
        _column("login", sa.String(64)),
        _column("source", sa.Text()),
        _column("device", sa.String(64)),
        _column("at", Instant()),
    )
    op.create_index("ix_sign_in_try_clinic_at", "sign_in_try", ["clinic", "at"])
    _table(
        "audit",
        _column("id", ID),
        _column("at", Instant()),
        _column("account", ID),
        _column("actor", sa.Text()),
        _column("action", sa.String(40)),
        _column("about", sa.String(80)),
        _column("detail", sa.Text()),
        _column("previous", sa.String(64)),
        _column("hash", sa.String(64)),
    )
    op.create_index("ix_audit_clinic_about", "audit", ["clinic", "about"])
    op.create_index("ix_audit_clinic_account", "audit", ["clinic", "account"])


def downgrade() -> None:
    for name in ("audit", "sign_in_try", "device", "session", "recovery_code", "account", "profile"):
        op.drop_table(name)
