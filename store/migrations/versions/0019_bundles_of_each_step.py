"""Bundles of each step of a cascade, and rules whose visits are bundled"""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BEFORE = ["clinic", "appointment", "broadcast", "recipient"]
_BEFORE_NAME = "uq_bundled_clinic_appointment_broadcast_recipient"
_NAME = f"{_BEFORE_NAME}_step"


def upgrade() -> None:
    op.add_column("rule", sa.Column("bundle", sa.Boolean(), nullable=False, server_default=sa.false()))
    step = sa.Column("step", sa.Integer(), nullable=False, server_default="0")
    if op.get_bind().dialect.name == "sqlite":
        _anew([step], [*_BEFORE, "step"], _NAME, "0")
        return
    op.add_column("bundled", step)
    op.drop_constraint(op.f(_BEFORE_NAME), "bundled", type_="unique")
    op.create_unique_constraint(op.f(_NAME), "bundled", [*_BEFORE, "step"])


def downgrade() -> None:
    op.execute("DELETE FROM bundled WHERE step > 0")
    if op.get_bind().dialect.name == "sqlite":
        _anew([], _BEFORE, _BEFORE_NAME, "")
    else:
        op.drop_constraint(op.f(_NAME), "bundled", type_="unique")
        op.create_unique_constraint(op.f(_BEFORE_NAME), "bundled", _BEFORE)
        op.drop_column("bundled", "step")
    op.drop_column("rule", "bundle")


def _anew(more: list[sa.Column[int]], unique: list[str], name: str, value: str) -> None:
    """SQLite changes no constraint of a table that is there."""
    op.rename_table("bundled", "bundled_before")
    op.create_table(
        "bundled",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("message", _ID, nullable=False),
        sa.Column("recipient", _ID, nullable=False),
        sa.Column("appointment", _ID, nullable=False),
        sa.Column("broadcast", _ID, nullable=False),
        *more,
        sa.PrimaryKeyConstraint("clinic", "message", "recipient", "appointment"),
        sa.UniqueConstraint(*unique, name=op.f(name)),
        sqlite_with_rowid=False,
    )
    kept = "clinic, message, recipient, appointment, broadcast"
    op.execute(f"INSERT INTO bundled SELECT {', '.join(filter(None, (kept, value)))} FROM bundled_before")
    op.drop_table("bundled_before")
