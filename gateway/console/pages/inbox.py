"""Inbox: replies, faxes and calls that wait for a person: read, taken, answered, closed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway import conversing
from gateway.accounts.rules import Rule
from gateway.console import rows, words
from gateway.console.shared import Console, me, say, shared
from gateway.documents.errors import DocumentError
from gateway.documents.seen import page_as_png
from gateway.domain import ContentError
from store import accounts, conversations, faxes, inbox
from store.inbox import Item, Kind, Whose

router = APIRouter(prefix="/inbox")
PAGE = 50
PLACES: Mapping[str, Kind] = {"conversations": Kind.CONVERSATION, "faxes": Kind.FAX, "calls": Kind.CALL}
PLACE_OF = {kind: place for place, kind in PLACES.items()}
# How a line of a conversation was understood, or why it was sent.
MEANT = {
    "confirm": "Confirms",
    "cancel": "Cancels",
    "not-coming": "Cancels",
    "opt-out": "Wants no more",
    "opt-in": "Wants messages again",
    "help": "Asks for help",
    "key": "By a key in a call",
    "opted-out": "Sent by itself",
    "opted-in": "Sent by itself",
    "confirmed": "Sent by itself",
    "cancelled": "Sent by itself",
    "ask": "Sent by itself",
    "notice": "Sent by itself",
    "visit": "Sent by itself",
}


@router.get("")
async def show_inbox(request: Request) -> Response:
    """What waits, or everything: of all, the user's own, or what nobody takes care of yet."""
    console, user, query = shared(request), me(request), request.query_params
    whose = _one_of(Whose, query.get("whose", ""), Whose.ALL)
    kind = PLACES.get(query.get("kind", ""))
    waiting, now = query.get("show", "") != "everything", console.store.clock()
    found = await console.read(
        inbox.listing,
        user.id,
        now,
        whose=whose,
        kinds=(kind,) if kind else tuple(Kind),
        waiting=waiting,
        before=rows.instant(query.get("before", "")),
        most=PAGE + 1,
    )
    if found:
        await console.note(request, "inbox-viewed")
    asked = {"whose": whose.value, "kind": query.get("kind", "") if kind else ""}
    asked["show"] = "" if waiting else "everything"

    def link(**changes: str) -> str:
        return "/inbox?" + urlencode({name: value for name, value in {**asked, **changes}.items() if value})

    values = {
        "items": found[:PAGE],
        "older": link(before=found[PAGE - 1].at.isoformat()) if len(found) > PAGE else "",
        "counts": await console.read(inbox.counts, user.id, now),
        "many": inbox.MANY,
        "asked": asked,
        "link": link,
        "places": PLACE_OF,
        "titles": _titles(console),
        "moment": lambda at: rows.moment(at, console.zone, now, partial(say, request)),
    }
    return console.page(request, "inbox.html", values)


def _one_of(kind: type[Whose], text: str, usual: Whose) -> Whose:
    return kind(text) if text in {one.value for one in kind} else usual


def _titles(console: Console) -> dict[str, str]:
    return {name: one.title or name for name, one in console.settings.fax.inboxes.items()}


# --- conversations ---


@router.get("/conversations/{number:int}")
async def show_conversation(request: Request, number: int) -> Response:
    """Texts both ways."""
    return await _conversation(request, await _found(request, Kind.CONVERSATION, number))


@router.post("/conversations/{number:int}/answer")
async def answer(request: Request, number: int, body: Annotated[str, Form()] = "") -> Response:
    """Send an answer; the conversation waits no longer by that."""
    console, item = shared(request), await _found(request, Kind.CONVERSATION, number)
    about, now = f"conversation:{number}", console.store.clock()
    body = body.replace("\r\n", "\n")
    try:
        await console.change_once(
            request, "text-answered", about, conversing.answer, number, body, me(request).name, now
        )
    except ContentError as error:
        return await _conversation(request, item, body=body, wrong=str(error))
    return RedirectResponse(f"/inbox/conversations/{number}?done=answered", 303)


async def _conversation(request: Request, item: Item, body: str = "", wrong: str = "") -> Response:
    lines = await shared(request).read(conversations.lines, item.address)
    newest = lines[-1] if lines else None
    more = {
        "lines": lines,
        "shape": f"{len(lines)}|{newest and newest.at}|{'|'.join(line.state for line in lines)}|{item.size}",
        "is_text": "@" not in item.address,
        "body": body,
        "meant": MEANT,
    }
    return await _one(request, item, "conversation.html", wrong, **more)


