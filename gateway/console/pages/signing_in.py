"""The way in and out: one-time links, login and password, the second factor."""

from __future__ import annotations

import asyncio
import secrets as random
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy import Connection
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from gateway.accounts import passwords, second
from gateway.accounts.making import make_first
from gateway.accounts.passwords import WeakPasswordError
from gateway.accounts.signing_in import CODE, ENROL, IN, Browser, LaterError, RefusedError, digest
from gateway.console.cookies import device_cookie, give_device, give_session, session_cookie, take_session
from gateway.console.door import Purpose
from gateway.console.drawing import qr_code
from gateway.console.shared import Console, language_of, say, shared
from store import accounts, audit, sessions
from store.accounts import Account
from store.audit import Deed
from store.sessions import Session

router = APIRouter()

_WRONG = "This login and password do not go together. Look at the capital letters, or ask for a new link."
_WRONG_CODE = "This code is not right, or was used before. Wait for the next one."
_TOO_MANY = "Too many wrong tries. Try again at %(time)s, or use a link that the gateway prints."


def browser_of(request: Request) -> Browser:
    """Where a request comes from."""
    source = request.client.host if request.client else ""
    return Browser(source, request.headers.get("user-agent", ""), device_cookie(request.scope))


# --- one-time links ---


@router.get("/enter")
async def show_entrance(request: Request, token: str = "") -> Response:
    """A form: looking at the link (a preview, a prefetch) does not use the token up."""
    return await _link_page(request, token[:100])


async def _link_page(request: Request, token: str, status: int = 200, **more: Any) -> Response:
    console = shared(request)
    found = await asyncio.to_thread(console.door.look, token)
    user = await console.read(accounts.find, found.account) if found and found.account else None
    values = {"token": token, "purpose": found.purpose if found else "", "name": "", "login": "", "wrong": ""}
    if token and found is None:
        values["wrong"] = "This link was used before, is older than 30 minutes, or is not one of ours."
    shown = {**values, "whose": user, "shortest": passwords.SHORTEST, **more}
    return console.page(request, "enter.html", shown, status)


@router.post("/enter")
async def enter(
    request: Request,
    token: Annotated[str, Form()] = "",
    name: Annotated[str, Form()] = "",
    login: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    again: Annotated[str, Form()] = "",
) -> Response:
    """Use a one-time link: it opens the console, or sets a password, or makes the first administrator."""
    console, token = shared(request), token.strip()[:100]
    found = await asyncio.to_thread(console.door.look, token)
    if found is None:
        return await _link_page(request, token, 401)
    typed = {"name": name, "login": login}
    if found.purpose is Purpose.ENTER:
        password_hash = None
    else:
        user = await console.read(accounts.find, found.account) if found.account else None
        try:
            password_hash = await _new_password(password, again, user.login if user else login)
        except WeakPasswordError as error:
            return await _link_page(request, token, 400, wrong=str(error), **typed)
    if found.purpose is Purpose.FIRST and not (name.strip() and accounts.plain(login)):
        return await _link_page(request, token, 400, wrong="Name and login are needed.", **typed)
    if await asyncio.to_thread(console.door.redeem, token) is None:
        return await _link_page(request, token, 401)
    number = found.account
    if found.purpose is Purpose.FIRST:
        said = login[:120], name.strip()[:200], language_of(request), console.store.clock()
        made = await console.store.run(make_first, console.clinic, *said)
        if made is None:
            return await _link_page(request, "", 409, wrong="There is an administrator already.")
        number = made
    if password_hash is not None:
        await console.store.run(_set_password, console.clinic, number, password_hash, console.store.clock())
    account = await console.read(accounts.find, number)
    if account is None or not account.enabled:
        return await _link_page(request, token, 401)
    return await _come_in(request, account, IN if found.purpose is Purpose.ENTER else _next(console, account))


