"""Which of the visits that an address was told of a reply is about; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from gateway.domain import ReplyKind
from store.receipts import Told

# The word that calls off one visit, or those of one message; and the one for all that several told of.
ONE, ALL = "C1", "C2"
DECISIONS = frozenset({ReplyKind.CONFIRM, ReplyKind.CANCEL, ReplyKind.NOT_COMING})


@dataclass(frozen=True, slots=True)
class Meant:
    """What a reply is about; its first visit leads."""

    address: str
    message: int | None = None
    visits: tuple[int, ...] = ()
    # All that are answered, the one above with them.
    messages: tuple[int, ...] = ()
    # Some of the visits were told in other messages than that one.
    apart: bool = False
    # They are of clients who never agreed to be told together: a person must find out who wrote.
    unclear: bool = False


def meant(address: str, told: Sequence[Told], kind: ReplyKind, lately: timedelta) -> Meant:
    """What is answered of those told, the newest first; `lately` before the newest is still meant with it."""
    newest = told[0]
    mine = [one for one in told if one.message == newest.message and one.open]
    if not mine:
        return Meant(address, newest.message, (newest.visit,), (newest.message,))
    others = [
        one
        for one in told
        if one.message != newest.message
        and one.open
        and one.started_at >= newest.started_at - lately
        and not (kind is ReplyKind.CONFIRM and one.confirmed)
    ]
    # What waits for an answer leads.
    visits = tuple(
        dict.fromkeys(one.visit for one in sorted([*mine, *others], key=lambda one: one.confirmed))
    )
    if not {one.client for one in others} <= {one.client for one in mine}:
        return Meant(address, visits=visits, unclear=True)
    messages = tuple(dict.fromkeys(one.message for one in (*mine, *others)))
    apart = set(visits) != {one.visit for one in mine}
    return Meant(address, newest.message, visits, messages, apart)


def means_all(text: str) -> bool:
    """Whether a cancellation says that it is of all visits."""
    return "".join(mark for mark in text if mark.isalnum()).upper() == ALL
