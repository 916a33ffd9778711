"""Text that strangers wrote: receipts, replies, causes."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text without what PostgreSQL cannot hold: NUL and halves of surrogate pairs."""
    if text.isascii() and "\0" not in text:
        return text
    return text.replace("\0", "\ufffd").encode("utf-8", "replace").decode()
