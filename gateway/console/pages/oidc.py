"""Signing in at the clinic's identity provider, where the settings name one."""

from __future__ import annotations

import logging
import secrets

from fastapi import APIRouter, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.accounts.oidc import Pending, Provider, ProviderError
from gateway.accounts.signing_in import IN
from gateway.console.cookies import give_pending, give_session, pending_cookie, take_pending
from gateway.console.pages.signing_in import browser_of, remember, sign_in_page
from gateway.console.shared import Console, shared
from store import accounts

log = logging.getLogger(__name__)
router = APIRouter(prefix="/sign-in/provider")


def _provider(console: Console) -> Provider:
    if console.provider is None:
        raise HTTPException(404)
    return console.provider


def _back(request: Request) -> str:
    """Where the provider sends the browser back to; the provider must know it."""
    console = shared(request)
    own = console.settings.console.url or f"{request.url.scheme}://{request.headers.get('host', '')}"
    return f"{own}/sign-in/provider/back"


@router.get("")
async def go(request: Request) -> Response:
    """Send the browser to the provider."""
    console, pending = shared(request), Pending.new()
    try:
        address = await _provider(console).address(pending, _back(request))
    except ProviderError as error:
        return _refused(request, error)
    answer = RedirectResponse(address, 303)
    give_pending(request, answer, pending.sealed())
    return answer


@router.get("/back")
async def come_back(request: Request, code: str = "", state: str = "") -> Response:
    """The provider has said who it is: a user of ours comes in, nobody is made one."""
    console, provider = shared(request), _provider(shared(request))
    pending = Pending.opened(pending_cookie(request.scope))
    if pending is None or not secrets.compare_digest(pending.state.encode(), state.encode()) or not code:
        return _refused(request, ProviderError("the sign-in was broken off, or took too long"))
    try:
        login = await provider.login(pending, code, _back(request), console.store.clock())
    except ProviderError as error:
        return _refused(request, error)
    account = await console.read(accounts.by_login, login)
    if account is None or not account.enabled:
        return _refused(request, ProviderError("nobody here has the login that the provider told"))
    secret = await console.sign_in.begin(account, IN, browser_of(request))
    # No redirect: one that began at another site would not carry the new cookie.
    answer = console.page(request, "came_in.html", {})
    give_session(request, answer, secret)
    take_pending(request, answer)
    await remember(request, answer, account)
    return answer


def _refused(request: Request, error: ProviderError) -> Response:
    log.warning("console: sign-in at the identity provider: %s", error)
    wrong = "Signing in at the clinic's provider did not work; the log says why. Use your password, or ask."
    answer = sign_in_page(request, wrong, status=401)
    take_pending(request, answer)
    return answer
