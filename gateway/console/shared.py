"""What pages, API and live connections share: the store, the user, the screens' language, the audit log."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from jinja2 import Environment
from sqlalchemy import Connection
from starlette.requests import HTTPConnection, Request
from starlette.responses import HTMLResponse

from gateway.accounts.oidc import Provider
from gateway.accounts.signing_in import SignIn
from gateway.console import words
from gateway.console.access import csrf_token
from gateway.console.calling import Calls
from gateway.console.checking import Doctor
from gateway.console.cookies import session_cookie
from gateway.console.door import Door
from gateway.console.hub import Hub
from gateway.console.language import LANGUAGES, USUAL, translator, wanted
from gateway.console.navigation import menu
from gateway.console.plans import Plans
from gateway.console.previews import Previews
from gateway.console.running import Running
from gateway.settings import Settings
from store import answers, audit
from store.accounts import Account
from store.audit import Deed, Wanted
from store.engine import Store
from voices.library import VoiceLibrary

P = ParamSpec("P")
T = TypeVar("T")
# A page that fetches itself is not told again for so long.
_LATELY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Console:
    """Found by `shared(request)`."""

    store: Store
    settings: Settings
    door: Door
    sign_in: SignIn
    hub: Hub
    calls: Calls
    zone: ZoneInfo
    provider: Provider | None
    # By language.
    templates: Mapping[str, Environment]
    plans: Plans
    library: VoiceLibrary
    previews: Previews
    running: Running
    doctor: Doctor

    @property
    def clinic(self) -> int:
        """Its number: whatever is read or written is of this clinic alone."""
        return self.settings.clinic.id

    @property
    def provider_name(self) -> str:
        """What the sign-in page calls the identity provider; empty: there is none."""
        oidc = self.settings.console.oidc
        return (oidc.name or oidc.issuer.partition("://")[2]) if oidc.issuer else ""

    async def read(
        self, work: Callable[Concatenate[Connection, int, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Do `work(connection, clinic, …)` on the store."""
        return await self.store.read(work, self.clinic, *args, **kwargs)

    async def change(
        self,
        request: HTTPConnection,
        action: str,
        about: str,
        work: Callable[Concatenate[Connection, int, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> T:
        """Do `work(connection, clinic, …)` and write down who did it, in one transaction.

        Where `about` ends with ":", the number that `work` returns follows.
        """
        deed = _deed(request, action, about)

        def both(conn: Connection) -> T:
            result = work(conn, self.clinic, *args, **kwargs)
            named = deed if not about.endswith(":") else _deed(request, action, f"{about}{result}")
            audit.append(conn, self.clinic, named, self.store.clock())
            return result

        return await self.store.run(both)

    async def change_once(
        self,
        request: Request,
        action: str,
        about: str,
        work: Callable[Concatenate[Connection, int, P], int],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> tuple[int, bool]:
        """The same, but once for each form that was sent: the number, and whether it is new.

        A form is the same where its hidden `once` and all that was typed are: sent again, by a second click
        or after a lost connection, it does nothing. For whatever reaches patients.
        """
        key, now = await _key_of(request), self.store.clock()

        def once(conn: Connection) -> tuple[int, bool]:
            found = answers.begin(conn, self.clinic, me(request).id, key, action, now)
            if found is not None:
                return int(found.body), False
            number = work(conn, self.clinic, *args, **kwargs)
            named = f"{about}{number}" if about.endswith(":") else about
            audit.append(conn, self.clinic, _deed(request, action, named), now)
            answers.keep(conn, self.clinic, me(request).id, key, 200, str(number))
            return number, True

        return await self.store.run(once)

    def witness(
        self, request: HTTPConnection, action: str, about: str, detail: Mapping[str, object] | None = None
    ) -> Callable[[Connection], int]:
        """What writes down who did it, for work that has a transaction of its own."""
        deed = _deed(request, action, about, detail)
        return lambda conn: audit.append(conn, self.clinic, deed, self.store.clock())

    async def note(
        self,
        request: HTTPConnection,
        action: str,
        about: str = "",
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Write down what the user looked at or did; pages that fetch themselves are not told again."""
        deed, now = _deed(request, action, about, detail), self.store.clock()
        if request.headers.get("x-refresh"):
            lately = Wanted(deed.account, action, about, now - _LATELY)
            if await self.read(audit.lines, lately, 1):
                return
        await self.store.run(audit.append, self.clinic, deed, now)

    def page(
        self, request: HTTPConnection, name: str, values: Mapping[str, Any], status: int = 200
    ) -> HTMLResponse:
        """A template as a response, in the user's language."""
        user = user_of(request)
        language = language_of(request)
        common = {
            "clinic": self.settings.clinic,
            "path": request.url.path,
            "user": user,
            "menu": menu(user.rules) if user else [],
            "language": language,
            "languages": LANGUAGES,
            "csrf": csrf_token(session_cookie(request.scope)),
            "words": words,
            # For forms that must do what they do once.
            "once": secrets.token_urlsafe(12),
        }
        template = self.templates[language].get_template(name)
        return HTMLResponse(template.render(**common, **values), status)


def shared(request: HTTPConnection) -> Console:
    """The console that a request belongs to."""
    found: Console = request.app.state.console
    return found


def user_of(request: HTTPConnection) -> Account | None:
    """The user who is in."""
    session = request.scope.get("state", {}).get("session")
    return session.account if session is not None else None


def me(request: HTTPConnection) -> Account:
    """The user, on a route that only users reach."""
    found: Account = request.state.session.account
    return found


def language_of(request: HTTPConnection) -> str:
    """The user's, or the one that the browser asks for."""
    user = user_of(request)
    if user is not None:
        return user.language if user.language in LANGUAGES else USUAL
    return wanted(request.headers.get("accept-language", ""))


def say(request: HTTPConnection, text: str) -> str:
    """An English sentence in the language of whoever asked."""
    return translator(language_of(request))(text)


async def _key_of(request: Request) -> str:
    """Which form this is, and with what in it; one that was not drawn by a page is like no other."""
    form = await request.form()
    if not form.get("once"):
        return f"form {secrets.token_urlsafe(12)}"
    said = sorted((name, str(value)) for name, value in form.multi_items() if name != "csrf")
    return f"form {hashlib.sha256(json.dumps(said).encode()).hexdigest()}"


def _deed(
    request: HTTPConnection, action: str, about: str, detail: Mapping[str, object] | None = None
) -> Deed:
    user = user_of(request)
    number, name = (user.id, user.name) if user else (0, "")
    return Deed(number, name, action, about, detail or {})
