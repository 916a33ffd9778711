"""The table of who takes care of what came in."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Text

from store.tables import ID, Instant, table

# `kind` and `number`: a conversation, a fax, or the message whose call asked for the desk. The state of the
# first two is their own; `closed_at` is that of a call.
inbox_item = table(
    "inbox_item",
    Column("kind", String(12), nullable=False),
    Column("number", ID, nullable=False),
    Column("account", ID),
    Column("closed_at", Instant),
    Column("closed_by", Text),
    Index(None, "clinic", "account"),
    key=("clinic", "kind", "number"),
)
