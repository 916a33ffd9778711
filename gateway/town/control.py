"""A handle on a running town for tests and drills: one command a line on a loopback port.

`pause exchange|smsc|mail` takes a part away, `resume …` brings it back; the answer is `ok` or the error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from gateway.town.errors import TownError

Act = Callable[[str], Awaitable[None]]


class Control:
    """Listens while running."""

    def __init__(self, pause: Act, resume: Act) -> None:
        self.port = 0
        self._acts = {"pause": pause, "resume": resume}
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Take no more commands."""
        if self._server:
            self._server.close()
            self._server = None

    async def _serve(self, lines: asyncio.StreamReader, answers: asyncio.StreamWriter) -> None:
        verb, _, part = (await lines.readline()).decode("ascii", "replace").strip().partition(" ")
        try:
            if verb not in self._acts:
                raise TownError(f"the town cannot '{verb}'; it can {', '.join(self._acts)}")
            await self._acts[verb](part)
            answers.write(b"ok\n")
        except TownError as error:
            answers.write(f"{error}\n".encode())
        await answers.drain()
        answers.close()


async def command(port: int, line: str) -> None:
    """Send one command to the town whose control port this is; TownError when it refuses."""
    lines, words = await asyncio.open_connection("127.0.0.1", port)
    words.write(f"{line}\n".encode())
    answer = (await lines.readline()).decode().strip()
    words.close()
    await words.wait_closed()
    if answer != "ok":
        raise TownError(answer or "the town went away")
