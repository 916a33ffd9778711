"""The console as an ASGI application: what its parts share, and how they are put together."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from fastapi import FastAPI, Request
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from sqlalchemy import Connection
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from gateway.console import api, conversing, events, faxing, live, pages, security, today, words
from gateway.console import settings as setting_routes
from gateway.console.calling import Calls
from gateway.console.door import Door
from gateway.console.hub import Hub, Snapshot
from gateway.domain import LiveCall
from gateway.settings import Settings
from store.engine import Store

P = ParamSpec("P")
T = TypeVar("T")
_HERE = Path(__file__).parent
_TITLES = {
    400: "That address is not right",
    401: "Please sign in",
    403: "Not allowed",
    404: "There is no such page",
    405: "That cannot be done here",
    421: "Wrong address",
    500: "Something went wrong",
    503: "The database is away",
}


@dataclass(frozen=True, slots=True)
class Console:
    """What pages, API and live connections share; found as `request.app.state.console`."""

    store: Store
    settings: Settings
    door: Door
    hub: Hub
    calls: Calls
    zone: ZoneInfo
    templates: Environment

    async def read(
        self, work: Callable[Concatenate[Connection, int, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do `work(connection, clinic, …)` on the store."""
        return await self.store.read(work, self.settings.clinic.id, *args, **kwargs)

    def page(
        self, name: str, values: Mapping[str, Any], status: int = 200, path: str = "", signed_in: bool = True
    ) -> HTMLResponse:
        """A template as a response."""
        shared = {"clinic": self.settings.clinic, "path": path, "signed_in": signed_in, "words": words}
        return HTMLResponse(self.templates.get_template(name).render(**shared, **values), status)


async def no_calls() -> list[LiveCall]:
    """What is up where there is no exchange."""
    return []


def create_app(store: Store, settings: Settings, door: Door, calls: Calls = no_calls) -> FastAPI:
    """The console on a store. Its hub (`app.state.console.hub`) wants `run` in a task of the caller's.

    `calls`: those that are up.
    """
    app = FastAPI(title="Ringwell", docs_url=None, redoc_url=None, openapi_url=None)
    zone = ZoneInfo(settings.clinic.zone)

    async def look() -> Snapshot:
        found = await store.read(today.read, settings.clinic.id, zone, store.clock())
        return Snapshot(found.shape, today.cells(found))

    console = Console(store, settings, door, Hub(look), calls, zone, _templates())
    app.state.console = console
    parts = (pages, api, conversing, faxing, setting_routes, events, live)
    for part in parts:
        app.include_router(part.router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    app.add_exception_handler(HTTPException, _http_error)
    refuse = _refuser(console)
    app.add_middleware(
        security.Gate,
        refuse=refuse,
        sessions=door.sessions,
        host=settings.console.host,
    )
    app.add_middleware(security.Faults, refuse=refuse)
    app.add_middleware(security.Headers)
    return app


def _templates() -> Environment:
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    found.globals["static"] = {
        file.name: f"/static/{file.name}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        for file in (_HERE / "static").iterdir()
    }
    return found


def _refuser(console: Console) -> security.Refuse:
    async def refuse(
        scope: security.Scope, receive: security.Receive, send: security.Send, status: int, text: str
    ) -> None:
        await error_page(console, scope, status, text)(scope, receive, send)

    return refuse


def error_page(console: Console, scope: security.Scope, status: int, text: str) -> Response:
    """The answer to a request that cannot be served: JSON below /api, a page elsewhere."""
    if scope["path"].startswith("/api/"):
        return JSONResponse({"error": text}, status)
    title = _TITLES.get(status, "Something went wrong")
    signed_in = scope.get("state", {}).get("session") is not None
    values = {"status": status, "title": title, "text": text}
    return console.page("error.html", values, status, signed_in=signed_in)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = "Nothing is kept under this address." if error.status_code == 404 else ""
    plain = error.detail if error.detail and error.status_code == 400 else text
    return error_page(request.app.state.console, request.scope, error.status_code, plain)
