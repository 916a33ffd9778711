"""One-click unsubscribing (RFC 8058): POST alone counts, every token gets the same answer, no cookies."""

from __future__ import annotations

import html
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from store.engine import StoreAwayError

log = logging.getLogger(__name__)

# Records that the recipient of this token's mail asked to be left alone; an unknown token changes nothing.
Unsubscribe = Callable[[str], Awaitable[None]]

_LONGEST_TOKEN = 100
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-robots-tag": "noindex",
    "cache-control": "no-store",
}


@dataclass(frozen=True, slots=True)
class Words:
    """What the page says in one language; {} is the clinic's name."""

    title: str
    question: str
    button: str
    done: str
    later: str


WORDS = {
    "en": Words(
        "Messages from {}",
        "Stop all messages from {} to you?",
        "Stop messages",
        "You will get no more messages from {}. If you change your mind, tell the practice.",
        "This cannot be recorded at the moment. Please try again in a few minutes.",
    ),
    "es": Words(
        "Mensajes de {}",
        "¿Dejar de recibir todos los mensajes de {}?",
        "Dejar de recibir mensajes",
        "No recibirá más mensajes de {}. Si cambia de opinión, avise a la clínica.",
        "Ahora no se puede registrar. Inténtelo de nuevo en unos minutos.",
    ),
}


def create_app(clinic: str, language: str, unsubscribe: Unsubscribe) -> Starlette:
    """The application; every other path is 404, every other method 405."""
    words = WORDS.get(language, WORDS["en"])

    async def ask(request: Request) -> Response:
        form = f'<form method="post"><button>{html.escape(words.button)}</button></form>'
        return _page(words, clinic, words.question, form)

    async def stop(request: Request) -> Response:
        token = request.path_params["token"]
        try:
            if len(token) <= _LONGEST_TOKEN:
                await unsubscribe(token)
        except StoreAwayError as error:
            log.warning("an unsubscribe request waits for the sender to repeat it: %s", error)
            return _page(words, clinic, words.later, status=503)
        return _page(words, clinic, words.done)

    return Starlette(
        routes=[
            Route("/u/{token}", ask, methods=["GET"]),
            Route("/u/{token}", stop, methods=["POST"]),
        ]
    )


def _page(words: Words, clinic: str, text: str, form: str = "", status: int = 200) -> HTMLResponse:
    title, said = (html.escape(part.format(clinic)) for part in (words.title, text))
    return HTMLResponse(
        '<!doctype html><html><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1><p>{said}</p>{form}</main></body></html>",
        status,
        _HEADERS,
    )


_STYLE = (
    "body{font:18px/1.5 system-ui,sans-serif;color:#1d2939;background:#f4f6f8;margin:0}"
    "main{max-width:32rem;margin:10vh auto;padding:24px;background:#fff;border-radius:8px}"
    "h1{font-size:22px;margin:0 0 16px;color:#0b3b4f}"
    "button{font:inherit;padding:12px 20px;border:0;border-radius:6px;background:#0b5c7a;color:#fff}"
)
