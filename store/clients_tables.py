"""Tables of the pages about clients: words by which they are found, and how files name their columns."""

from __future__ import annotations

from sqlalchemy import Column, Index, String, Text

from store.tables import ID, table

# Compared byte by byte, so that a range of the key is all words that begin alike.
_WORD = Text().with_variant(Text(collation="C"), "postgresql")

# What a client is found by. kind: "name", the whole name as lists are ordered; "word", one of the name, the
# id or a mailbox; "number", the digits of a number from behind.
client_word = table(
    "client_word",
    Column("kind", String(6), nullable=False),
    Column("word", _WORD, nullable=False),
    Column("recipient", ID, nullable=False),
    Index(None, "clinic", "recipient"),
    key=("clinic", "kind", "word", "recipient"),
)

# What somebody chose a heading of a file to be, by the kind of file; an empty column: nothing.
heading_choice = table(
    "heading_choice",
    Column("kind", String(12), nullable=False),
    Column("heading", Text, nullable=False),
    Column("name", Text, nullable=False),
    key=("clinic", "kind", "heading"),
)
