"""A web server inside the daemon: listens where it is told, and leaves the signals to the daemon."""

from __future__ import annotations

import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from gateway.domain import RingwellError

_STOP_SECONDS = 3
_LONGEST_TEXT = 4096


class ListenError(RingwellError):
    """An address cannot be listened on; begins with the setting's own name, `host:` or `port:`."""


class Server(uvicorn.Server):
    """Leaves the signals to the daemon."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises ListenError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ListenError(f"host: cannot listen on '{host}': {error.strerror}") from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise ListenError(
            f"port: cannot listen on {host} port {port}: {error.strerror}; 0 takes a free port"
        ) from error
    return listener


def address_of(listener: socket.socket, tls: bool = False) -> str:
    """The URL of a listening socket."""
    host, port = listener.getsockname()[:2]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]", "::1": "[::1]"}.get(host, host)
    return f"{'https' if tls else 'http'}://{shown}:{port}"


def server_of(app: object, certificate: str = "", key: str = "", proxies: Sequence[str] = ()) -> Server:
    """A server for an ASGI application; `serve([listener])` until `should_exit` is set.

    `certificate` and `key`: files, for TLS. `proxies`: whose word is taken for where a request came from.
    Raises ListenError when the files are none.
    """
    try:
        return Server(_config(app, certificate, key, proxies))
    except OSError as error:
        raise ListenError(f"certificate: cannot be used with its key: {error.strerror or error}") from error


def _config(app: object, certificate: str, key: str, proxies: Sequence[str]) -> uvicorn.Config:
    config = uvicorn.Config(
        app,  # type: ignore[arg-type]
        lifespan="off",
        # The other one, httptools, reads headers without an end into memory.
        http="h11",
        ws="websockets-sansio",
        ws_max_size=_LONGEST_TEXT,
        access_log=False,
        log_config=None,
        log_level="warning",
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        ssl_certfile=certificate or None,
        ssl_keyfile=key or None,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    # Now, and not in the middle of the start: it reads the files.
    config.load()
    return config
