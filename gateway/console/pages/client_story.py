"""What happened with a client: visits, messages, texts both ways, and why they get messages or not."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from starlette.responses import RedirectResponse, Response

from gateway import conversing
from gateway.accounts.rules import Rule
from gateway.console import filters, one_client, rows
from gateway.console.explaining import Told
from gateway.console.filters import FilterError
from gateway.console.language import translator
from gateway.console.one_client import Client
from gateway.console.pages.inbox import MEANT
from gateway.console.shared import language_of, me, shared
from gateway.conversing import NoConversationError
from gateway.domain import ContentError
from gateway.in_force import in_force
from gateway.policy import Rules
from gateway.why import why
from store import clients, conversations, people
from store.searching import Search

router = APIRouter(prefix="/clients/{number:int}")
MOST = 200


@router.get("/appointments")
async def show_appointments(request: Request, number: int) -> Response:
    """Visits, and what falls due."""
    console, client = shared(request), await one_client.viewed(request, number, "appointments")
    now = console.store.clock()
    values = {
        "client": client,
        "visits": await console.read(clients.appointments, number, MOST),
        "renewals": await console.read(clients.renewals, number, MOST),
        "moment": lambda at: rows.minute(at, console.zone, now),
        "now": now,
        "may_import": Rule.CLIENT_EDIT in me(request).rules,
    }
    return console.page(request, "client_appointments.html", values)


@router.get("/messages")
async def show_messages(request: Request, number: int) -> Response:
    """Every message, the newest first."""
    console, client = shared(request), await one_client.viewed(request, number, "messages")
    try:
        before = filters.number(request.query_params.get("before", ""))
    except FilterError:
        before = None
    say, search = translator(language_of(request)), Search(recipients=(number,))
    page = await console.read(rows.read_page, search, console.zone, console.store.clock(), say, before)
    return console.page(request, "client_messages.html", {"client": client, "page": page})


@router.get("/conversation")
async def show_conversation(request: Request, number: int) -> Response:
    """Texts both ways, with a box for another."""
    return await _conversation(request, await one_client.viewed(request, number, "conversation"))


@router.post("/conversation")
async def text(request: Request, number: int, body: Annotated[str, Form()] = "") -> Response:
    """Send a text to the client."""
    console, client = shared(request), await one_client.found(request, number)
    body, by, now = body.replace("\r\n", "\n"), me(request).name, console.store.clock()
    heading = await _heading(request, client)
    work: Any = conversing.answer if heading is not None else conversing.write_to
    whom = heading.id if heading is not None else client.person.external_id
    try:
        await console.change_once(request, "text-written", f"client:{number}", work, whom, body, by, now)
    except (ContentError, NoConversationError) as error:
        return await _conversation(request, client, body, str(error))
    return RedirectResponse(f"/clients/{number}/conversation?done=sent", 303)


async def _heading(request: Request, client: Client) -> conversations.Heading | None:
    console = shared(request)
    address = await console.read(people.text_address, client.person.external_id)
    return await console.read(conversations.with_address, address) if address else None


async def _conversation(request: Request, client: Client, body: str = "", wrong: str = "") -> Response:
    console, now = shared(request), shared(request).store.clock()
    address = await console.read(people.text_address, client.person.external_id)
    values = {
        "client": client,
        "lines": await console.read(conversations.lines, address) if address else [],
        "address": address,
        "meant": MEANT,
        "moment": lambda at: rows.moment(at, console.zone, now),
        "body": body,
        "wrong": wrong,
        "may_write": Rule.MESSAGING_CREATE in me(request).rules,
        "done": request.query_params.get("done", ""),
    }
    return console.page(request, "client_conversation.html", values, 400 if wrong else 200)


@router.get("/why")
async def show_why(request: Request, number: int) -> Response:
    """What would become of a message now, and every verdict on the latest ones."""
    console, client = shared(request), await one_client.viewed(request, number, "why")
    settings = await in_force(console.store, console.settings)
    found = await why(console.store, console.clinic, Rules.of(settings), client.person.external_id)
    explained = Told(found, settings, language_of(request))
    values = {
        "client": client,
        "found": explained.as_data(),
        "phrases": explained.phrases,
        "moment": lambda at: rows.moment(at, console.zone, console.store.clock()),
    }
    return console.page(request, "client_why.html", values)
