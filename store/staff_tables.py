"""The tables of what users write to each other."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Text

from store.tables import ID, Instant, id_column, table

# What some users write to each other about one thing; `client` is the recipient that it is about.
staff_thread = table(
    "staff_thread",
    id_column(),
    Column("subject", Text, nullable=False),
    Column("client", ID),
    Column("done_at", Instant),
    Column("done_by", ID),
    Index(None, "clinic", "client"),
)

# `done`: its author says with it that the task is complete.
staff_message = table(
    "staff_message",
    id_column(),
    Column("thread", ID, nullable=False),
    Column("author", ID, nullable=False),
    Column("body", Text, nullable=False),
    Column("done", Boolean, nullable=False),
    Column("at", Instant, nullable=False),
    Index(None, "clinic", "thread"),
)

# Who takes part; `last_at` is the thread's, so that each user's list is in order by an index.
staff_part = table(
    "staff_part",
    Column("thread", ID, nullable=False),
    Column("account", ID, nullable=False),
    Column("unread", Integer, nullable=False),
    Column("last_at", Instant, nullable=False),
    Index(None, "clinic", "account", "last_at"),
    key=("clinic", "thread", "account"),
)

# How a user is told that a message waits; without a row, by email where the user has one.
staff_notice = table(
    "staff_notice",
    Column("account", ID, nullable=False),
    Column("email", Boolean, nullable=False),
    Column("phone", String(16), nullable=False),
    key=("clinic", "account"),
)
