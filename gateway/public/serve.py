"""The public page inside the daemon, until cancelled."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette

from gateway import web
from gateway.domain import RingwellError
from gateway.settings import PublicSettings


class PublicError(RingwellError):
    """The public page cannot listen where the settings say."""


async def serve(app: Starlette, settings: PublicSettings) -> None:
    """Serve until cancelled. Raises PublicError when it cannot listen."""
    try:
        listener = web.listen(settings.host, settings.port)
    except web.ListenError as error:
        raise PublicError(f"setting public.{error}") from error
    server = web.server_of(app)
    running = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.shield(running)
    finally:
        server.should_exit = True
        await running
