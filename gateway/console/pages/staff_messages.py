"""Staff messages: users write to each other, about a client if need be, and say when it is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway import staff_messages as writing
from gateway.accounts.rules import Rule
from gateway.consents import ConsentError, address_of
from gateway.console import rows
from gateway.console.shared import me, say, shared
from gateway.staff_messages import (
    LONGEST,
    LONGEST_SUBJECT,
    Letter,
    NoSuchClientError,
    StaffMessageError,
)
from store import clients, finding, people, staff_messages
from store.staff_messages import Thread, Wish

router = APIRouter(prefix="/staff-messages")
PAGE = 50
MOST_MEANT = 8
SHOWN = {"open": False, "done": True, "all": None}


class Typed(BaseModel):
    """The form of a new message, as it was sent."""

    to: list[str] = []
    subject: str = ""
    body: str = ""
    client: str = ""
    # The id of one of several who were meant.
    chosen: str = ""

    def letter(self) -> Letter:
        """As it is sent."""
        to = [number for text in self.to if (number := rows.whole(text)) is not None]
        return Letter(to, self.subject, self.body, (self.chosen or self.client)[:120])


@router.get("")
async def show_threads(request: Request) -> Response:
    """The user's threads: those that are open, or done, or all."""
    return await _listing(request)


async def _listing(request: Request, **more: Any) -> Response:
    console, user, query = shared(request), me(request), request.query_params
    show = query.get("show", "open") if query.get("show", "open") in SHOWN else "open"
    found = await console.read(
        staff_messages.listing,
        user.id,
        done=SHOWN[show],
        before=rows.instant(query.get("before", "")),
        most=PAGE + 1,
    )
    older = found[PAGE - 1].last_at if len(found) > PAGE else None
    now = console.store.clock()
    values = {
        "threads": found[:PAGE],
        "older": older and f"/staff-messages?{urlencode({'show': show, 'before': older.isoformat()})}",
        "show": show,
        "wish": await console.read(staff_messages.wish, user.id),
        "moment": lambda at: rows.moment(at, console.zone, now, partial(say, request)),
        "wrong": "",
        "done": query.get("done", ""),
    }
    return console.page(request, "staff_messages.html", values | more, 400 if more.get("wrong") else 200)


@router.get("/new")
async def show_new(request: Request) -> Response:
    """The form of a new message; `client=` the number of whom it is about."""
    number = rows.whole(request.query_params.get("client", ""))
    known = await shared(request).read(people.external_ids, [number]) if number is not None else {}
    return await _form(request, Letter((), "", "", known.get(number or 0, "")))


@router.post("/new")
async def send(request: Request, typed: Annotated[Typed, Form()]) -> Response:
    """Send it."""
    letter = typed.letter()
    try:
        return await _sent(request, letter)
    except NoSuchClientError as error:
        meant = await _meant(request, letter.client)
        if len(meant) != 1:
            wrong = "Several clients are called so: choose one." if meant else str(error)
            return await _form(request, letter, wrong, meant)
        letter = replace(letter, client=meant[0].external_id)
    except StaffMessageError as error:
        return await _form(request, letter, str(error))
    try:
        return await _sent(request, letter)
    except StaffMessageError as error:
        return await _form(request, letter, str(error))


async def _sent(request: Request, letter: Letter) -> Response:
    console = shared(request)
    args = me(request).id, letter, console.store.clock()
    number, _ = await console.change_once(
        request, "staff-message-sent", "staff-message:", writing.send, *args
    )
    return RedirectResponse(f"/staff-messages/{number}?done=sent", 303)


async def _meant(request: Request, text: str) -> Sequence[clients.Row]:
    """Clients that a name or number may mean, for who may see clients."""
    console = shared(request)
    if Rule.MESSAGING_VIEW not in me(request).rules:
        return []
    numbers, _ = await console.read(finding.look, text, MOST_MEANT)
    found = await console.read(clients.rows, list(dict.fromkeys(numbers)), console.store.clock())
    await console.note(request, "clients-listed", detail={"found": len(found), "searched": True})
    return found


async def _form(
    request: Request, letter: Letter, wrong: str = "", meant: Sequence[clients.Row] = ()
) -> Response:
    console = shared(request)
    values = {
        "letter": letter,
        "meant": meant,
        "users": await console.read(writing.receivers, me(request).id),
        "longest": LONGEST,
        "longest_subject": LONGEST_SUBJECT,
        "wrong": wrong,
    }
    return console.page(request, "staff_message_new.html", values, 400 if wrong else 200)


@router.post("/notices")
async def set_notices(
    request: Request, email: Annotated[str, Form()] = "", phone: Annotated[str, Form()] = ""
) -> Response:
    """How the user is told that a message waits."""
    console, user = shared(request), me(request)
    try:
        number = address_of(phone, console.settings.clinic.country) if phone.strip() else ""
        if "@" in number:
            raise ConsentError(phone)
    except ConsentError:
        wish = Wish(bool(email), phone.strip()[:40])
        return await _listing(request, wish=wish, wrong="This is not a telephone number.")
    about = f"user:{user.id}"
    wish = Wish(bool(email), number)
    await console.change(request, "notices-set", about, staff_messages.set_wish, user.id, wish)
    return RedirectResponse("/staff-messages?done=notices", 303)


@router.get("/{number:int}")
async def show_thread(request: Request, number: int) -> Response:
    """One thread, which is read by that."""
    thread = await _found(request, number)
    console, user = shared(request), me(request)
    if thread.unread:
        await console.store.run(staff_messages.mark_read, console.clinic, number, user.id)
    if thread.client is not None:
        await console.note(request, "staff-message-viewed", f"client:{thread.client}")
    return await _thread(request, thread)


@router.post("/{number:int}")
async def answer(
    request: Request, number: int, body: Annotated[str, Form()] = "", how: Annotated[str, Form()] = ""
) -> Response:
    """Answer, or mark it as done; both with words or, done, without."""
    thread = await _found(request, number)
    console, is_done = shared(request), how == "done"
    action, about = "staff-message-done" if is_done else "staff-message-answered", f"staff-message:{number}"
    args = number, me(request).id, body, console.store.clock()
    try:
        await console.change(request, action, about, writing.answer, *args, done=is_done)
    except StaffMessageError as error:
        return await _thread(request, thread, body, str(error))
    return RedirectResponse(f"/staff-messages/{number}?done={'done' if is_done else 'answered'}", 303)


async def _thread(request: Request, thread: Thread, body: str = "", wrong: str = "") -> Response:
    console, now = shared(request), shared(request).store.clock()
    values = {
        "thread": thread,
        "notes": await console.read(staff_messages.notes, thread.id),
        "mine": me(request).id,
        "body": body,
        "longest": LONGEST,
        "moment": lambda at: rows.moment(at, console.zone, now, partial(say, request)),
        "names": _joined(request, thread),
        "wrong": wrong,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "staff_message.html", values, 400 if wrong else 200)


def _joined(request: Request, thread: Thread) -> str:
    return ", ".join(thread.people) or say(request, "nobody else")


async def _found(request: Request, number: int) -> Thread:
    found: Thread | None = await shared(request).read(staff_messages.find, number, me(request).id)
    if found is None:
        raise HTTPException(404)
    return found
