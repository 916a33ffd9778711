"""The stream of changes of messages' states, as server-sent events behind the console's session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from starlette.exceptions import HTTPException

from gateway.accounts.tokens import Tokens
from gateway.console.api.asked import asks
from gateway.console.cookies import session_cookie
from gateway.console.shared import Console, shared
from gateway.webhooks import as_data
from store import changes
from store.changes import Change, Position
from store.engine import StoreAwayError

router = APIRouter(prefix="/api")

AT_ONCE = 500
LOOK_SECONDS = 0.5
# Lines without meaning that keep proxies from hanging up.
ALIVE_SECONDS = 15.0


@router.get("/events", openapi_extra=asks(after="The id of the last change that is known"))
async def events(request: Request) -> StreamingResponse:
    """Changes from now on, or after the one that `Last-Event-ID` or `after` names."""
    console = shared(request)
    if not (console.settings.events.enabled or console.settings.webhooks):
        raise HTTPException(404, "set [events] enabled = true")
    asked = request.headers.get("last-event-id") or request.query_params.get("after")
    start = changes.position(asked) if asked else await console.read(changes.newest)
    if start is None:
        raise HTTPException(400, "after: no id of a change")
    stream = _stream(console, _looker(request), start)
    return StreamingResponse(stream, media_type="text/event-stream")


def _looker(request: Request) -> Callable[[], Awaitable[object]]:
    """Asks whether whoever listens may still do so."""
    console = shared(request)
    if request.state.program:
        secret = request.headers["authorization"].partition(" ")[2].strip()
        return partial(Tokens(console.store, console.clinic).admit, secret)
    return partial(console.sign_in.find, session_cookie(request.scope))


async def _stream(
    console: Console, look: Callable[[], Awaitable[object]], at: Position
) -> AsyncIterator[str]:
    """Until the session or the console ends; whoever hangs up cancels it."""
    quiet = 0.0
    while await _is_in(look) and not console.hub.closed:
        found: list[Change] = []
        # While the store is away nothing is told and nothing is lost.
        with suppress(StoreAwayError):
            found = await console.read(changes.since, at, AT_ONCE)
        for change in found:
            told = json.dumps(as_data(change, personal=False))
            yield f"id: {change.position}\nevent: state\ndata: {told}\n\n"
            at = change.position
        if found:
            quiet = 0.0
            continue
        await asyncio.sleep(LOOK_SECONDS)
        quiet += LOOK_SECONDS
        if quiet >= ALIVE_SECONDS:
            quiet = 0.0
            yield ": nothing new\n\n"


async def _is_in(look: Callable[[], Awaitable[object]]) -> bool:
    """Whether the user is still signed in; as long as nobody can tell, they are."""
    try:
        return await look() is not None
    except StoreAwayError:
        return True
