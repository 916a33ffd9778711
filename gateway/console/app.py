"""The console as an ASGI application: how its parts are put together."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.responses import Response
from starlette.staticfiles import StaticFiles

from gateway.accounts.oidc import Provider
from gateway.accounts.signing_in import SignIn
from gateway.accounts.tokens import Tokens
from gateway.console import access, api, live, pages, security, today
from gateway.console.calling import Calls
from gateway.console.checking import Doctor
from gateway.console.door import Door
from gateway.console.exports import Exports
from gateway.console.hub import Hub, Snapshot
from gateway.console.language import LANGUAGES, translator
from gateway.console.plans import Plans
from gateway.console.previews import Previews
from gateway.console.problems import problem
from gateway.console.running import Running
from gateway.console.shared import Console, say
from gateway.domain import LiveCall
from gateway.rendering import library_of
from gateway.settings import Settings, cache_folder
from store.engine import Store
from voices.library import VoiceLibrary

_HERE = Path(__file__).parent
_TITLES = {
    400: "That address is not right",
    401: "Please sign in",
    403: "Not allowed",
    404: "There is no such page",
    405: "That cannot be done here",
    409: "Somebody was faster",
    413: "Too much at once",
    421: "Wrong address",
    500: "Something went wrong",
    503: "The database is away",
}


async def no_calls() -> list[LiveCall]:
    """What is up where there is no exchange."""
    return []


def create_app(
    store: Store,
    settings: Settings,
    door: Door,
    calls: Calls = no_calls,
    library: VoiceLibrary | None = None,
    running: Running | None = None,
) -> FastAPI:
    """The console on a store. Its hub (`app.state.console.hub`) wants `run` in a task of the caller's.

    `calls`: those that are up; `library`: the gateway's voices, else the console's own; `running`: the
    gateway around it. Raises UnlistedRouteError when a route has no rule.
    """
    app = FastAPI(
        title="Ringwell",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(access.allowed)],
    )
    zone = ZoneInfo(settings.clinic.zone)

    async def look() -> Snapshot:
        found = await store.read(today.read, settings.clinic.id, zone, store.clock())
        return Snapshot(found.shape, today.cells(found))

    plans = Plans(store, settings.clinic.id)
    voices, previews = library or library_of(settings), Previews(cache_folder() / "previews")
    sign_in = SignIn(store, settings.clinic.id, settings.console)
    oidc = settings.console.oidc
    provider = Provider(oidc) if oidc.issuer else None
    screens, hub = _templates(), Hub(look)
    running = running or Running()
    doctor = Doctor(store, settings, running)
    works = plans, voices, previews, running, doctor
    console = Console(store, settings, door, sign_in, hub, calls, zone, provider, screens, *works)
    app.state.console = console
    app.state.api = api.document.document(api.ROUTERS)
    tokens = Tokens(store, settings.clinic.id)
    app.state.exports = Exports(settings.folder / "exports")
    routers = (*pages.ROUTERS, *api.ROUTERS, live.router)
    access.check(routers)
    for router in routers:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=_HERE / "static"))
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _not_understood)
    refuse = _refuser(app)
    app.add_middleware(security.Gate, refuse=refuse, sign_in=sign_in, tokens=tokens, names=_names(settings))
    app.add_middleware(security.Faults, refuse=refuse)
    app.add_middleware(security.Headers)
    return app


def _templates() -> Mapping[str, Environment]:
    static = {
        file.name: f"/static/{file.name}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
        for file in (_HERE / "static").iterdir()
    }
    return {language: _in_language(language, static) for language in LANGUAGES}


def _in_language(language: str, static: Mapping[str, str]) -> Environment:
    found = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    say = translator(language)
    # Newstyle: values go into a sentence by name, escaped.
    found.install_gettext_callables(  # type: ignore[attr-defined]
        say, lambda one, many, count: say(one if count == 1 else many), newstyle=True
    )
    found.globals["static"] = static
    return found


def _names(settings: Settings) -> Collection[str]:
    """The names that lead to the console; none: any."""
    if settings.console.host not in security.LOOPBACK:
        return ()
    own = urlsplit(settings.console.url).hostname
    return (*security.LOOPBACK, own) if own else security.LOOPBACK


def _refuser(app: FastAPI) -> security.Refuse:
    async def refuse(
        scope: security.Scope, receive: security.Receive, send: security.Send, status: int, text: str
    ) -> None:
        connection = HTTPConnection({**scope, "app": app})
        await error_page(connection, status, text)(scope, receive, send)

    return refuse


def error_page(request: HTTPConnection, status: int, text: str) -> Response:
    """The answer to a request that cannot be served: JSON below /api, a page elsewhere."""
    if request.url.path.startswith("/api/"):
        return problem(status, text)
    console: Console = request.app.state.console
    title = _TITLES.get(status, "Something went wrong")
    values = {"status": status, "title": say(request, title), "text": say(request, text)}
    return console.page(request, "error.html", values, status)


async def _not_understood(request: Request, error: Exception) -> Response:
    """Something typed is of the wrong kind: for programs it is told which, never what it was."""
    assert isinstance(error, RequestValidationError)
    if request.url.path.startswith("/api/"):
        wrong = [".".join(str(part) for part in one["loc"][1:]) for one in error.errors()]
        return problem(422, f"not understood: {', '.join(wrong)}", fields=wrong)
    return error_page(request, 400, "Something in the form was not understood.")


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = "Nothing is kept under this address." if error.status_code == 404 else ""
    plain = error.detail if error.detail and error.status_code in (400, 403, 409, 422) else text
    return error_page(request, error.status_code, plain)
