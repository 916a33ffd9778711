"""Faxes that came in as data and as PDF, and proofs of delivery, behind the console's session."""

from __future__ import annotations

import asyncio
from typing import Any

from fastapi import APIRouter, Query, Request
from fastapi.responses import FileResponse, Response
from starlette.exceptions import HTTPException

from gateway.console.api.asked import asks
from gateway.console.shared import me, shared
from gateway.console.words import mask
from gateway.documents.proof import proof_pdf
from gateway.proving import NoProofError, proof_of
from store import faxes
from store.faxes import Fax

router = APIRouter(prefix="/api")
PAGE = 50


@router.get("/faxes", openapi_extra=asks(unread="1: those that wait", inbox="The name of an inbox"))
async def faxes_as_data(request: Request, before: int | None = Query(None, ge=1, le=2**53)) -> dict[str, Any]:
    """Faxes, the newest first; with `unread=1` those that wait, with `inbox=` those of one inbox."""
    console = shared(request)
    asked = request.query_params
    inbox, unread = asked.get("inbox", ""), asked.get("unread") == "1"
    found = await console.read(faxes.listing, inbox=inbox, unread=unread, before=before, most=PAGE + 1)
    return {
        "unread": await console.read(faxes.unread),
        "faxes": [_row(fax) for fax in found[:PAGE]],
        "next": found[PAGE - 1].id if len(found) > PAGE else None,
    }


def _row(fax: Fax) -> dict[str, Any]:
    shown = ("id", "inbox", "pages", "whole", "at", "read_at", "read_by")
    return {name: getattr(fax, name) for name in shown} | {"from": mask(fax.caller)}


@router.get("/faxes/{number}.pdf")
async def fax_as_pdf(request: Request, number: int) -> FileResponse:
    """The pages of a fax."""
    fax = await _found(request, number)
    await shared(request).note(request, "fax-viewed", f"fax:{number}")
    file = shared(request).settings.received_faxes / fax.file
    if not file.exists():
        raise HTTPException(410)
    return FileResponse(file, media_type="application/pdf", filename=f"fax-{number}.pdf")


@router.post("/faxes/{number}/read")
async def read(request: Request, number: int) -> dict[str, Any]:
    """Mark a fax as read."""
    await _found(request, number)
    console = shared(request)
    by, now = me(request).name, console.store.clock()
    await console.change(request, "fax-read", f"fax:{number}", faxes.read, number, by, now)
    return {"read": number}


@router.get("/messages/{number}/proof.pdf")
async def proof(request: Request, number: int) -> Response:
    """The proof that a fax was delivered."""
    console = shared(request)
    try:
        found = await console.store.read(proof_of, console.settings, number)
    except NoProofError as error:
        raise HTTPException(404, str(error)) from error
    page = await asyncio.to_thread(proof_pdf, found)
    headers = {"Content-Disposition": f'attachment; filename="fax-{number}-proof.pdf"'}
    return Response(page, media_type="application/pdf", headers=headers)


async def _found(request: Request, number: int) -> Fax:
    fax = await shared(request).read(faxes.find, number)
    if fax is None:
        raise HTTPException(404)
    found: Fax = fax
    return found
