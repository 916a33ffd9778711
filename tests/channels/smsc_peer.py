"""smpp34's server as the SMSC of a test: keeps what it got and answers as it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import smpp34

from gateway.asterisk.instance import free_port
from gateway.town.coding import Segment, read_segment
from tests.channels.waiting import until

Answer = Callable[[smpp34.SubmitSmEvent, int], None]
_CLINIC = "12025550100"


def accept(submit: smpp34.SubmitSmEvent, number: int) -> None:
    """Take it under an id with leading zeros and capitals."""
    submit.accept(f"0000AB{number:02X}")


def hold(submit: smpp34.SubmitSmEvent, number: int) -> None:
    """Leave it unanswered until the test answers."""


class SmscPeer:
    """`got` holds the submits in order; `answer` decides each one."""

    def __init__(self) -> None:
        self.port = free_port()
        self.got: list[smpp34.SubmitSmEvent] = []
        self.binds: list[smpp34.Esme] = []
        self.ended = 0
        self.answer: Answer = accept
        self._server: smpp34.Server | None = None
        self._pump: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen."""
        self._server = smpp34.Server("127.0.0.1", self.port, inbound_capacity=4096)
        await self._server.start()
        self._pump = asyncio.create_task(self._serve(self._server))

    async def stop(self) -> None:
        """Stop listening and wait for sessions to end: smpp34 aborts the interpreter otherwise."""
        assert self._server is not None
        assert self._pump is not None
        await self._server.stop()
        for bind in self.binds:
            with suppress(smpp34.SmppError):
                await bind.unbind()
        await until(lambda: self.ended >= len(self.binds))
        self._pump.cancel()
        await asyncio.wait([self._pump])

    async def _serve(self, server: smpp34.Server) -> None:
        while True:
            match await server.next():
                case smpp34.Esme() as bind:
                    self.binds.append(bind)
                case smpp34.Unbound():
                    self.ended += 1
                case smpp34.SubmitSmEvent() as submit:
                    self.got.append(submit)
                    self.answer(submit, len(self.got))

    def segments(self) -> list[Segment]:
        """What was submitted, as a telephone reads it."""
        return [
            read_segment(submit.short_message, submit.esm_class, submit.data_coding, {})
            for submit in self.got
        ]

    async def receipt(self, message_id: str, state: int = 2, **changes: Any) -> Any:
        """Send a delivery receipt over the newest bind, and await its acknowledgement."""
        tlvs = [smpp34.Tlv(0x001E, message_id.encode() + b"\0"), smpp34.Tlv(0x0427, bytes([state]))]
        usual = {"esm_class": 4, "tlvs": tlvs} | self._from_whom(message_id)
        return await self.text(f"id:{message_id} err:000", **(usual | changes))

    def _from_whom(self, message_id: str) -> dict[str, str]:
        """Whose telephone a receipt is about, where `accept` gave the id."""
        place = int(message_id[2:], 16) if message_id.startswith("AB") else 0
        return {"source_addr": self.got[place - 1].destination_addr} if 0 < place <= len(self.got) else {}

    async def text(self, words: str, **changes: Any) -> Any:
        """Send a text from a patient over the newest bind, and await its acknowledgement."""
        return await self.octets(words.encode(), **changes)

    async def octets(self, body: bytes, **changes: Any) -> Any:
        """The same with a body that is no plain text."""
        usual: dict[str, Any] = {"source_addr": "12125550000", "source_addr_ton": 1, "source_addr_npi": 1}
        await until(lambda: any(bind.can_receive for bind in self.binds))
        receiver = [bind for bind in self.binds if bind.can_receive][-1]
        return await receiver.deliver_sm(_CLINIC, body, **(usual | changes))
