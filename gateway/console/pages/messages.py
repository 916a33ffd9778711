"""One message: its words, why and why not, the evidence of each attempt; and sending it again, with care."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.exceptions import HTTPException
from starlette.responses import RedirectResponse, Response

from gateway.accounts.rules import Rule
from gateway.again import ACTION, STATES, Again, AgainError, judge_again, send_again
from gateway.console import rows, words
from gateway.console.explaining import Told
from gateway.console.language import translator
from gateway.console.rows import Detail
from gateway.console.shared import Console, language_of, me, say, shared
from gateway.in_force import in_force
from gateway.policy import Rules
from gateway.said import said
from gateway.settings import Settings
from gateway.why import why_of
from store import why as records

router = APIRouter(prefix="/messages")


@router.get("/{text}")
async def show_message(request: Request, text: str) -> Response:
    """One message with its attempts and their evidence."""
    detail = await _detail(request, text)
    await shared(request).note(request, "message-viewed", f"message:{detail.row.id}")
    return await _page(request, detail)


@router.post("/{text}")
async def show_address(request: Request, text: str) -> Response:
    """The same with the whole number or address."""
    detail = await _detail(request, text)
    await shared(request).note(request, "address-shown", f"message:{detail.row.id}")
    return await _page(request, detail, detail.entry.address)


async def _detail(request: Request, text: str) -> Detail:
    console, number = shared(request), rows.whole(text)
    if number is None:
        raise HTTPException(404)
    words_of = translator(language_of(request))
    found = await console.read(rows.read_detail, number, console.zone, console.store.clock(), words_of)
    if found is None:
        raise HTTPException(404)
    return found


async def _page(request: Request, detail: Detail, address: str = "") -> Response:
    console, entry = shared(request), detail.entry
    settings = await in_force(console.store, console.settings)
    now, words_of = console.store.clock(), translator(language_of(request))
    may = Rule.MESSAGING_CREATE in me(request).rules and entry.state in STATES and entry.broadcast
    values = {
        "detail": detail,
        "address": address,
        "said": await said(console.store, settings.clinic, entry),
        "story": await _story(request, console, settings, detail),
        "may_again": may,
        "moment": lambda at: rows.moment(at, console.zone, now, words_of),
    }
    return console.page(request, "message.html", values)


async def _story(
    request: Request, console: Console, settings: Settings, detail: Detail
) -> dict[str, Any] | None:
    """Its verdicts in the user's language; None of a message to nobody on record."""
    person = await console.read(records.person_of, detail.entry.recipient)
    if person is None:
        return None
    found = await why_of(console.store, console.clinic, Rules.of(settings), person, detail.entry.id)
    story: dict[str, Any] = Told(found, settings, language_of(request)).as_data()["messages"][0]
    return story


@router.get("/{text}/again")
async def ask_again(request: Request, text: str) -> Response:
    """What would be sent, with the verdict of this moment, to be confirmed."""
    detail = await _detail(request, text)
    again, settings = await _judged(request, detail)
    await shared(request).note(request, "message-viewed", f"message:{detail.row.id}")
    return await _asking(request, detail, again, settings)


@router.post("/{text}/again")
async def send(
    request: Request, text: str, earlier: Annotated[str, Form()] = "", sure: Annotated[str, Form()] = ""
) -> Response:
    """Send it again, as the policy allows at this moment."""
    console, detail = shared(request), await _detail(request, text)
    again, settings = await _judged(request, detail)
    if again.may_have_arrived and not sure:
        wrong = say(request, "Tick that it may have arrived already.")
        return await _asking(request, detail, again, settings, wrong)
    try:
        number = await console.change(
            request,
            ACTION,
            f"message:{detail.row.id}",
            send_again,
            again,
            rows.whole(earlier) or 0,
            console.store.clock(),
        )
    except AgainError as error:
        return await _asking(request, detail, again, settings, say(request, str(error)))
    return RedirectResponse(f"/history?broadcast={number}&done=again", 303)


async def _judged(request: Request, detail: Detail) -> tuple[Again, Settings]:
    console = shared(request)
    settings = await in_force(console.store, console.settings)
    try:
        return await judge_again(console.store, console.clinic, Rules.of(settings), detail.row.id), settings
    except AgainError as error:
        raise HTTPException(409, str(error)) from error


async def _asking(
    request: Request, detail: Detail, again: Again, settings: Settings, wrong: str = ""
) -> Response:
    console = shared(request)
    person = await console.read(records.person_of, detail.entry.recipient)
    verdict: dict[str, Any] = {}
    if person is not None:
        found = await why_of(console.store, console.clinic, Rules.of(settings), person, detail.entry.id)
        verdict = Told(found, settings, language_of(request)).verdict(again.verdict)
    values = {
        "detail": detail,
        "again": again,
        "verdict": verdict,
        "channel": words.CHANNELS[again.planned.channel],
        "address": words.mask(again.planned.address) if again.planned.address else "",
        "said": await said(console.store, settings.clinic, detail.entry),
        "wrong": wrong,
    }
    return console.page(request, "message_again.html", values, 409 if wrong else 200)
