"""The sounds of calls over HTTP, for an exchange that cannot read our files."""

from __future__ import annotations

import asyncio

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from gateway import web
from gateway.asterisk.sounds import SoundShelf
from gateway.domain import RingwellError
from gateway.settings import AsteriskSettings


class SoundsError(RingwellError):
    """The sounds cannot be offered where the settings say."""


def create_app(shelf: SoundShelf) -> Starlette:
    """A sound for each sealed address, and one and the same 404 for everything else."""

    async def sound(request: Request) -> Response:
        file = await asyncio.to_thread(shelf.find, request.path_params["path"])
        return FileResponse(file, media_type="audio/wav") if file else Response(status_code=404)

    return Starlette(routes=[Route("/{path:path}", sound)])


async def serve(shelf: SoundShelf, settings: AsteriskSettings) -> None:
    """Serve until cancelled. Raises SoundsError when it cannot listen."""
    try:
        listener = web.listen(settings.gateway, settings.sounds_port)
    except web.ListenError as error:
        raise SoundsError(f"setting asterisk.gateway or sounds_port: {error}") from error
    server = web.server_of(create_app(shelf))
    running = asyncio.create_task(server.serve([listener]))
    try:
        await asyncio.shield(running)
    finally:
        server.should_exit = True
        await running