async def _new_password(password: str, again: str, login: str) -> str:
    if password != again:
        raise WeakPasswordError("The two passwords differ.")
    return await asyncio.to_thread(passwords.hashed, password, login)


def _set_password(conn: Connection, clinic: int, number: int, password_hash: str, now: datetime) -> None:
    accounts.set_password(conn, clinic, number, password_hash, now)
    user = accounts.find(conn, clinic, number)
    name = user.name if user else ""
    audit.append(conn, clinic, Deed(number, name, "password-changed", f"user:{number}"), now)


def _next(console: Console, account: Account) -> str:
    """What a user who has shown a link or a password has to show then."""
    if account.has_second:
        return CODE
    return ENROL if console.sign_in.needs_second(account) else IN


async def _come_in(request: Request, account: Account, stage: str) -> Response:
    console = shared(request)
    secret = await console.sign_in.begin(account, stage, browser_of(request))
    return await _admitted(request, account, stage, secret)


async def _admitted(request: Request, account: Account, stage: str, secret: str) -> Response:
    where = {IN: "/", CODE: "/sign-in/code", ENROL: "/sign-in/second"}[stage]
    answer = RedirectResponse(where, 303)
    give_session(request, answer, secret)
    if stage == IN:
        await remember(request, answer, account)
    return answer


async def remember(request: Request, answer: Response, account: Account) -> None:
    """The browser is known from now on: others' wrong tries do not lock it out."""
    console = shared(request)
    known = device_cookie(request.scope) or random.token_urlsafe(32)
    now = console.store.clock()
    await console.store.run(sessions.know, console.clinic, digest(known), account.id, now)
    give_device(request, answer, known)


# --- login and password ---


@router.get("/sign-in")
async def show_sign_in(request: Request) -> Response:
    """Login and password; where there is nobody yet, how to begin."""
    return sign_in_page(request, anybody=bool(await shared(request).read(accounts.accounts)))


def sign_in_page(
    request: Request, wrong: str = "", login: str = "", status: int = 200, anybody: bool = True
) -> Response:
    """The ways in: by password, and by the provider where there is one."""
    console = shared(request)
    values = {"anybody": anybody, "wrong": wrong, "login": login, "provider": console.provider_name}
    return console.page(request, "sign_in.html", values, status)


@router.post("/sign-in")
async def sign_in(
    request: Request, login: Annotated[str, Form()] = "", password: Annotated[str, Form()] = ""
) -> Response:
    """Come in by login and password, maybe as far as the second factor."""
    console, login = shared(request), login[:200]
    try:
        account, secret = await console.sign_in.by_password(login, password, browser_of(request))
    except (RefusedError, LaterError) as error:
        status = 401 if isinstance(error, RefusedError) else 429
        return sign_in_page(request, _told(request, error, _WRONG), login, status)
    return await _admitted(request, account, _next(console, account), secret)


def _told(request: Request, error: RefusedError | LaterError, wrong: str) -> str:
    return too_many(request, error) if isinstance(error, LaterError) else say(request, wrong)


def too_many(request: Request, error: LaterError) -> str:
    """When the next try is taken."""
    local = error.until.astimezone(shared(request).zone)
    return say(request, _TOO_MANY) % {"time": f"{local:%H:%M}"}


# --- the second factor ---


def _pending(request: Request, stage: str) -> Session | None:
    session: Session | None = request.state.pending
    if session is None or session.stage != stage:
        return None
    # Whoever has set one up meanwhile shows that: a password alone never replaces it.
    return None if stage == ENROL and session.account.has_second else session


@router.get("/sign-in/code")
async def show_code(request: Request) -> Response:
    """A code of the app, or a recovery code."""
    if _pending(request, CODE) is None:
        return RedirectResponse("/", 303)
    return shared(request).page(request, "code.html", {"wrong": ""})


