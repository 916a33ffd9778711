"""An SMSC that takes every text, in a process of its own: answers, and if wanted tells later that it arrived.

smpp34's server, which the tests use, takes 270 µs for a text with its receipt: more than the gateway may, so
that it would be what is measured. This one knows the four PDUs that a bench needs, and writes what it has to
say after one reading in one piece.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import struct
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.synchronize import Event
from typing import cast

from gateway.asterisk.instance import free_port

HEADER = struct.Struct(">LLLL")
BIND, SUBMIT, ENQUIRE, UNBIND, DELIVER, DELIVER_RESP = 0x09, 0x04, 0x15, 0x06, 0x05, 0x80000005
RESPONSE = 0x80000000
# So many receipts may wait for their acknowledgement.
WINDOW = 100


class _Session(asyncio.Protocol):
    """One bind."""

    def __init__(self, receipts_after: float | None) -> None:
        self._after = receipts_after
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._out: list[bytes] = []
        # (when, id, recipient and clinic as they stand in the text)
        self._to_tell: deque[tuple[float, bytes, bytes, bytes]] = deque()
        self._unacknowledged = self._taken = self._sequence = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        if self._after is not None:
            self._loop.call_soon(self._tick)

    def data_received(self, data: bytes) -> None:
        buffer, at = self._buffer + data, 0
        while len(buffer) - at >= 16:
            length, command, _, sequence = HEADER.unpack_from(buffer, at)
            if len(buffer) - at < length:
                break
            self._take(command, sequence, buffer[at + 16 : at + length])
            at += length
        self._buffer = buffer[at:]
        self._write()

    def _take(self, command: int, sequence: int, body: bytes) -> None:
        if command == SUBMIT:
            self._submitted(sequence, body)
        elif command == DELIVER_RESP:
            self._unacknowledged -= 1
        elif command in (BIND, ENQUIRE, UNBIND):
            name = b"bench\0" if command == BIND else b""
            self._answer(command | RESPONSE, sequence, name)

    def _answer(self, command: int, sequence: int, body: bytes) -> None:
        self._out.append(HEADER.pack(16 + len(body), command, 0, sequence) + body)

    def _submitted(self, sequence: int, body: bytes) -> None:
        self._taken += 1
        message_id = b"%x" % self._taken
        self._answer(SUBMIT | RESPONSE, sequence, message_id + b"\0")
        if self._after is not None:
            source = body.index(0) + 1
            destination = body.index(0, source + 2) + 1
            end = body.index(0, destination + 2) + 1
            due = self._loop.time() + self._after
            self._to_tell.append((due, message_id, body[destination:end], body[source:destination]))

    def _tick(self) -> None:
        """Receipts become due with time."""
        if not self._transport.is_closing():
            self._write()
            self._loop.call_later(0.005, self._tick)

    def _write(self) -> None:
        now = self._loop.time()
        while self._to_tell and self._to_tell[0][0] <= now and self._unacknowledged < WINDOW:
            self._tell(*self._to_tell.popleft()[1:])
        if self._out:
            self._transport.write(b"".join(self._out))
            self._out.clear()

    def _tell(self, message_id: bytes, recipient: bytes, clinic: bytes) -> None:
        text = (
            b"id:%s sub:001 dlvrd:001 submit date:2611241200 done date:2611241200 stat:DELIVRD err:000 text:"
        )
        text %= message_id
        tlvs = b"\x00\x1e" + struct.pack(">H", len(message_id) + 1) + message_id + b"\0\x04\x27\x00\x01\x02"
        body = b"\0%s%s\x04\0\0\0\0\0\0\0\0%c%s%s" % (recipient, clinic, len(text), text, tlvs)
        self._sequence += 1
        self._unacknowledged += 1
        self._answer(DELIVER, self._sequence, body)


def _serve(port: int, receipts_after: float | None, listening: Event) -> None:
    with suppress(KeyboardInterrupt):
        asyncio.run(_listen(port, receipts_after, listening))


async def _listen(port: int, receipts_after: float | None, listening: Event) -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Session(receipts_after), "127.0.0.1", port)
    listening.set()
    await server.serve_forever()


@contextmanager
def server(receipts_after: float | None = None) -> Iterator[int]:
    """The port of an SMSC that accepts every text; None: it gives no receipts."""
    spawn = multiprocessing.get_context("spawn")
    port, listening = free_port(), spawn.Event()
    process = spawn.Process(target=_serve, args=(port, receipts_after, listening), daemon=True)
    process.start()
    if not listening.wait(30):
        raise RuntimeError("the SMSC did not start")
    try:
        yield port
    finally:
        process.kill()
        process.join()
