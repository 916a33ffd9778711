"""Staff write to one person by text: checked, queued, and sent like any other message."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.alphabet import check_text
from gateway.domain import Direct, DirectKind, RingwellError
from store import conversations, people

# Later it is no longer what somebody meant to say.
STAFF_TEXT_LIFE = timedelta(hours=24)
# Who wrote to us so lately is awake, and wants an answer whatever the hour.
ANSWERING = timedelta(hours=1)


class NoConversationError(RingwellError):
    """There is no such conversation, or nobody to begin one with."""


def answer(conn: Connection, clinic: int, number: int, body: str, by: str, now: datetime) -> int:
    """Queue a text in a conversation; its message's number. Raises ContentError, NoConversationError."""
    found = conversations.find(conn, clinic, number)
    if found is None:
        raise NoConversationError(f"there is no conversation {number}")
    written = _write(conn, clinic, found.address, body, by, now)
    conversations.mark_read(conn, clinic, number, now)
    return written


def write_to(conn: Connection, clinic: int, external_id: str, body: str, by: str, now: datetime) -> int:
    """Queue a text to a client's number for texts, by the id of the practice system."""
    address = people.text_address(conn, clinic, external_id)
    if address is None:
        raise NoConversationError(f"no client {external_id!r} with a number for texts")
    return _write(conn, clinic, address, body, by, now)


def _write(conn: Connection, clinic: int, address: str, body: str, by: str, now: datetime) -> int:
    body = body.strip()
    check_text(body)
    holders = people.holders(conn, clinic, address)
    person = holders[0] if len(holders) == 1 else 0
    latest = conversations.latest_reply(conn, clinic, address, now - ANSWERING)
    text = Direct(DirectKind.STAFF, body, latest, now + STAFF_TEXT_LIFE)
    return conversations.write(conn, clinic, address, person, text, by, now)
