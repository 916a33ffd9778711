"""Today: the live board."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from gateway.console import rows, today
from gateway.console.shared import shared

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
        "minute": lambda at: rows.minute(at, console.zone, now),
        "date": now.astimezone(console.zone),
    }
    return console.page(request, "today.html", values)
