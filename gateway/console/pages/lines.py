"""Lines: trunks, fax lines, binds and relays with their state; switched off and on, and tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.console import rows, words
from gateway.console.causes import CAUSES
from gateway.console.shared import me, say, shared
from gateway.domain import Finding, Line, LineKind, LineState
from store import switches
from store.switches import Off

router = APIRouter(prefix="/lines")

HEADINGS = {
    LineKind.TRUNK: "Trunks (calls)",
    LineKind.FAX: "Fax lines",
    LineKind.BIND: "Binds (texts)",
    LineKind.RELAY: "Relays (email)",
}
STATES = {
    LineState.UP: ("Up", "good"),
    LineState.PAUSED: ("Paused", "noanswer"),
    LineState.DOWN: ("Down", "bad"),
    LineState.OFF: ("Switched off", "plain"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """A line as the page shows it; `id` stands before the ids of its cells."""

    kind: LineKind
    name: str
    where: str
    state: str
    tone: str
    trouble: str
    busy: str
    rate: str
    sent: str
    failed: str
    last: str
    off: Off | None

    @property
    def id(self) -> str:
        """Of its elements."""
        return f"{self.kind}-{self.name}"

    @property
    def cells(self) -> dict[str, str]:
        """What changes while one looks."""
        shown = ("state", "trouble", "busy", "sent", "failed", "last")
        return {f"{self.id}-{name}": getattr(self, name) for name in shown}


@router.get("")
async def show_lines(request: Request) -> Response:
    """All lines of this gateway."""
    return await _page(request)


@router.get("/now")
async def lines_now(request: Request) -> dict[str, Any]:
    """What changed since: the words of the cells, and the tones of the states."""
    found = await _rows(request)
    return {
        "cells": {key: words for row in found for key, words in row.cells.items()},
        "tones": {f"{row.id}-state": row.tone for row in found},
        "shape": _shape(found),
    }


@router.post("/{kind}/{name}/off")
async def switch_off(
    request: Request, kind: LineKind, name: str, reason: Annotated[str, Form()] = ""
) -> Response:
    """Give a line nothing any more, on every gateway."""
    console = shared(request)
    await _known(request, kind, name)
    if not reason.strip():
        return await _page(request, wrong="Say why: whoever looks here next wants to know.")
    args = kind, name, reason.strip()[:500], me(request).name, console.store.clock()
    await console.change(request, "line-switched-off", f"line:{kind}/{name}", switches.turn_off, *args)
    return RedirectResponse("/lines?done=off", 303)


@router.post("/{kind}/{name}/on")
async def switch_on(request: Request, kind: LineKind, name: str) -> Response:
    """Use a line again."""
    await _known(request, kind, name)
    about = f"line:{kind}/{name}"
    await shared(request).change(request, "line-switched-on", about, switches.turn_on, kind, name)
    return RedirectResponse("/lines?done=on", 303)


@router.post("/{kind}/{name}/test")
async def test(request: Request, kind: LineKind, name: str) -> Response:
    """The doctor's look at this line."""
    console = shared(request)
    line = await _known(request, kind, name)
    findings = await console.running.test(kind, name)
    well = all(finding.well for finding in findings)
    await console.note(request, "line-tested", f"line:{kind}/{name}", {"well": well})
    return await _page(request, tested=line, findings=findings)


async def _known(request: Request, kind: LineKind, name: str) -> Line:
    for line in await shared(request).running.lines():
        if (line.kind, line.name) == (kind, name):
            return line
    raise HTTPException(404)


async def _rows(request: Request) -> list[Row]:
    console = shared(request)
    off = {(one.kind, one.name): one for one in await console.read(switches.switched_off)}
    return [_row(request, line, off.get((line.kind, line.name))) for line in await console.running.lines()]


def _row(request: Request, line: Line, off: Off | None) -> Row:
    console, look = shared(request), line.look
    # The store is the truth; the line follows within a second.
    word, tone = STATES[LineState.OFF if off else look.state]
    error = _told(request, look.last_error)
    at = look.last_error_at
    when = rows.moment(at, console.zone, console.store.clock()) if at else ""
    return Row(
        line.kind,
        line.name,
        look.where,
        say(request, word),
        tone,
        "" if off else _told(request, look.trouble),
        f"{look.busy} / {look.most}",
        f"{look.per_second:g}" if look.per_second else "–",
        f"{look.sent:,}",
        f"{look.failed:,}",
        f"{when} {error}".strip() or "–",
        off,
    )


def _told(request: Request, trouble: str) -> str:
    """A cause in plain words; what is no cause is in words already."""
    return say(request, words.cause(trouble) if trouble in CAUSES else trouble)


def _shape(found: Sequence[Row]) -> str:
    """Changes when the page has to be fetched anew."""
    return ",".join(f"{row.id}={'off' if row.off else 'on'}" for row in found)


async def _page(
    request: Request, wrong: str = "", tested: Line | None = None, findings: Sequence[Finding] = ()
) -> Response:
    console = shared(request)
    found = await _rows(request)
    now = console.store.clock()
    values = {
        "kinds": {kind: [row for row in found if row.kind is kind] for kind in LineKind},
        "headings": HEADINGS,
        "shape": _shape(found),
        "wrong": wrong,
        "tested": tested,
        "findings": findings,
        "moment": lambda at: rows.moment(at, console.zone, now),
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "lines.html", values, 400 if wrong else 200)
