"""The tables of how gateways run: lines that are switched off, the doctor's last look, programs that ask."""

from __future__ import annotations

from sqlalchemy import JSON, Column, Index, Integer, String, Text, UniqueConstraint

from store.tables import ID, Instant, id_column, table

# A line that every gateway leaves alone, by kind and name of its settings.
line_switch = table(
    "line_switch",
    Column("kind", String(8), nullable=False),
    Column("name", String(40), nullable=False),
    Column("reason", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("since", Instant, nullable=False),
    key=("clinic", "kind", "name"),
)

# What the doctor found last, of each gateway.
checkup = table(
    "checkup",
    Column("node", String(120), nullable=False),
    Column("by", Text, nullable=False),
    Column("at", Instant, nullable=False),
    Column("findings", JSON, nullable=False),
    key=("clinic", "node"),
)

# What a program shows instead of signing in, by the digest of its secret.
api_token = table(
    "api_token",
    id_column(),
    Column("name", String(120), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("scopes", JSON, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("used_at", Instant),
    UniqueConstraint("clinic", "digest"),
)

# What was answered to a request that carried an idempotency key; `status` 0 while it is under way.
api_answer = table(
    "api_answer",
    Column("token", ID, nullable=False),
    Column("key", String(200), nullable=False),
    Column("request", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Index(None, "clinic", "at"),
    key=("clinic", "token", "key"),
)
