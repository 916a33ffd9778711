"""Broadcasts over the API: ordered and planned, looked at and cancelled; sending stopped and resumed."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException

from gateway import wording
from gateway.broadcast import numbered
from gateway.console.once import OnceRoute, creating
from gateway.console.shared import me, shared
from gateway.domain import Broadcast, BroadcastClass, Channel, MessageType, RingwellError
from gateway.in_force import in_force
from gateway.ordering import Days, Named, completed, ordered
from gateway.policy import Rules
from gateway.settings import Settings
from store import broadcasts, overview, stops
from store.overview import Heading

router = APIRouter(prefix="/api", route_class=OnceRoute)
PAGE = 50
MOST_COUNTED = 50_000


class Order(BaseModel):
    """A broadcast to be sent: by a template that is saved, or with texts by channel and field."""

    model_config = ConfigDict(extra="forbid")
    name: str = Field(min_length=1, max_length=200)
    type: MessageType
    channel: Channel
    only_preference: bool = False
    template: str | None = Field(None, max_length=200)
    texts: dict[str, dict[str, str]] = Field(
        default_factory=dict,
        description="By table and field, as in a file of templates; over those that ship",
    )
    first_day: date
    days: int = Field(1, ge=1, le=366)
    send_at: AwareDatetime | None = Field(None, description="With an offset; left out: now")
    list: str | None = Field(None, max_length=200)
    broadcast_class: BroadcastClass | None = None
    bundle: bool = False


class StopOrder(BaseModel):
    """Nothing more leaves: on one channel, or on all; `hang_up` ends calls that are up."""

    model_config = ConfigDict(extra="forbid")
    reason: str = Field(min_length=1, max_length=500)
    channel: Channel | None = None
    hang_up: bool = False


class Resume(BaseModel):
    """What goes on: one channel, or everything."""

    model_config = ConfigDict(extra="forbid")
    channel: Channel | None = None


@router.post("/broadcasts", status_code=201)
@creating
async def order(request: Request, order: Order) -> dict[str, Any]:
    """Order a broadcast and plan it; who gets it is decided by the same rules as on the screen."""
    console = shared(request)
    settings = await in_force(console.store, console.settings)
    now = console.store.clock()
    try:
        found = ordered(
            settings,
            order.name,
            order.type,
            order.channel,
            order.only_preference,
            _texts(settings, order),
            Days(order.first_day, order.days),
            _moment(order.send_at) or now,
            broadcast_class=order.broadcast_class,
            bundle=order.bundle,
        )
        named = Named(template=order.template, list=order.list)
        wanted: Broadcast = await completed(console.store, settings, found, named)
    except RingwellError as error:
        raise HTTPException(400, str(error)) from error
    number = await console.change(request, "broadcast-ordered", "broadcast:", broadcasts.order, wanted, now)
    size = await console.read(broadcasts.audience_size, wanted)
    console.plans.start(numbered(wanted, number), Rules.of(settings), size)
    return {"id": number, "audience": size}


def _texts(settings: Settings, order: Order) -> dict[str, dict[str, str]]:
    language = settings.clinic.language
    texts = wording.default_templates(order.type, language)
    if order.bundle:
        texts = wording.for_several(texts, language)
    for table, fields in order.texts.items():
        texts.setdefault(table, {}).update(fields)
    return texts


def _moment(at: datetime | None) -> datetime | None:
    # Beyond these years the calendars of databases end.
    if at is not None and not 1970 <= at.year <= 2200:
        raise HTTPException(400, "send_at: lies beyond the calendar")
    return at


@router.get("/broadcasts")
async def listing(request: Request, before: int | None = Query(None, ge=1, le=2**53)) -> dict[str, Any]:
    """Broadcasts, the newest first; `next` is the `before` of the next page."""
    found = await shared(request).read(overview.headings, PAGE + 1, before)
    return {
        "broadcasts": [_row(heading) for heading in found[:PAGE]],
        "next": found[PAGE - 1].id if len(found) > PAGE else None,
    }


def _row(heading: Heading) -> dict[str, Any]:
    return {
        "id": heading.id,
        "name": heading.name,
        "channel": heading.channel,
        "state": heading.state,
        "send_at": heading.send_at,
    }


@router.get("/broadcasts/{number}")
async def one(request: Request, number: int) -> dict[str, Any]:
    """One broadcast, and how many of its messages are in which state."""
    console = shared(request)
    found = await console.read(broadcasts.find, number)
    if found is None:
        raise HTTPException(404)
    told: dict[str, int] = {}
    states, whole = await console.read(overview.first_states, number, MOST_COUNTED)
    for (state, _), count in states.items():
        told[state.value] = told.get(state.value, 0) + count
    progress = console.plans.progress(number)
    planned = progress is None or progress.ended
    return {
        "id": number,
        "name": found.name,
        "state": found.state,
        "planned": planned,
        "messages": told,
        "all_counted": whole,
    }


@router.post("/broadcasts/{number}/cancel")
async def cancel(request: Request, number: int) -> dict[str, Any]:
    """Cancel what has not left."""
    console = shared(request)
    if await console.read(broadcasts.find, number) is None:
        raise HTTPException(404)
    about, now = f"broadcast:{number}", console.store.clock()
    gone = await console.change(request, "broadcast-cancelled", about, broadcasts.cancel, number, now)
    return {"cancelled": gone or 0}


@router.post("/stops", status_code=201)
@creating
async def stop(request: Request, order: StopOrder) -> dict[str, Any]:
    """Stop sending, within a second on every gateway."""
    console = shared(request)
    if not order.reason.strip():
        raise HTTPException(400, "reason: is empty")
    args = order.channel, order.reason.strip(), me(request).name, order.hang_up, console.store.clock()
    return {"id": await console.change(request, "sending-stopped", "stop:", stops.order, *args)}


@router.post("/stops/resume")
async def resume(request: Request, order: Resume) -> dict[str, Any]:
    """Go on with one channel, or with everything."""
    console, on = shared(request), order.channel
    about, now = f"channel:{on.value if on else 'all'}", console.store.clock()
    return {
        "lifted": await console.change(
            request, "sending-resumed", about, stops.lift, on, me(request).name, now
        )
    }
