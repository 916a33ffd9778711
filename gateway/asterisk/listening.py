"""Listens to answering machines for the exchange (AudioSocket): says when a message may begin.

The dialplan sends what it hears, frame by frame, and goes on when we hang the socket up. Without us it waits
for a tone by itself, so a call needs no gateway.
"""

from __future__ import annotations

import asyncio
import logging
import struct
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np

from gateway.asterisk.address import Address, own_address
from gateway.asterisk.beeps import FRAME, BeepEar

log = logging.getLogger(__name__)

# Kinds of AudioSocket messages: one byte, then the length in two.
_HANG_UP, _ID, _SOUND = 0x00, 0x01, 0x10
_HEADER = struct.Struct("!BH")
_SILENT_FRAME = _HEADER.pack(_SOUND, 2 * FRAME) + bytes(2 * FRAME)
_GOODBYE = _HEADER.pack(_HANG_UP, 0)
# Longer than the exchange takes to say who it is.
_HELLO_SECONDS = 5.0
_TRY_AGAIN_SECONDS = 5.0


def ear_address(folder: Path) -> Address:
    """Where this instance is listened for; AudioSocket wants a UUID to begin with."""
    return own_address(folder, "ear", new_secret=lambda: str(uuid4()))


class Listener:
    """Listens for the exchange while `run` runs.

    `silence_seconds`: without a beep this will do as well; `most_seconds`: for greetings without an end.
    """

    def __init__(
        self, address: Address, silence_seconds: float, most_seconds: float, host: str = "127.0.0.1"
    ) -> None:
        self._host = host
        self._port, self._secret = address.port, UUID(address.secret).bytes
        self._silence_seconds, self._most_seconds = silence_seconds, most_seconds

    async def run(self) -> None:
        """Serve until cancelled; machines that are waited for are then left to the dialplan."""
        server = await self._server()
        async with server:
            await server.serve_forever()

    async def _server(self) -> asyncio.Server:
        told = False
        while True:
            try:
                return await asyncio.start_server(self._serve, self._host, self._port)
            except OSError as error:
                if not told:
                    log.error("beeps cannot be listened for on port %d: %s", self._port, error.strerror)
                told = True
                await asyncio.sleep(_TRY_AGAIN_SECONDS)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._listen(reader, writer)
        except (OSError, asyncio.IncompleteReadError, TimeoutError) as error:
            log.debug("a machine hung up while it was listened to: %s", type(error).__name__)
        finally:
            writer.close()

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async with asyncio.timeout(_HELLO_SECONDS):
            kind, octets = await _message(reader)
        if kind != _ID or octets != self._secret:
            log.warning("a stranger asked to be listened to; it was refused")
            return
        ear = BeepEar(self._silence_seconds)
        try:
            async with asyncio.timeout(self._most_seconds):
                await self._until_ready(reader, writer, ear)
        except TimeoutError:
            log.debug("a machine never stopped talking")
        writer.write(_GOODBYE)
        await writer.drain()

    async def _until_ready(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ear: BeepEar
    ) -> None:
        while True:
            kind, octets = await _message(reader)
            if kind != _SOUND:
                continue
            # The far end hears silence and not nothing, which some take for a dead line.
            writer.write(_SILENT_FRAME)
            if ear.hear(np.frombuffer(octets[: len(octets) // 2 * 2], "<i2")):
                return


async def _message(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    kind, length = _HEADER.unpack(await reader.readexactly(_HEADER.size))
    return kind, await reader.readexactly(length)