@router.post("/sign-in/code")
async def show_second(request: Request, code: Annotated[str, Form()] = "") -> Response:
    """Show the second factor."""
    console, session = shared(request), _pending(request, CODE)
    if session is None:
        return RedirectResponse("/", 303)
    try:
        await console.sign_in.by_code(session, code[:40], browser_of(request))
    except (RefusedError, LaterError) as error:
        wrong = _told(request, error, _WRONG_CODE)
        status = 401 if isinstance(error, RefusedError) else 429
        return console.page(request, "code.html", {"wrong": wrong}, status)
    answer = RedirectResponse("/", 303)
    await remember(request, answer, session.account)
    return answer


@router.get("/sign-in/second")
async def show_enrolment(request: Request) -> Response:
    """Set up the second factor that the settings ask for."""
    session = _pending(request, ENROL)
    if session is None:
        return RedirectResponse("/", 303)
    return enrolment(request, session.account, second.new_secret())


def enrolment(
    request: Request,
    account: Account,
    secret: str,
    wrong: str = "",
    action: str = "/sign-in/second",
    by_password: bool = False,
) -> Response:
    """The page with the QR code of a new secret; `by_password`: that is asked for as well."""
    console = shared(request)
    code = qr_code(second.address(secret, account.login, console.settings.clinic.name))
    values = {"qr": code, "secret": secret, "wrong": wrong, "action": action, "by_password": by_password}
    return console.page(request, "second.html", values, 400 if wrong else 200)


@router.post("/sign-in/second")
async def enrol(
    request: Request, secret: Annotated[str, Form()] = "", code: Annotated[str, Form()] = ""
) -> Response:
    """The app shows the right code: it is the second factor from now on."""
    session = _pending(request, ENROL)
    if session is None:
        return RedirectResponse("/", 303)
    codes = await enrolled(request, session.account, secret, code)
    if codes is None:
        return enrolment(request, session.account, secret, _WRONG_CODE)
    console, key = shared(request), digest(session_cookie(request.scope))
    deed = Deed(session.account.id, session.account.name, "signed-in")
    await console.store.run(_promote, console.clinic, key, deed, console.store.clock())
    answer = console.page(request, "recovery.html", {"codes": codes})
    await remember(request, answer, session.account)
    return answer


def _promote(conn: Connection, clinic: int, key: str, deed: Deed, now: datetime) -> None:
    sessions.promote(conn, clinic, key, IN)
    audit.append(conn, clinic, deed, now)


async def enrolled(request: Request, account: Account, secret: str, code: str) -> list[str] | None:
    """Recovery codes of the new second factor; None when the code does not fit the secret."""
    console, now = shared(request), shared(request).store.clock()
    try:
        counter = second.counter_of(code, secret, now)
    except ValueError:
        return None
    if counter is None or len(secret) != len(second.new_secret()):
        return None
    codes = second.new_recovery()
    deed = Deed(account.id, account.name, "second-factor-set", f"user:{account.id}")
    await console.store.run(_set_second, console.clinic, account.id, secret, codes, counter, deed, now)
    return codes


def _set_second(
    conn: Connection,
    clinic: int,
    number: int,
    secret: str,
    codes: list[str],
    counter: int,
    deed: Deed,
    now: datetime,
) -> None:
    accounts.set_second(conn, clinic, number, secret, [second.digest_of(code) for code in codes], counter)
    audit.append(conn, clinic, deed, now)


# --- out ---


@router.post("/leave")
async def leave(request: Request) -> Response:
    """Sign out."""
    console, key = shared(request), digest(session_cookie(request.scope))
    if request.state.session is not None:
        await console.change(request, "signed-out", "", sessions.end, key)
    else:
        await console.store.run(sessions.end, console.clinic, key)
    answer = RedirectResponse("/sign-in", 303)
    take_session(request, answer)
    return answer


@router.get("/health")
async def health() -> Response:
    """For a supervisor: says nothing but that the console answers."""
    return PlainTextResponse("ok")
