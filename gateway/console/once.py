"""Idempotency keys: a creating request that is sent again is answered as the first time, and does nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.responses import Response

from gateway.console.problems import problem
from gateway.console.shared import Console, me, shared
from store import answers
from store.answers import Answer

HEADER = "Idempotency-Key"
LONGEST = 200
Handler = Callable[..., Any]
F = TypeVar("F", bound=Handler)


def creating(handler: F) -> F:
    """Marks what makes something: a program has to send a key with it."""
    handler.creates = True  # type: ignore[attr-defined]
    return handler


def is_creating(handler: Handler) -> bool:
    """Whether it makes something."""
    return getattr(handler, "creates", False)


class OnceRoute(APIRoute):
    """Routes of the API; those that make something know idempotency keys."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, asked once for each key."""
        handle = super().get_route_handler()
        if not is_creating(self.endpoint):
            return handle

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER, "")
            if len(key) > LONGEST or (not key and request.state.program):
                return problem(
                    400, f"Send a header {HEADER} of 1 to {LONGEST} characters of your own choice."
                )
            return await _once(request, key, handle) if key else await handle(request)

        return once


async def _once(
    request: Request, key: str, handle: Callable[[Request], Coroutine[Any, Any, Response]]
) -> Response:
    console, who = shared(request), me(request).id
    asked = await _digest(request)
    found = await console.store.run(answers.begin, console.clinic, who, key, asked, console.store.clock())
    if found is not None:
        return _again(found, asked)
    try:
        answer = await handle(request)
    except (HTTPException, RequestValidationError):
        # Refused. After any other fault nobody knows what was done: the key stays taken.
        await console.store.run(answers.release, console.clinic, who, key)
        raise
    await _keep(console, who, key, answer)
    return answer


async def _keep(console: Console, who: int, key: str, answer: Response) -> None:
    if answer.status_code < 300:
        body = bytes(answer.body).decode()
        await console.store.run(answers.keep, console.clinic, who, key, answer.status_code, body)
    else:
        await console.store.run(answers.release, console.clinic, who, key)


def _again(found: Answer, asked: str) -> Response:
    if found.request != asked:
        return problem(422, "This idempotency key was sent with another request: choose a new one.")
    if not found.status:
        return problem(409, "The request with this idempotency key is under way, or was cut off: look first.")
    headers = {"Idempotency-Replayed": "true"}
    return Response(found.body, found.status, headers, "application/json")


async def _digest(request: Request) -> str:
    said = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
    return hashlib.sha256(said + await request.body()).hexdigest()
