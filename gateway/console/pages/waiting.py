"""How much waits for the user: the numbers beside entries of the menu."""

from __future__ import annotations

from fastapi import APIRouter, Request

from gateway.accounts.rules import Rule
from gateway.console.shared import me, shared
from store import inbox, staff_messages

router = APIRouter()


@router.get("/me/waiting")
async def waiting(request: Request) -> dict[str, int]:
    """By the icon of each entry that the user has."""
    console, user = shared(request), me(request)
    found: dict[str, int] = {}
    if Rule.STAFF_MESSAGES in user.rules:
        found["staff"] = await console.read(staff_messages.unread, user.id)
    if Rule.MESSAGING_VIEW in user.rules:
        counts = await console.read(inbox.counts, user.id, console.store.clock())
        found["inbox"] = counts.mine + counts.unassigned
    return found
