"""The pages: Today, History, one message, and the way in and out."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from gateway.console import rows, security, today

if TYPE_CHECKING:
    from gateway.console.app import Console

router = APIRouter()


def shared(request: Request) -> Console:
    """The console that a request belongs to."""
    found: Console = request.app.state.console
    return found


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
    return console.page("today.html", values, path="/")


def wanted_of(request: Request) -> tuple[rows.Wanted, int | None, int | None]:
    """Filters and position of an address; 400 when they are not right."""
    query = request.query_params
    wanted = rows.Wanted(*(query.get(name, "") for name in ("broadcast", "channel", "state")))
    try:
        wanted.filter()
        return wanted, rows.number(query.get("before", "")), rows.number(query.get("after", ""))
    except rows.FilterError as error:
        raise HTTPException(400, str(error)) from error


@router.get("/history")
async def show_history(request: Request) -> Response:
    """What became of every message."""
    console = shared(request)
    wanted, before, after = wanted_of(request)
    page = await console.read(
        rows.read_page, wanted.filter(), console.zone, console.store.clock(), before, after
    )
    values = {
        "page": page,
        "wanted": wanted,
        "link": lambda **position: "/history?" + urlencode({**wanted.query, **position}),
    }
    return console.page("history.html", values, path="/history")


@router.get("/messages/{text}")
async def show_message(request: Request, text: str) -> Response:
    """One message with its attempts and their evidence."""
    console = shared(request)
    number = rows.whole(text)
    if number is None:
        raise HTTPException(404)
    found = await console.read(rows.read_detail, number, console.zone, console.store.clock())
    if found is None:
        raise HTTPException(404)
    return console.page("message.html", {"detail": found}, path="/messages")


@router.get("/enter")
async def show_entrance(request: Request, token: str = "") -> Response:
    """A button: looking at the link (a preview, a prefetch) does not use the token up."""
    return shared(request).page("enter.html", {"token": token[:100], "wrong": False}, signed_in=False)


@router.post("/enter")
async def enter(request: Request, token: Annotated[str, Form()] = "") -> Response:
    """Exchange a one-time token for a session."""
    console = shared(request)
    if not await asyncio.to_thread(console.door.redeem, token.strip()):
        return console.page("enter.html", {"token": "", "wrong": True}, 401, signed_in=False)
    answer = RedirectResponse("/", 303)
    answer.set_cookie(
        security.cookie_name(request.scope),
        console.door.sessions.begin(),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/leave")
async def leave(request: Request) -> Response:
    """Sign out."""
    console = shared(request)
    console.door.sessions.end(security.cookie(request.scope))
    answer = RedirectResponse("/enter", 303)
    answer.delete_cookie(security.cookie_name(request.scope), httponly=True, samesite="strict")
    return answer


@router.get("/health")
async def health() -> Response:
    """For a supervisor: says nothing but that the console answers."""
    return PlainTextResponse("ok")
