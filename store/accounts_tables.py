"""The tables of the console's users: who they are, what they may do, and what they did."""

from __future__ import annotations

from sqlalchemy import JSON, Boolean, Column, Index, String, Text, UniqueConstraint

from store.tables import ID, Instant, id_column, table

# A set of rules that users have in common; `shipped` names one that came with Ringwell.
profile = table(
    "profile",
    id_column(),
    Column("name", String(64), nullable=False),
    Column("rules", JSON, nullable=False),
    Column("shipped", String(20)),
    UniqueConstraint("clinic", "name"),
)

# `login` is kept in lower case; `staff` is the recipient that the user is, where they are one.
account = table(
    "account",
    id_column(),
    Column("login", String(120), nullable=False),
    Column("name", Text, nullable=False),
    Column("email", Text, nullable=False),
    Column("language", String(2), nullable=False),
    Column("profile", ID, nullable=False),
    Column("staff", ID),
    Column("enabled", Boolean, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("password_hash", Text),
    Column("password_at", Instant),
    Column("secret", Text),
    # The last code's number: no code opens twice.
    Column("last_code", ID, nullable=False),
    UniqueConstraint("clinic", "login"),
)

recovery_code = table(
    "recovery_code",
    Column("account", ID, nullable=False),
    Column("digest", String(64), nullable=False),
    key=("clinic", "account", "digest"),
)

# A browser that came in, by the digest of its cookie. `stage`: what it still has to show.
session = table(
    "session",
    Column("digest", String(64), nullable=False),
    Column("account", ID, nullable=False),
    Column("stage", String(8), nullable=False),
    Column("browser", Text, nullable=False),
    Column("began", Instant, nullable=False),
    Column("seen", Instant, nullable=False),
    Index(None, "clinic", "account"),
    key=("clinic", "digest"),
)

# A browser from which a user signed in before, by the digest of its cookie: strangers cannot lock it out.
device = table(
    "device",
    Column("digest", String(64), nullable=False),
    Column("account", ID, nullable=False),
    Column("at", Instant, nullable=False),
    # A desk that several share is known to each of them.
    key=("clinic", "digest", "account"),
)

# Each try is written down before the password is looked at; a right one is removed.
sign_in_try = table(
    "sign_in_try",
    id_column(),
    Column("login", String(64), nullable=False),
    Column("source", Text, nullable=False),
    Column("device", String(64), nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "clinic", "at"),
)

# Who did what, and whose data they looked at; rows are only ever added, each with the hash of the one before.
audit = table(
    "audit",
    id_column(),
    Column("at", Instant, nullable=False),
    Column("account", ID, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", String(40), nullable=False),
    Column("about", String(80), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    Index(None, "clinic", "about"),
    Index(None, "clinic", "account"),
)
