"""The same as JSON, behind the same session; addresses are masked here, too."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException

from gateway.console import rows, today, words
from gateway.console.api.asked import asks
from gateway.console.calling import rows_of
from gateway.console.explaining import Told
from gateway.console.pages.history import wanted_of
from gateway.console.shared import shared
from gateway.console.words import as_it_is
from gateway.domain import State
from gateway.in_force import in_force
from gateway.policy import Rules
from gateway.why import UnknownClientError, UnknownMessageError, why

router = APIRouter(prefix="/api")


@router.get("/today")
async def today_as_data(request: Request) -> dict[str, Any]:
    """Counters, broadcasts and outcomes by hour."""
    console = shared(request)
    found = await console.read(today.read, console.zone, console.store.clock())
    return {
        "stopped": [
            {"channel": stop.channel, "reason": stop.reason, "by": stop.by, "since": stop.since}
            for stop in found.stops
        ],
        "totals": {**found.totals, "confirmed": found.confirmed},
        "broadcasts": [_line(line) for line in found.lines],
        "hours": [
            {"hour": hour.label, **{bar.series.key: bar.count for bar in hour.bars}}
            for hour in found.chart.hours
        ],
    }


def _line(line: today.Line) -> dict[str, Any]:
    return {
        "id": line.heading.id,
        "name": line.heading.name,
        "channel": line.heading.channel,
        "state": line.heading.state,
        "send_at": line.heading.send_at,
        "counts": {**line.counts, "confirmed": line.confirmed},
        "total": line.total,
    }


@router.get("/calls")
async def calls_as_data(request: Request) -> dict[str, Any]:
    """Calls and faxes that are up, with their stage."""
    console = shared(request)
    found = await rows_of(console.store, console.settings.clinic.id, console.calls)
    if found:
        await console.note(request, "calls-viewed")
    return {"calls": [asdict(row) for row in found]}


_FILTERS = {
    "broadcast": "The number of a broadcast",
    "channel": "voice, sms, email or fax",
    "state": "A state, or a group of states as on Today",
    "type": "A message type",
    "cause": "A cause",
    "answer": "What was answered",
    "client": "Our number of a client",
    "since": "From this day on: 2026-03-10",
    "until": "Up to this day",
    "before": "The position of the page of older ones",
    "after": "The position of the page of newer ones",
}


@router.get(
    "/messages",
    openapi_extra=asks(**_FILTERS),
)
async def messages_as_data(request: Request) -> dict[str, Any]:
    """A page of the history; `older` and `newer` are the positions of the pages beside it."""
    console = shared(request)
    _, wanted, before, after = wanted_of(request)
    await console.note(request, "history-viewed")
    page = await console.read(
        rows.read_page, wanted, console.zone, console.store.clock(), as_it_is, before, after
    )
    return {
        "messages": [_row(row) for row in page.rows],
        "older": page.older and {"before": page.older},
        "newer": page.newer and {"after": page.newer},
    }


def _row(row: rows.Row) -> dict[str, Any]:
    return {
        "id": row.id,
        "broadcast": row.broadcast,
        "recipient": row.name,
        "channel": row.channel,
        "address": row.address,
        "state": row.state,
        "group": words.GROUP_OF[State(row.state)].key,
        "attempts": row.attempts,
        "why": row.why,
        "updated_at": row.updated_at,
    }


@router.get("/why/{client:path}", openapi_extra=asks(message="The number of a message"))
async def why_as_data(request: Request, client: str) -> dict[str, Any]:
    """What holds for a client now and what was decided on the latest messages, or `message=`."""
    console = shared(request)
    text = request.query_params.get("message", "")
    number = rows.whole(text)
    if text and number is None:
        raise HTTPException(400, "The address names a message that is not a number.")
    settings = await in_force(console.store, console.settings)
    try:
        found = await why(console.store, settings.clinic.id, Rules.of(settings), client, number)
    except (UnknownClientError, UnknownMessageError) as error:
        raise HTTPException(404) from error
    await console.note(request, "client-explained")
    return Told(found, settings).as_data()
