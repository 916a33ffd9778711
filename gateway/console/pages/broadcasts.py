"""Broadcasts that were ordered: those to come, one of them, and cancelling it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.console import audience, composing, rows
from gateway.console.plans import LATER, NOT, SEND
from gateway.console.shared import language_of, shared
from gateway.domain import DUE_STATES, State
from store import broadcasts, overview

router = APIRouter(prefix="/broadcasts")
_MOST_COUNTED = 5_000


@router.get("")
async def show_coming(request: Request) -> Response:
    """Those that may still have something to send, the next one first."""
    console = shared(request)
    now = console.store.clock()
    values = {
        "coming": await console.read(overview.coming, now),
        "minute": lambda at: rows.minute(at, console.zone, now),
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "broadcasts.html", values)


@router.get("/{number:int}")
async def show_broadcast(request: Request, number: int) -> Response:
    """One of them: how far its plan is, and what waits."""
    console = shared(request)
    now, found = console.store.clock(), await console.read(broadcasts.find, number)
    if found is None:
        raise HTTPException(404)
    states, whole = await console.read(overview.first_states, number, _MOST_COUNTED)
    language = language_of(request)
    progress = console.plans.progress(number)
    values = {
        "broadcast": found,
        "progress": progress,
        "goes": sum(n for (sort, _), n in progress.tally.items() if sort in (SEND, LATER)) if progress else 0,
        "left_out": _left_out(states),
        "waiting": sum(count for (state, _), count in states.items() if state in DUE_STATES),
        "messages": sum(states.values()),
        "whole": whole,
        "NOT": NOT,
        "types": composing.TYPE_LABELS,
        "methods": composing.METHODS,
        "minute": lambda at: rows.minute(at, console.zone, now),
        "day": lambda at: f"{at.astimezone(console.zone):%Y-%m-%d}",
        "reason": lambda code: audience.reason_told(code, language),
        "zone": console.settings.clinic.zone,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "broadcast.html", values)


@router.post("/{number:int}/cancel")
async def cancel(request: Request, number: int) -> Response:
    """What has not left is cancelled."""
    console = shared(request)
    if await console.read(broadcasts.find, number) is None:
        raise HTTPException(404)
    about, now = f"broadcast:{number}", console.store.clock()
    gone = await console.change(request, "broadcast-cancelled", about, broadcasts.cancel, number, now)
    return RedirectResponse(f"/broadcasts/{number}?done=cancelled&messages={gone or 0}", 303)


def _left_out(states: dict[tuple[State, str | None], int]) -> list[tuple[str, int]]:
    """How many do not get it, by reason, the most first."""
    found: dict[str, int] = {}
    for (state, reason), count in states.items():
        if state is State.REFUSED:
            found[reason or ""] = found.get(reason or "", 0) + count
    return sorted(found.items(), key=lambda one: -one[1])
