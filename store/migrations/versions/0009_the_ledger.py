"""The consent ledger: whose word, by whom, with which document, and what is known of addresses"""

from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from store.tables import Instant

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_OLD = "clinic, id, recipient, channel, address, purpose, given, source, at"
# Why an address is bad was told with the contact; now it is an entry about the address.
_BAD = """
INSERT INTO consent (clinic, id, recipient, channel, address, purpose, given, source, at, cause, key)
SELECT k.clinic, COALESCE((SELECT next FROM counter WHERE clinic = k.clinic AND name = 'consent'), 1) - 1
  + row_number() OVER (PARTITION BY k.clinic ORDER BY k.id),
  0, k.channel, k.address, 'messaging', false,
  CASE WHEN k.channel = 'email' THEN 'bounce'
    WHEN k.cause = 'receipt-no-such-number' THEN 'no-texts' ELSE 'invalid' END,
  :now, k.cause, {key}
FROM (SELECT clinic, channel, address, min(bad_cause) AS cause, min(id) AS id FROM contact
  WHERE bad_cause IS NOT NULL GROUP BY clinic, channel, address) AS k
"""
_COUNT = """
INSERT INTO counter (clinic, name, next) SELECT clinic, 'consent', max(id) + 1 FROM consent WHERE true
GROUP BY clinic ON CONFLICT (clinic, name) DO UPDATE SET next = excluded.next
WHERE counter.next < excluded.next
"""
# A later migration that makes the table anew on SQLite must make them again.
_SQLITE_TRIGGER = """
CREATE TRIGGER consent_keeps_{event} BEFORE {event} ON consent
BEGIN SELECT RAISE(ABORT, 'the consent ledger is only ever added to'); END
"""
_FUNCTION = """
CREATE OR REPLACE FUNCTION consent_is_kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
RAISE EXCEPTION 'the consent ledger is only ever added to'; END $$
"""
_POSTGRES_TRIGGER = """
CREATE TRIGGER consent_keeps_all BEFORE UPDATE OR DELETE OR TRUNCATE ON consent
FOR EACH STATEMENT EXECUTE FUNCTION consent_is_kept()
"""


def upgrade() -> None:
    postgres = op.get_bind().dialect.name == "postgresql"
    key = "replace(gen_random_uuid()::text, '-', '')" if postgres else "lower(hex(randomblob(16)))"
    (_widen if postgres else _make_anew)(key)
    op.create_index(
        "ix_consent_of_addresses",
        "consent",
        ["clinic", "address"],
        postgresql_where=sa.text("recipient = 0"),
        sqlite_where=sa.text("recipient = 0"),
    )
    now = sa.bindparam("now", datetime.now(UTC), type_=Instant())
    op.execute(sa.text(_BAD.format(key=key)).bindparams(now))
    op.execute(_COUNT)
    op.drop_column("contact", "bad_cause")
    if postgres:
        op.execute(_FUNCTION)
        op.execute(_POSTGRES_TRIGGER)
    else:
        op.execute(_SQLITE_TRIGGER.format(event="update"))
        op.execute(_SQLITE_TRIGGER.format(event="delete"))


def _more() -> list[sa.Column[Any]]:
    return [
        sa.Column("party", sa.String(length=10), nullable=True),
        sa.Column("by", sa.Text(), nullable=False, server_default=""),
        sa.Column("cause", sa.Text(), nullable=False, server_default=""),
        sa.Column("document", _ID, nullable=True),
    ]


def _widen(key: str) -> None:
    for column in (*_more(), sa.Column("key", sa.String(length=32), nullable=True)):
        op.add_column("consent", column)
    op.execute(f"UPDATE consent SET key = {key}")
    op.alter_column("consent", "key", nullable=False)
    op.create_unique_constraint("uq_consent_clinic_key", "consent", ["clinic", "key"])


def _make_anew(key: str) -> None:
    """SQLite cannot make a column unique that is there."""
    op.drop_index("ix_consent_clinic_recipient", "consent")
    op.rename_table("consent", "consent_before")
    op.create_table(
        "consent",
        sa.Column("clinic", sa.Integer(), nullable=False),
        sa.Column("id", _ID, nullable=False),
        sa.Column("recipient", _ID, nullable=False),
        sa.Column("channel", sa.String(length=10), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("given", sa.Boolean(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("at", Instant(), nullable=False),
        *_more(),
        sa.Column("key", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("clinic", "id"),
        sa.UniqueConstraint("clinic", "key", name="uq_consent_clinic_key"),
        sqlite_with_rowid=False,
    )
    op.execute(f"INSERT INTO consent ({_OLD}, key) SELECT {_OLD}, {key} FROM consent_before")
    op.drop_table("consent_before")
    op.create_index("ix_consent_clinic_recipient", "consent", ["clinic", "recipient"])


def downgrade() -> None:
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION consent_is_kept() CASCADE")
    else:
        op.execute("DROP TRIGGER consent_keeps_update")
        op.execute("DROP TRIGGER consent_keeps_delete")
    op.add_column("contact", sa.Column("bad_cause", sa.Text(), nullable=True))
    op.drop_index("ix_consent_of_addresses", "consent")
    with op.batch_alter_table("consent") as batch:
        batch.drop_constraint("uq_consent_clinic_key", type_="unique")
        for name in ("key", "document", "cause", "by", "party"):
            batch.drop_column(name)
