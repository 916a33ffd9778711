"""Today: the live board."""

from __future__ import annotations

from babel.dates import format_date
from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.console import rows, today
from gateway.console.calling import KINDS, Row, rows_of
from gateway.console.shared import language_of, shared

router = APIRouter()


@router.get("/")
async def show_today(request: Request) -> Response:
    """Today's broadcasts with live counts."""
    console = shared(request)
    now = console.store.clock()
    found = await console.read(today.read, console.zone, now)
    values = {
        "today": found,
        "cells": today.cells(found),
        "calls": await _calls(request),
        "kinds": KINDS,
        "minute": lambda at: rows.minute(at, console.zone, now),
        "date": format_date(now.astimezone(console.zone), "full", locale=language_of(request)),
        "done": request.query_params.get("done", ""),
        "wrong": request.query_params.get("wrong", ""),
    }
    return console.page(request, "today.html", values)


@router.get("/today/calls")
async def show_calls(request: Request) -> Response:
    """What is up right now, for the board that fetches it again and again."""
    values = {"calls": await _calls(request), "kinds": KINDS}
    return shared(request).page(request, "calls.html", values)


async def _calls(request: Request) -> list[Row]:
    """They name patients: who sees them is noted."""
    console = shared(request)
    found = await rows_of(console.store, console.clinic, console.calls)
    if found:
        await console.note(request, "calls-viewed")
    return found
