"""Users of the console, their profiles and sessions, and the audit log"""

import sqlalchemy as sa
from alembic import op

from store.migration_tables import column, make_table
from store.tables import ID, Instant

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    make_table(
        "profile",
        column("id", ID),
        column("name", sa.String(64)),
        column("rules", sa.JSON()),
        column("shipped", sa.String(20), True),
        sa.UniqueConstraint("clinic", "name", name="uq_profile_clinic_name"),
    )
    make_table(
        "account",
        column("id", ID),
        column("login", sa.String(120)),
        column("name", sa.Text()),
        column("email", sa.Text()),
        column("language", sa.String(2)),
        column("profile", ID),
        column("staff", ID, True),
        column("enabled", sa.Boolean()),
        column("created_at", Instant()),
        column("password_hash", sa.Text(), True),
        column("password_at", Instant(), True),
        column("secret", sa.Text(), True),
        column("last_code", ID),
        sa.UniqueConstraint("clinic", "login", name="uq_account_clinic_login"),
    )
    make_table(
        "recovery_code",
        column("account", ID),
        column("digest", sa.String(64)),
        key=("clinic", "account", "digest"),
    )
    make_table(
        "session",
        column("digest", sa.String(64)),
        column("account", ID),
        column("stage", sa.String(8)),
        column("browser", sa.Text()),
        column("began", Instant()),
        column("seen", Instant()),
        key=("clinic", "digest"),
    )
    op.create_index("ix_session_clinic_account", "session", ["clinic", "account"])
    make_table(
        "device",
        column("digest", sa.String(64)),
        column("account", ID),
        column("at", Instant()),
        key=("clinic", "digest", "account"),
    )
    make_table(
        "sign_in_try",
        column("id", ID),
        column("login", sa.String(64)),
        column("source", sa.Text()),
        column("device", sa.String(64)),
        column("at", Instant()),
    )
    op.create_index("ix_sign_in_try_clinic_at", "sign_in_try", ["clinic", "at"])
    make_table(
        "audit",
        column("id", ID),
        column("at", Instant()),
        column("account", ID),
        column("actor", sa.Text()),
        column("action", sa.String(40)),
        column("about", sa.String(80)),
        column("detail", sa.Text()),
        column("previous", sa.String(64)),
        column("hash", sa.String(64)),
    )
    op.create_index("ix_audit_clinic_about", "audit", ["clinic", "about"])
    op.create_index("ix_audit_clinic_account", "audit", ["clinic", "account"])


def downgrade() -> None:
    for name in ("audit", "sign_in_try", "device", "session", "recovery_code", "account", "profile"):
        op.drop_table(name)
