"""Audit: who did what, and whose data they looked at; searched, and verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.console import filters, rows
from gateway.console.filters import FilterError
from gateway.console.shared import shared
from store import accounts, audit
from store.audit import Wanted

router = APIRouter(prefix="/audit")
PAGE = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters as they stand in the address; empty: all."""

    user: str = ""
    action: str = ""
    about: str = ""
    since: str = ""
    until: str = ""

    @property
    def query(self) -> dict[str, str]:
        """Those that are set."""
        values = {name: getattr(self, name) for name in ("user", "action", "about", "since", "until")}
        return {name: value for name, value in values.items() if value}

    def wanted(self, zone: ZoneInfo) -> Wanted:
        """For the store; 400 when a day or a number is none."""
        user = rows.whole(self.user)
        if self.user and user is None:
            raise HTTPException(400, "The address names a user that is not a number.")
        try:
            since, until = filters.day(self.since, zone), filters.day(self.until, zone)
        except FilterError as error:
            raise HTTPException(400, str(error)) from error
        return Wanted(
            user,
            self.action,
            self.about.strip(),
            since,
            until + timedelta(days=1) if until else None,
        )


@router.get("")
async def show_audit(request: Request) -> Response:
    """The newest lines, filtered."""
    return await _page(request)


@router.post("/verify")
async def verify(request: Request) -> Response:
    """Look whether the chain is whole."""
    console = shared(request)
    count, broken = await console.read(audit.verify)
    await console.note(
        request, "audit-verified", detail={"lines": count, "broken": broken.id if broken else 0}
    )
    return await _page(request, verified=(count, broken))


async def _page(request: Request, **more: Any) -> Response:
    console, query = shared(request), request.query_params
    asked = Asked(*(query.get(name, "") for name in ("user", "action", "about", "since", "until")))
    before = rows.whole(query.get("before", ""))
    found = await console.read(audit.lines, asked.wanted(console.zone), PAGE + 1, before)
    now = console.store.clock()
    values = {
        "lines": found[:PAGE],
        "older": found[PAGE - 1].id if len(found) > PAGE else None,
        "asked": asked,
        "users": await console.read(accounts.accounts),
        "actions": await console.read(audit.actions),
        "moment": lambda at: rows.moment(at, console.zone, now),
        "link": lambda **position: "/audit?" + urlencode({**asked.query, **position}),
        "verified": None,
    }
    return console.page(request, "audit.html", values | more)
