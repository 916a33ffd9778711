"""Users write to each other: who may, who takes part, and a notice without a word of it to who wants one."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from gateway.accounts.rules import Rule
from gateway.domain import Channel, Direct, DirectKind, RingwellError
from gateway.wording import notices
from store import accounts, merging, staff_messages
from store.accounts import Account
from store.conversations import queue_direct

LONGEST = 4000
LONGEST_SUBJECT = 200
# Later the user has long been here.
_NOTICE_LIFE = timedelta(hours=12)


class StaffMessageError(RingwellError):
    """A message cannot be sent; the words say what to do."""


class NoSuchClientError(StaffMessageError):
    """No client has the id that a message names."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A new message; `client`: the id of the practice system, where it is about one."""

    to: Sequence[int]
    subject: str
    body: str
    client: str = ""


def receivers(conn: Connection, clinic: int, sender: int) -> list[Account]:
    """The users whom a user may write to: those who may come in and have the rule Staff Messages."""
    return [
        one
        for one in accounts.accounts(conn, clinic)
        if one.enabled and Rule.STAFF_MESSAGES in one.rules and one.id != sender
    ]


def send(conn: Connection, clinic: int, sender: int, letter: Letter, now: datetime) -> int:
    """Begin a thread; its number. Raises StaffMessageError."""
    body, subject = _checked(letter.body), " ".join(letter.subject.split())
    if not body or not subject:
        raise StaffMessageError("Write a subject and a message.")
    if len(subject) > LONGEST_SUBJECT:
        raise StaffMessageError("The subject is too long: say the rest in the message.")
    allowed = {one.id for one in receivers(conn, clinic, sender)}
    if not letter.to or not set(letter.to) <= allowed:
        raise StaffMessageError("Choose who gets the message.")
    client = merging.find(conn, clinic, letter.client.strip()) if letter.client.strip() else None
    if letter.client.strip() and client is None:
        raise NoSuchClientError("No client is called so: look them up under Clients, or leave it empty.")
    idle = _idle(conn, clinic, letter.to)
    number = staff_messages.begin(conn, clinic, sender, letter.to, subject, body, now, client)
    _tell(conn, clinic, idle, now)
    return number


def answer(
    conn: Connection, clinic: int, number: int, author: int, body: str, now: datetime, *, done: bool
) -> None:
    """Write in a thread that one takes part in; "done" needs no words. Raises StaffMessageError."""
    if staff_messages.find(conn, clinic, number, author) is None:
        raise StaffMessageError("There is no such message among yours.")
    body = _checked(body)
    if not body and not done:
        raise StaffMessageError("Write an answer.")
    allowed = {one.id for one in receivers(conn, clinic, author)}
    others = [one for one in staff_messages.members(conn, clinic, number) if one in allowed]
    idle = _idle(conn, clinic, others)
    staff_messages.answer(conn, clinic, number, author, body, now, done=done)
    _tell(conn, clinic, idle, now)


def _checked(body: str) -> str:
    body = body.strip().replace("\r\n", "\n")
    if len(body) > LONGEST:
        raise StaffMessageError("The message is too long: split it in two.")
    return body


def _idle(conn: Connection, clinic: int, users: Collection[int]) -> list[int]:
    """Those for whom nothing waited yet: who was told once is not told again before they have read it."""
    return [one for one in users if not staff_messages.unread(conn, clinic, one)]


def _tell(conn: Connection, clinic: int, users: Collection[int], now: datetime) -> None:
    until = now + _NOTICE_LIFE
    for user in users:
        found, wish = accounts.find(conn, clinic, user), staff_messages.wish(conn, clinic, user)
        assert found is not None, "whoever takes part is a user"
        if wish.email and found.email:
            told = Direct(DirectKind.NOTICE, notices.message_waits(found.language), None, until)
            queue_direct(conn, clinic, Channel.EMAIL, found.email, 0, told, "", now)
        if wish.phone:
            short = notices.message_waits_in_short(found.language)
            told = Direct(DirectKind.NOTICE, short, None, until)
            queue_direct(conn, clinic, Channel.SMS, wish.phone, 0, told, "", now)
