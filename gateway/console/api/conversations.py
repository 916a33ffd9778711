"""Conversations by text as data: read, answered and marked as read behind the console's session."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from gateway import conversing
from gateway.console.api.asked import asks
from gateway.console.once import OnceRoute, creating
from gateway.console.shared import me, shared
from gateway.console.words import mask
from gateway.domain import ContentError
from gateway.lengths import length_of
from store import conversations
from store.conversations import Heading

router = APIRouter(prefix="/api", route_class=OnceRoute)

# Longer than any text: 255 segments.
LONGEST = 40_000
PAGE = 50


class Words(BaseModel):
    """A text; never part of an address, which logs keep."""

    body: str = Field(max_length=LONGEST)


@router.get(
    "/conversations",
    openapi_extra=asks(unread="1: those that wait for a person", before="The next of the page before"),
)
async def conversations_as_data(request: Request) -> dict[str, Any]:
    """Conversations, the newest first; with `unread=1` those that wait for a person."""
    console = shared(request)
    unread = request.query_params.get("unread") == "1"
    before = _moment(request.query_params.get("before", ""))
    found = await console.read(conversations.listing, unread=unread, before=before, most=PAGE + 1)
    return {
        "unread": await console.read(conversations.unread),
        "conversations": [_row(one) for one in found[:PAGE]],
        "next": found[PAGE - 1].last_at if len(found) > PAGE else None,
    }


def _moment(text: str) -> datetime | None:
    """A position: the moment of the last conversation of a page."""
    if not text:
        return None
    try:
        # A plus sign of an address is a space.
        at = datetime.fromisoformat(text.replace(" ", "+"))
    except ValueError as error:
        raise HTTPException(400, "before: is not a position of a page") from error
    if at.tzinfo is None or not 1970 <= at.year <= 9000:
        raise HTTPException(400, "before: is not a position of a page")
    return at


def _row(heading: Heading) -> dict[str, Any]:
    return asdict(heading) | {"address": mask(heading.address)}


@router.get("/conversations/{number}")
async def conversation_as_data(request: Request, number: int) -> dict[str, Any]:
    """One conversation with its texts, oldest first."""
    console = shared(request)
    found = await console.read(conversations.find, number)
    if found is None:
        raise HTTPException(404)
    await console.note(request, "conversation-viewed", f"conversation:{number}")
    lines = await console.read(conversations.lines, found.address)
    return _row(found) | {"lines": [asdict(line) for line in lines]}


@router.post("/conversations/{number}/texts")
@creating
async def answer(request: Request, number: int, words: Words) -> dict[str, Any]:
    """Queue a text in a conversation, which is read by that."""
    console = shared(request)
    about, now = f"conversation:{number}", console.store.clock()
    try:
        message = await console.change(
            request, "text-written", about, conversing.answer, number, words.body, me(request).name, now
        )
    except conversing.NoConversationError as error:
        raise HTTPException(404) from error
    except ContentError as error:
        raise HTTPException(400, str(error)) from error
    return {"message": message}


@router.post("/conversations/{number}/read")
async def read(request: Request, number: int) -> dict[str, Any]:
    """It needs no answer any more."""
    console = shared(request)
    clinic, now = console.settings.clinic.id, console.store.clock()
    await console.store.run(conversations.mark_read, clinic, number, now)
    return {"unread": await console.read(conversations.unread)}


@router.post("/texts/length")
async def length(request: Request, words: Words) -> dict[str, Any]:
    """What a text costs, as networks count on the binds of this installation."""
    try:
        return asdict(length_of(words.body.strip(), shared(request).settings))
    except ContentError as error:
        raise HTTPException(400, str(error)) from error
