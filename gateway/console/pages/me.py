"""One's own account: language, password, second factor, and the browsers that are signed in."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from gateway.accounts import passwords, second
from gateway.accounts.passwords import WeakPasswordError
from gateway.accounts.signing_in import IN, LaterError, digest
from gateway.console.cookies import give_session, session_cookie
from gateway.console.language import LANGUAGES, USUAL
from gateway.console.pages.signing_in import browser_of, enrolled, enrolment, too_many
from gateway.console.shared import me, shared
from store import accounts, sessions

router = APIRouter()


async def _page(request: Request, status: int = 200, **more: Any) -> Response:
    console, user = shared(request), me(request)
    values = {
        "here": digest(session_cookie(request.scope)),
        "browsers": await console.read(sessions.of_account, user.id),
        "codes_left": await console.read(accounts.recovery_left, user.id),
        "needs_second": console.sign_in.needs_second(user),
        "shortest": passwords.SHORTEST,
        "wrong": "",
        "done": request.query_params.get("done", ""),
        "zone": console.zone,
    }
    return console.page(request, "me.html", values | more, status)


@router.get("/me")
async def show_me(request: Request) -> Response:
    """The user's own account."""
    return await _page(request)


@router.post("/me/language")
async def set_language(request: Request, language: Annotated[str, Form()] = "") -> Response:
    """The language of the screens."""
    console, user = shared(request), me(request)
    wanted = language if language in LANGUAGES else USUAL
    await console.change(request, "language-set", f"user:{user.id}", accounts.set_language, user.id, wanted)
    return RedirectResponse("/me?done=language", 303)


@router.post("/me/password")
async def set_password(
    request: Request,
    password: Annotated[str, Form()] = "",
    wanted: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Another password; every other browser is signed out."""
    console, user = shared(request), me(request)
    if wrong := await _wrong_password(request, password):
        return await _page(request, 400, wrong=wrong)
    try:
        if wanted != again:
            raise WeakPasswordError("The two passwords differ.")
        made = await asyncio.to_thread(passwords.hashed, wanted, user.login)
    except WeakPasswordError as error:
        return await _page(request, 400, wrong=str(error))
    now = console.store.clock()
    about = f"user:{user.id}"
    await console.change(request, "password-changed", about, accounts.set_password, user.id, made, now)
    # Everybody was signed out with it, this browser too.
    answer = RedirectResponse("/me?done=password", 303)
    give_session(request, answer, await console.sign_in.begin(user, IN, browser_of(request)))
    return answer


async def _wrong_password(request: Request, password: str) -> str:
    """What is wrong with the password; someone at a browser that was left open does not know it."""
    user = me(request)
    try:
        right = await shared(request).sign_in.is_own_password(user, password, browser_of(request))
    except LaterError as error:
        return too_many(request, error)
    return "" if right else "The password of now is not right."


@router.get("/me/second")
async def show_second(request: Request) -> Response:
    """A new second factor."""
    return _second(request, second.new_secret())


def _second(request: Request, secret: str, wrong: str = "") -> Response:
    return enrolment(request, me(request), secret, wrong, "/me/second", by_password=me(request).has_password)


@router.post("/me/second")
async def set_second(
    request: Request,
    secret: Annotated[str, Form()] = "",
    code: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
) -> Response:
    """The app shows the right code: it is the second factor from now on."""
    user = me(request)
    if user.has_password and (wrong := await _wrong_password(request, password)):
        return _second(request, secret, wrong)
    codes = await enrolled(request, user, secret, code)
    if codes is None:
        return _second(request, secret, "This code is not right, or was used before. Wait for the next one.")
    return shared(request).page(request, "recovery.html", {"codes": codes})


@router.post("/me/second/remove")
async def remove_second(request: Request, password: Annotated[str, Form()] = "") -> Response:
    """Go without a second factor, where the settings let one."""
    console, user = shared(request), me(request)
    if console.sign_in.needs_second(user):
        return await _page(request, 400, wrong="The settings ask for a second factor.")
    if wrong := await _wrong_password(request, password):
        return await _page(request, 400, wrong=wrong)
    about = f"user:{user.id}"
    await console.change(request, "second-factor-removed", about, accounts.set_second, user.id, None)
    return RedirectResponse("/me?done=second", 303)


@router.post("/me/recovery")
async def new_recovery(request: Request, password: Annotated[str, Form()] = "") -> Response:
    """New recovery codes; the ones before open nothing any more."""
    console, user = shared(request), me(request)
    if user.has_password and (wrong := await _wrong_password(request, password)):
        return await _page(request, 400, wrong=wrong)
    codes = second.new_recovery()
    digests = [second.digest_of(code) for code in codes]
    about = f"user:{user.id}"
    await console.change(request, "recovery-codes-made", about, accounts.set_recovery, user.id, digests)
    return console.page(request, "recovery.html", {"codes": codes})


@router.post("/me/leave-everywhere")
async def leave_everywhere(request: Request) -> Response:
    """Sign out all other browsers."""
    console, user = shared(request), me(request)
    here = digest(session_cookie(request.scope))
    about = f"user:{user.id}"
    await console.change(request, "signed-out-everywhere", about, sessions.end_all, user.id, here)
    return RedirectResponse("/me?done=everywhere", 303)
