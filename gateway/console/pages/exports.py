"""Exports of what a filter of the history shows: asked for, watched, fetched."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, RedirectResponse, Response

from gateway.console.exports import BusyError, Export, Exports, Work
from gateway.console.language import translator
from gateway.console.pages.history import wanted_of
from gateway.console.shared import language_of, me, say, shared
from gateway.console.sheets import KINDS, MEDIA_TYPES

router = APIRouter()


def _exports(request: Request) -> Exports:
    found: Exports = request.app.state.exports
    return found


def _mine(request: Request, token: str) -> Export:
    found = _exports(request).find(token, me(request).id)
    if found is None:
        raise HTTPException(404)
    return found


@router.post("/history/export")
async def begin(request: Request, kind: Annotated[str, Form()] = "csv") -> Response:
    """Begin a file of everything that the address asks for."""
    console = shared(request)
    wanted, search, _, _ = wanted_of(request)
    if kind not in KINDS:
        raise HTTPException(400, "There is no such kind of file.")
    words = translator(language_of(request))
    title = f"{console.settings.clinic.name}: {say(request, 'History')}"
    work = Work(console.store, console.clinic, search, console.zone, words, title)
    try:
        made = _exports(request).begin(me(request).id, kind, work)
    except BusyError as error:
        raise HTTPException(409, str(error)) from error
    await console.note(request, "history-exported", detail={**wanted.query, "kind": kind})
    return RedirectResponse(f"/exports/{made.token}", 303)


@router.get("/exports/{token}")
async def watch(request: Request, token: str) -> Response:
    """How far a file is, and where it is once it is done."""
    return shared(request).page(request, "export.html", {"export": _mine(request, token)})


@router.get("/exports/{token}/state")
async def state(request: Request, token: str) -> dict[str, Any]:
    """The same for the page that watches it."""
    found = _mine(request, token)
    return {"percent": found.percent, "count": found.count, "over": found.done or found.failed}


@router.get("/exports/{token}/file")
async def fetch(request: Request, token: str) -> Response:
    """The file."""
    console, found = shared(request), _mine(request, token)
    if not found.done:
        raise HTTPException(404)
    await console.note(request, "export-fetched", detail={"kind": found.kind, "rows": found.count})
    day = console.store.clock().astimezone(console.zone).date()
    name = f"history-{day}.{found.kind}"
    return FileResponse(found.path, media_type=MEDIA_TYPES[found.kind], filename=name)