# --- faxes ---


@router.get("/faxes/{number:int}")
async def show_fax(request: Request, number: int) -> Response:
    """A fax, page by page."""
    item = await _found(request, Kind.FAX, number)
    fax = await shared(request).read(faxes.find, number)
    titles = _titles(shared(request))
    return await _one(request, item, "fax.html", fax=fax, title=titles.get(item.inbox, item.inbox))


@router.get("/faxes/{number:int}/pages.pdf")
async def fax_pages(request: Request, number: int) -> FileResponse:
    """All pages, for the browser's own viewer or to print."""
    file = await _file(request, number)
    await shared(request).note(request, "fax-viewed", f"fax:{number}")
    return FileResponse(
        file,
        media_type="application/pdf",
        filename=f"fax-{number}.pdf",
        content_disposition_type="inline",
    )


@router.get("/faxes/{number:int}/pages/{page:int}.png")
async def fax_page(request: Request, number: int, page: int) -> Response:
    """One page as a picture."""
    pdf = await asyncio.to_thread((await _file(request, number)).read_bytes)
    try:
        return Response(await page_as_png(pdf, page), media_type="image/png")
    except DocumentError as error:
        raise HTTPException(404) from error


async def _file(request: Request, number: int) -> Path:
    fax = await shared(request).read(faxes.find, number)
    if fax is None:
        raise HTTPException(404)
    file: Path = shared(request).settings.received_faxes / fax.file
    if not await asyncio.to_thread(file.exists):
        raise HTTPException(404)
    return file


# --- calls ---


@router.get("/calls/{number:int}")
async def show_call(request: Request, number: int) -> Response:
    """Somebody asked for the desk in a call, and nobody there answered."""
    return await _one(request, await _found(request, Kind.CALL, number), "missed_call.html")


# --- all of them ---


@router.post("/{place}/{number:int}/assign")
async def assign(request: Request, place: str, number: int, user: Annotated[str, Form()] = "") -> Response:
    """Somebody takes care of it; empty: nobody yet."""
    console, item = shared(request), await _found(request, PLACES.get(place), number)
    wanted = rows.whole(user)
    if user and wanted not in {one for one, _ in await _users(console)}:
        raise HTTPException(400, "Choose a user, or nobody.")
    about = f"{item.kind}:{number}"
    await console.change(request, "inbox-assigned", about, inbox.assign, item.kind, number, wanted)
    return RedirectResponse(f"/inbox/{place}/{number}?done=assigned", 303)


@router.post("/{place}/{number:int}/close")
async def close(request: Request, place: str, number: int) -> Response:
    """It needs nothing any more."""
    console, item = shared(request), await _found(request, PLACES.get(place), number)
    args = item.kind, number, me(request).name, console.store.clock()
    await console.change(request, "inbox-closed", f"{item.kind}:{number}", inbox.close, *args)
    return RedirectResponse(f"/inbox/{place}/{number}?done=closed", 303)


async def _found(request: Request, kind: Kind | None, number: int) -> Item:
    console = shared(request)
    if kind is None:
        raise HTTPException(404)
    found: Item | None = await console.read(inbox.find, kind, number, console.store.clock())
    if found is None:
        raise HTTPException(404)
    return found


async def _users(console: Console) -> list[tuple[int, str]]:
    """Who can take care of something: number and name."""
    found = await console.read(accounts.accounts)
    return [(one.id, one.name) for one in found if one.enabled and Rule.MESSAGING_CREATE in one.rules]


async def _one(request: Request, item: Item, page: str, wrong: str = "", **more: Any) -> Response:
    console, now = shared(request), shared(request).store.clock()
    about = f"{item.kind}:{item.number}"
    await console.note(request, f"{item.kind}-viewed", about)
    is_plain = request.query_params.get("number") == "shown"
    if is_plain:
        await console.note(request, "number-shown", about)

    def moment(at: datetime) -> str:
        return rows.moment(at, console.zone, now, partial(say, request))

    values = {
        "item": item,
        "place": PLACE_OF[item.kind],
        "users": await _users(console),
        "mine": me(request).id,
        "may_act": Rule.MESSAGING_CREATE in me(request).rules,
        "address": item.address if is_plain else words.mask(item.address),
        "is_plain": is_plain,
        "moment": moment,
        "wrong": wrong,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, page, values | more, 400 if wrong else 200)
