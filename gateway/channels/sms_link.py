"""One bound SMPP connection on an asyncio transport: submits matched by sequence number, a watched peer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

from gateway.channels import sms_pdu
from gateway.channels.sms_causes import describe
from gateway.domain import RingwellError
from gateway.settings import Bind

CONNECT_SECONDS = 10.0
UNBIND_SECONDS = 2.0
_LAST_SEQUENCE = 0x7FFFFFFF
_INVALID_COMMAND = 0x03


class LinkDownError(RingwellError):
    """There is no bind: not one byte of this submit left."""


class LinkLostError(RingwellError):
    """The connection went away after a submit, before its response."""


class NoResponseError(RingwellError):
    """The SMSC did not answer a submit in time."""


class BindRefusedError(RingwellError):
    """The SMSC does not let us in."""

    def __init__(self, status: int) -> None:
        super().__init__(f"the SMSC refuses the bind: {describe(status)}")
        self.status = status


@dataclass(frozen=True, slots=True)
class Response:
    """What the SMSC answered to one submit."""

    status: int
    message_id: str


Deliveries = Callable[["Link", int, bytes], None]


class Link(asyncio.Protocol):
    """Opened by `open`, watched by `watch`, ended by `close`."""

    def __init__(self, bind: Bind, kind: sms_pdu.BindKind, deliveries: Deliveries) -> None:
        self._bind = bind
        self._kind = kind
        self._deliveries = deliveries
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._buffer = b""
        self._unwritten: list[bytes] = []
        self._sequence = 0
        # In order of submission: with one time limit for all, the first is the first to run out.
        self._waiting: dict[int, tuple[asyncio.Future[Response], float]] = {}
        self._bound: asyncio.Future[int] = self._loop.create_future()
        self._unbound: asyncio.Future[None] = self._loop.create_future()
        self._lost: asyncio.Future[str] = self._loop.create_future()
        self._reason = ""
        self._heard = self._loop.time()
        self._asked: float | None = None

    @classmethod
    async def open(
        cls, bind: Bind, kind: sms_pdu.BindKind, tls: ssl.SSLContext | None, deliveries: Deliveries
    ) -> Link:
        """Connect and bind; OSError, TimeoutError or BindRefusedError when that fails."""
        async with asyncio.timeout(CONNECT_SECONDS):
            _, link = await asyncio.get_running_loop().create_connection(
                lambda: cls(bind, kind, deliveries),
                bind.host,
                bind.port,
                ssl=tls,
                server_hostname=(bind.tls_name or bind.host) if tls else None,
            )
            try:
                await link._introduce()
            except BaseException:
                link.abort("the bind did not succeed")
                raise
        return link

    async def _introduce(self) -> None:
        password = self._bind.password.get_secret_value()
        self._write(sms_pdu.bind(self._kind, self._next(), self._bind.system_id, password))
        await asyncio.wait((self._bound, self._lost), return_when=asyncio.FIRST_COMPLETED)
        if not self._bound.done():
            raise ConnectionError(self._lost.result())
        if status := self._bound.result():
            raise BindRefusedError(status)

    @property
    def up(self) -> bool:
        """Whether a submit can leave."""
        return self._transport is not None and not self._transport.is_closing() and not self._reason

    async def submit(self, make: sms_pdu.Maker) -> Response:
        """Send the PDU that `make` returns for a sequence number, and wait for its response."""
        if not self.up:
            raise LinkDownError("the bind is down")
        sequence = self._next()
        octets = make(sequence)
        waiting: asyncio.Future[Response] = self._loop.create_future()
        self._waiting[sequence] = (waiting, self._loop.time() + self._bind.response_seconds)
        self._write(octets)
        try:
            return await waiting
        finally:
            self._waiting.pop(sequence, None)

    def answer(self, command: int, sequence: int, status: int = 0) -> None:
        """Answer a request of the SMSC; without effect when the link is gone."""
        self._write(sms_pdu.response(command, status, sequence))

    async def watch(self) -> str:
        """Keep the session alive until it is lost; returns why."""
        while not self._lost.done():
            await asyncio.wait((self._lost,), timeout=self._tend(self._loop.time()))
        return self._lost.result()

    async def close(self, drain_seconds: float) -> None:
        """Let responses under way arrive, unbind, hang up."""
        self._reason = self._reason or "closed"
        if waiting := [future for future, _ in self._waiting.values()]:
            await asyncio.wait(waiting, timeout=drain_seconds)
        self._write(sms_pdu.request(sms_pdu.UNBIND, self._next()))
        await asyncio.wait(
            (self._unbound, self._lost), timeout=UNBIND_SECONDS, return_when=asyncio.FIRST_COMPLETED
        )
        self.abort("closed")
        await asyncio.wait((self._lost,), timeout=UNBIND_SECONDS)

    def abort(self, reason: str) -> None:
        """Cut the connection."""
        self._reason = self._reason or reason
        if self._transport is not None:
            self._transport.abort()

    # --- time ---

    def _tend(self, now: float) -> float:
        """Give up what is overdue, ask a silent peer, and say how long nothing needs doing."""
        self._expire(now)
        return max(0.0, min(self._ask(now), self._first_deadline(now)) - now)

    def _ask(self, now: float) -> float:
        """Send enquire_link after a silence, hang up after a longer one; when to look again."""
        if self._asked is None or self._heard > self._asked:
            self._asked = None
            if now < self._heard + self._bind.enquire_link_seconds:
                return self._heard + self._bind.enquire_link_seconds
            self._asked = now
            self._write(sms_pdu.request(sms_pdu.ENQUIRE, self._next()))
        elif now >= self._asked + self._patience:
            self.abort("the SMSC does not answer enquire_link")
        return self._asked + self._patience

    @property
    def _patience(self) -> float:
        return min(self._bind.response_seconds, self._bind.enquire_link_seconds)

    def _first_deadline(self, now: float) -> float:
        for _, deadline in self._waiting.values():
            return deadline
        return now + self._bind.response_seconds

    def _expire(self, now: float) -> None:
        for waiting, deadline in list(self._waiting.values()):
            if deadline > now:
                return
            if not waiting.done():
                waiting.set_exception(NoResponseError("no response"))

    def _next(self) -> int:
        self._sequence = self._sequence % _LAST_SEQUENCE + 1
        return self._sequence

    # --- octets ---

    def _write(self, octets: bytes) -> None:
        # What one turn of the loop submits leaves in one system call.
        if not self._unwritten:
            self._loop.call_soon(self._flush)
        self._unwritten.append(octets)

    def _flush(self) -> None:
        octets = b"".join(self._unwritten)
        self._unwritten.clear()
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(octets)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._reason = self._reason or (f"connection lost ({error})" if error else "the SMSC hung up")
        for waiting, _ in self._waiting.values():
            if not waiting.done():
                waiting.set_exception(LinkLostError(self._reason))
        if not self._lost.done():
            self._lost.set_result(self._reason)

    def data_received(self, data: bytes) -> None:
        self._heard = self._loop.time()
        buffer, at = self._buffer + data if self._buffer else data, 0
        while len(buffer) - at >= 16:
            length, command, status, sequence = sms_pdu.HEADER.unpack_from(buffer, at)
            if not 16 <= length <= sms_pdu.LONGEST:
                self.abort("the SMSC sent a PDU of impossible length")
                return
            if len(buffer) - at < length:
                break
            self._take(command, status, sequence, buffer[at + 16 : at + length])
            at += length
        self._buffer = buffer[at:]

    def _take(self, command: int, status: int, sequence: int, body: bytes) -> None:
        if command == sms_pdu.SUBMIT_RESP:
            self._answered(sequence, Response(status, sms_pdu.message_id(body)))
        elif command == sms_pdu.DELIVER:
            self._deliveries(self, sequence, body)
        elif command == sms_pdu.ENQUIRE:
            self.answer(sms_pdu.ENQUIRE_RESP, sequence)
        elif command == sms_pdu.NACK and self._bound.done():
            self._answered(sequence, Response(status or _INVALID_COMMAND, ""))
        elif (command in sms_pdu.BIND_RESPONSES or command == sms_pdu.NACK) and not self._bound.done():
            self._bound.set_result(status)
        elif command == sms_pdu.UNBIND:
            self._leave(sequence)
        elif command == sms_pdu.UNBIND_RESP and not self._unbound.done():
            self._unbound.set_result(None)
        elif not command & sms_pdu.RESPONSE:
            self.answer(sms_pdu.NACK, sequence, _INVALID_COMMAND)

    def _answered(self, sequence: int, response: Response) -> None:
        # A response after its time limit finds nobody: that attempt is unknown, its receipt will tell.
        found = self._waiting.get(sequence)
        if found is not None and not found[0].done():
            found[0].set_result(response)

    def _leave(self, sequence: int) -> None:
        self._reason = "the SMSC unbound"
        self.answer(sms_pdu.UNBIND_RESP, sequence)
        self._loop.call_soon(self._hang_up)

    def _hang_up(self) -> None:
        if self._transport is not None:
            self._transport.close()
