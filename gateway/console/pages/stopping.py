"""Stop-all and going on: from Today, by whoever may send."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.console.shared import me, shared
from gateway.domain import Channel
from store import stops

router = APIRouter()


@router.post("/stop")
async def stop(
    request: Request,
    reason: Annotated[str, Form()] = "",
    channel: Annotated[str, Form()] = "",
    hang_up: Annotated[str, Form()] = "",
) -> Response:
    """Nothing more leaves, on one channel or all, until somebody resumes."""
    console, on = shared(request), _channel(channel)
    if not reason.strip():
        return RedirectResponse("/?wrong=reason#stop", 303)
    what = reason.strip()[:500], me(request).name, bool(hang_up), console.store.clock()
    await console.change(request, "sending-stopped", "stop:", stops.order, on, *what)
    return RedirectResponse("/?done=stopped", 303)


@router.post("/resume")
async def resume(request: Request, channel: Annotated[str, Form()] = "") -> Response:
    """What was stopped goes on: all of it, or one channel."""
    console, on = shared(request), _channel(channel)
    about = f"channel:{on.value if on else 'all'}"
    now = console.store.clock()
    await console.change(request, "sending-resumed", about, stops.lift, on, me(request).name, now)
    return RedirectResponse("/?done=resumed", 303)


def _channel(text: str) -> Channel | None:
    if text and text not in list(Channel):
        raise HTTPException(400, "Something in the form was not understood.")
    return Channel(text) if text else None
