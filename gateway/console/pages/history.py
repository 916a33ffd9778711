"""History: what became of every message, and one message with its evidence."""

from __future__ import annotations

from urllib.parse import urlencode

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.console import rows
from gateway.console.shared import shared

router = APIRouter()


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
    if page.rows:
        shown = {"first": page.rows[0].id, "last": page.rows[-1].id}
        await console.note(request, "history-viewed", detail={**wanted.query, **shown})
    values = {
        "page": page,
        "wanted": wanted,
        "link": lambda **position: "/history?" + urlencode({**wanted.query, **position}),
    }
    return console.page(request, "history.html", values)


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
    await console.note(request, "message-viewed", f"message:{number}")
    return console.page(request, "message.html", {"detail": found})
