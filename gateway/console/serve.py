"""The console inside the daemon: a web server that starts and stops with its task."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import nullcontext

from fastapi import FastAPI

from gateway import web
from gateway.console.app import create_app, no_calls
from gateway.console.calling import Calls
from gateway.console.door import TOKEN_LIFE, Door, Purpose, entrance
from gateway.console.running import Running
from gateway.domain import RingwellError
from gateway.rendering import library_of
from gateway.settings import Settings
from store import accounts
from store.engine import Store
from voices.library import VoiceLibrary

log = logging.getLogger(__name__)


class ConsoleError(RingwellError):
    """The console cannot listen where the settings say."""


def door_of(settings: Settings) -> Door:
    """The door of an instance: its tokens lie in the instance folder."""
    return Door(settings.folder / "console")


async def serve(
    store: Store,
    settings: Settings,
    announce: Callable[[str], None],
    door: Door | None = None,
    calls: Calls = no_calls,
    library: VoiceLibrary | None = None,
    running: Running | None = None,
) -> None:
    """Serve until cancelled; `announce` is told where it is as soon as the console listens.

    Raises ConsoleError when it cannot listen.
    """
    door = door or door_of(settings)
    async with nullcontext(library) if library else library_of(settings) as voices:
        app = create_app(store, settings, door, calls, voices, running)
        await _serve(store, settings, announce, door, app)


async def _serve(
    store: Store, settings: Settings, announce: Callable[[str], None], door: Door, app: FastAPI
) -> None:
    server = _server(app, settings)
    try:
        listener = web.listen(settings.console.host, settings.console.port)
    except web.ListenError as error:
        raise ConsoleError(f"setting console.{error}") from error
    exposed = not listener.getsockname()[0].startswith(("127.", "::1"))
    if exposed and not settings.console.certificate:
        log.warning("the console listens beyond this machine, without encryption: put a TLS proxy before it")
    url = settings.console.url or web.address_of(listener, bool(settings.console.certificate))
    hub = app.state.console.hub
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(hub.run())
        listening = tasks.create_task(server.serve([listener]))
        try:
            await asyncio.to_thread(door.announce, url)
            announce(await invitation(store, settings.clinic.id, door, url))
            await asyncio.shield(listening)
        finally:
            # The pages first: a server waits for its open connections.
            hub.close()
            app.state.console.doctor.close()
            watching.cancel()
            await app.state.console.plans.close()
            server.should_exit = True
            await listening


def _server(app: FastAPI, settings: Settings) -> web.Server:
    console = settings.console
    certificate, key = (
        str(settings.folder / file) if file else "" for file in (console.certificate, console.key)
    )
    try:
        return web.server_of(app, certificate, key, console.proxies)
    except web.ListenError as error:
        raise ConsoleError(f"setting console.{error}") from error


async def invitation(store: Store, clinic: int, door: Door, url: str) -> str:
    """What to print for who may come in: where to sign in, or the link for the first administrator."""
    if await store.read(accounts.accounts, clinic):
        return f"Console: {url}"
    link = entrance(url, await asyncio.to_thread(door.issue, Purpose.FIRST))
    minutes = int(TOKEN_LIFE.total_seconds() // 60)
    return f"Console: {link} (makes the first administrator, once, within {minutes} minutes)"
