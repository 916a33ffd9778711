"""History: what became of every message."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.console import filters, rows
from gateway.console.filters import FilterError, Wanted
from gateway.console.language import translator
from gateway.console.shared import language_of, shared
from store import searching
from store.searching import Search

router = APIRouter()
# More clients than that are not offered: more of the name must be typed.
MOST_CLIENTS = 50


def wanted_of(request: Request) -> tuple[Wanted, Search, int | None, int | None]:
    """Filters and position of an address; 400 when they are not right."""
    query = request.query_params
    wanted = Wanted.of(query)
    try:
        search = wanted.search(shared(request).zone)
        return (
            wanted,
            search,
            filters.number(query.get("before", "")),
            filters.number(query.get("after", "")),
        )
    except FilterError as error:
        raise HTTPException(400, str(error)) from error


@router.get("/history")
async def show_history(request: Request) -> Response:
    """What became of every message."""
    console, say = shared(request), translator(language_of(request))
    wanted, search, before, after = wanted_of(request)
    page = await console.read(rows.read_page, search, console.zone, console.store.clock(), say, before, after)
    if page.rows:
        shown = {"first": page.rows[0].id, "last": page.rows[-1].id}
        await console.note(request, "history-viewed", detail={**wanted.query, **shown})
    client = None
    if search.recipients:
        client = await console.read(searching.client, search.recipients[0])
    values = {
        "page": page,
        "wanted": wanted,
        "client": client,
        "types": filters.TYPES,
        "answers": filters.ANSWERS,
        "causes": sorted(((code, say(told)) for code, told in filters.causes()), key=lambda one: one[1]),
        "link": lambda **position: _link(wanted, **position),
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "history.html", values)


def _link(wanted: Wanted, **more: object) -> str:
    asked = {name: value for name, value in {**wanted.query, **more}.items() if value != ""}
    return "/history?" + urlencode(asked)


@router.post("/history/client")
async def find_client(request: Request, who: Annotated[str, Form()] = "") -> Response:
    """The messages of a client who is named, with the other filters of the address.

    What was typed is somebody's name or number: it comes in a form, and never stands in an address.
    """
    console = shared(request)
    wanted, _, _, _ = wanted_of(request)
    found = await console.read(searching.clients, who, MOST_CLIENTS + 1) if who.strip() else []
    await console.note(request, "clients-searched", detail={"found": len(found)})
    if len(found) == 1:
        return RedirectResponse(_link(wanted, client=found[0].id), 303)
    values = {
        "found": found[:MOST_CLIENTS],
        "more": len(found) > MOST_CLIENTS,
        "who": who.strip(),
        "wanted": wanted,
        "link": lambda number: _link(wanted, client=number),
    }
    return console.page(request, "history_client.html", values)
