"""The town's mail server: aiosmtpd with mailboxes that accept, refuse or are full."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.town.households import mail_habit
from gateway.town.ledger import Entry, Ledger

_MAX_BYTES = 32 * 1024 * 1024


class MailServer:
    """Listens on loopback while running; what it took or refused is in the ledger."""

    def __init__(self, ledger: Ledger, port: int = 0) -> None:
        self.port = port
        self._ledger = ledger
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.BaseTransport] = set()

    async def start(self) -> None:
        """Listen; the port is free at first and stays the same after a pause."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(self._protocol, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def pause(self) -> None:
        """Refuse new connections and cut those that are open."""
        if self._server:
            self._server.close()
            for transport in list(self._sessions):
                transport.close()
            await self._server.wait_closed()
            self._server = None

    def _protocol(self) -> SMTP:
        return _Connection(
            self._sessions,
            _Mailboxes(self._ledger),
            data_size_limit=_MAX_BYTES,
            enable_SMTPUTF8=True,
            hostname="mail.town.example",
        )


class _Connection(SMTP):
    """A connection that can be cut from outside."""

    def __init__(self, sessions: set[asyncio.BaseTransport], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._sessions = sessions
        self._carrier: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._carrier = transport
        self._sessions.add(transport)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._carrier:
            self._sessions.discard(self._carrier)
        super().connection_lost(error)


class _Mailboxes:
    """The hooks that aiosmtpd calls, named as it wants them."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        refusal = mail_habit(address).refusal
        if refusal:
            self._record(envelope, address, "rejected", refusal[:3])
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        for address in envelope.rcpt_tos:
            self._record(envelope, address, "accepted", "250")
        return "250 2.0.0 Taken"

    def _record(self, envelope: Envelope, address: str, result: str, code: str) -> None:
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        head = message_from_bytes(content.partition(b"\r\n\r\n")[0], policy=policy.default)
        now = datetime.now(UTC)
        self._ledger.write(
            Entry(
                id=self._ledger.new_id("mail"),
                kind="mail",
                at=now,
                ended=now,
                address=address,
                caller=envelope.mail_from or "",
                result=result,
                code=code,
                message_id=str(head["Message-ID"] or "").strip(),
                subject=str(head["Subject"] or ""),
                sender=str(head["From"] or ""),
                size=len(content),
            )
        )
