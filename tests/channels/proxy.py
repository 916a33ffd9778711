"""A TCP proxy that can lose things: what stands between a channel and its peer in tests of outages."""

from __future__ import annotations

import asyncio
from contextlib import suppress


class Proxy:
    """Listens on a free port and forwards to `target`, as long as it is told to."""

    def __init__(self, target: int) -> None:
        self.target = target
        self.port = 0
        self.connections = 0
        self.forward_requests = self.forward_replies = True
        self.requests = bytearray()
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Listen; again on the same port after `close`."""
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Refuse new connections and cut the open ones."""
        if self._server is not None:
            self._server.close()
            self.cut()
            await self._server.wait_closed()
            self._server = None
        while self._tasks:
            await asyncio.wait(self._tasks)

    def cut(self) -> None:
        """Reset every open connection; new ones are taken."""
        for writer in list(self._writers):
            writer.transport.abort()

    def freeze(self) -> None:
        """Keep connections open and let nothing through, as a dead machine or a lost route does."""
        self.forward_requests = self.forward_replies = False

    def thaw(self) -> None:
        """Let everything through again; what was lost stays lost."""
        self.forward_requests = self.forward_replies = True

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        self.connections += 1
        self._writers.add(writer)
        try:
            beyond_reader, beyond = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._writers.add(beyond)
        await asyncio.gather(
            self._pump(reader, beyond, requests=True), self._pump(beyond_reader, writer, requests=False)
        )
        self._writers -= {writer, beyond}

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, requests: bool
    ) -> None:
        try:
            with suppress(OSError):
                while data := await reader.read(65536):
                    if requests and self.forward_requests:
                        self.requests += data
                    if self.forward_requests if requests else self.forward_replies:
                        writer.write(data)
                        await writer.drain()
        finally:
            writer.close()
