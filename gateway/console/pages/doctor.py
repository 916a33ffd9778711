"""Doctor: looks at everything a message needs, and says what to do about what is missing."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from gateway.console import rows
from gateway.console.shared import me, shared

router = APIRouter(prefix="/doctor")


@router.get("")
async def show_doctor(request: Request) -> Response:
    """What was found last, and how far a run is."""
    console = shared(request)
    last, now = await console.doctor.last(), console.store.clock()
    values = {
        "last": last,
        "ill": [finding for finding in last.findings if not finding.well] if last else [],
        "well": [finding for finding in last.findings if finding.well] if last else [],
        "progress": console.doctor.progress,
        "moment": lambda at: rows.moment(at, console.zone, now),
    }
    return console.page(request, "doctor.html", values)


@router.post("")
async def examine(request: Request) -> Response:
    """Look at everything now, in the background."""
    console = shared(request)
    if console.doctor.begin(me(request).name):
        await console.note(request, "doctor-asked")
    return RedirectResponse("/doctor", 303)


@router.get("/now")
async def progress(request: Request) -> dict[str, Any]:
    """How far the run is; `of` 0: none is under way."""
    done, of = shared(request).doctor.progress or (0, 0)
    return {"running": shared(request).doctor.progress is not None, "done": done, "of": of}
