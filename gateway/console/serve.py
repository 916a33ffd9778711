"""The console inside the daemon: a web server that starts and stops with its task."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import uvicorn

from gateway.console.app import create_app
from gateway.console.door import TOKEN_LIFE, Door, entrance
from gateway.domain import RingwellError
from gateway.settings import Settings
from store.engine import Store

log = logging.getLogger(__name__)

_STOP_SECONDS = 3
_LONGEST_TEXT = 4096


class ConsoleError(RingwellError):
    """The console cannot listen where the settings say."""


class _Server(uvicorn.Server):
    """Leaves the signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def door_of(settings: Settings) -> Door:
    """The door of an instance: its tokens lie in the instance folder."""
    return Door(settings.folder / "console")


async def serve(
    store: Store,
    settings: Settings,
    announce: Callable[[str], None],
    door: Door | None = None,
) -> None:
    """Serve until cancelled; `announce` gets the one-time link as soon as the console listens.

    Raises ConsoleError when it cannot listen.
    """
    door = door or door_of(settings)
    listener = _listen(settings.console.host, settings.console.port)
    url = address_of(listener)
    app = create_app(store, settings, door)
    server = _Server(_config(app))
    hub = app.state.console.hub
    async with asyncio.TaskGroup() as tasks:
        watching = tasks.create_task(hub.run())
        running = tasks.create_task(server.serve([listener]))
        try:
            await asyncio.to_thread(door.announce, url)
            announce(await asyncio.to_thread(invitation, door, url))
            await asyncio.shield(running)
        finally:
            # The pages first: a server waits for its open connections.
            hub.close()
            watching.cancel()
            server.should_exit = True
            await running


def invitation(door: Door, url: str) -> str:
    """What to print for who may come in: a fresh one-time link."""
    minutes = int(TOKEN_LIFE.total_seconds() // 60)
    return f"Console: {entrance(url, door.issue())} (opens once, within {minutes} minutes)"


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ConsoleError(f"setting console.host: cannot listen on '{host}': {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ConsoleError(
            f"setting console.port: cannot listen on {host} port {port}: {error.strerror}; "
            "0 takes a free port"
        ) from error
    if not listener.getsockname()[0].startswith(("127.", "::1")):
        log.warning("the console listens beyond this machine, without encryption: put a TLS proxy before it")
    return listener


def address_of(listener: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"http://{shown}:{port}"


def _config(app: object) -> uvicorn.Config:
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="off",
        ws="websockets-sansio",
        ws_max_size=_LONGEST_TEXT,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
