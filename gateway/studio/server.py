"""Takes calls from the exchange on loopback: FastAGI, each call in a thread of its own."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from gateway.asterisk.address import Address
from gateway.asterisk.agi import Call, CallOverError
from gateway.domain import RingwellError

log = logging.getLogger(__name__)

# Longer than the exchange is silent within one command: a recording, or a playback.
_SILENT_SECONDS = 60.0
_TRY_AGAIN_SECONDS = 5.0

Serve = Callable[[Call], None]


class Server:
    """Listens while `run` runs."""

    def __init__(
        self,
        address: Address,
        calls: int,
        longest_seconds: float,
        serve: Serve,
        name: str = "studio",
        host: str = "127.0.0.1",
    ) -> None:
        """`name`: for the log, and the section of the settings that has `calls`. `host`: ours."""
        self._name, self._host = name, host
        self._address, self._most, self._serve = address, calls, serve
        self._seconds = longest_seconds + _SILENT_SECONDS
        self._open: set[socket.socket] = set()
        self._running: set[asyncio.Future[None]] = set()

    @property
    def calls(self) -> int:
        """Calls that are up."""
        return len(self._open)

    async def run(self) -> None:
        """Take calls until cancelled; those that are up then end, and what they recorded is kept."""
        threads = ThreadPoolExecutor(self._most, self._name)
        try:
            with await self._listener() as listener:
                while True:
                    connection, _ = await asyncio.get_running_loop().sock_accept(listener)
                    self._take(connection, threads)
        finally:
            await self._end()
            threads.shutdown(wait=False)

    async def _listener(self) -> socket.socket:
        told = False
        while True:
            try:
                listener = socket.create_server((self._host, self._address.port), backlog=self._most)
            except OSError as error:
                if not told:
                    where = (self._name, self._address.port, error.strerror)
                    log.error("the %s cannot listen on port %d: %s", *where)
                told = True
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            else:
                listener.setblocking(False)
                return listener

    def _take(self, connection: socket.socket, threads: ThreadPoolExecutor) -> None:
        if len(self._open) >= self._most:
            log.warning("the %s is full: setting %s.calls is %d", self._name, self._name, self._most)
            connection.close()
            return
        self._open.add(connection)
        connection.setblocking(True)
        serving = asyncio.get_running_loop().run_in_executor(threads, self._hold, connection)
        self._running.add(serving)
        serving.add_done_callback(lambda done: self._over(connection, done))

    def _hold(self, connection: socket.socket) -> None:
        try:
            call = Call(connection, self._address.secret, self._seconds)
        except (CallOverError, OSError) as error:
            log.warning("the %s refused a connection: %s", self._name, error)
            return
        try:
            self._serve(call)
        except CallOverError:
            log.debug("a caller of the %s hung up", self._name)
        except RingwellError as error:
            log.error("a call of the %s ended early: %s", self._name, error)
        finally:
            call.close()

    def _over(self, connection: socket.socket, done: asyncio.Future[None]) -> None:
        self._open.discard(connection)
        self._running.discard(done)
        connection.close()
        if not done.cancelled() and (error := done.exception()) is not None:
            log.error("a call of the %s broke: %s", self._name, type(error).__name__, exc_info=error)

    async def _end(self) -> None:
        for connection in self._open:
            try:
                # Wakes the thread that reads from it; closing would not.
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                log.debug("a call of the %s had ended already", self._name)
        if self._running:
            await asyncio.wait(set(self._running))
