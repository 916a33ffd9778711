"""The town's mail server: aiosmtpd with mailboxes that accept, refuse, wait, are full or give back later."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.town.bounces import give_back, notice
from gateway.town.households import mail_habit
from gateway.town.ledger import Entry, Ledger, ended

_MAX_BYTES = 32 * 1024 * 1024
BOUNCE_SECONDS = 0.5


class MailServer:
    """Listens on loopback while running; what it took or refused is in the ledger.

    `returns` is the clinic's port for what comes back; 0: nothing does.
    """

    def __init__(self, ledger: Ledger, port: int = 0, returns: int = 0, pace: float = 1.0) -> None:
        self.port = port
        self._mailboxes = _Mailboxes(ledger, returns, pace)
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

    async def stop(self) -> None:
        """Pause, and forget what is to be given back."""
        await self.pause()
        await self._mailboxes.forget()

    def _protocol(self) -> SMTP:
        return _Connection(
            self._sessions,
            self._mailboxes,
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

    def __init__(self, ledger: Ledger, returns: int, pace: float) -> None:
        self._ledger = ledger
        self._returns = returns
        self._pace = pace
        # Who was told to come back later; the next mail is taken.
        self._greylisted: set[str] = set()
        self._owed: set[asyncio.Task[None]] = set()

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        habit = mail_habit(address)
        refusal = habit.refusal
        if habit.first and address.lower() not in self._greylisted:
            self._greylisted.add(address.lower())
            refusal = habit.first
        if refusal:
            self._ledger.write(self._entry(envelope, address, "rejected", refusal[:3]))
            return refusal
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        for address in envelope.rcpt_tos:
            entry = self._entry(envelope, address, "accepted", "250")
            bounce = mail_habit(address).bounce
            if bounce and self._returns:
                # It has no end yet: what became of it is still to be told.
                entry = replace(entry, ended=None)
                task = asyncio.create_task(self._bounce(entry, _head(envelope), bounce))
                self._owed.add(task)
                task.add_done_callback(self._owed.discard)
            self._ledger.write(entry)
        return "250 2.0.0 Taken"

    async def forget(self) -> None:
        """Owe nobody anything."""
        for task in self._owed:
            task.cancel()
        if self._owed:
            await asyncio.wait(self._owed)

    async def _bounce(self, entry: Entry, head: bytes, reply: str) -> None:
        await asyncio.sleep(BOUNCE_SECONDS * self._pace)
        await give_back(self._returns, entry.caller, notice(entry, head, reply))
        self._ledger.write(ended(entry, bounce=reply))

    def _entry(self, envelope: Envelope, address: str, result: str, code: str) -> Entry:
        head = message_from_bytes(_head(envelope), policy=policy.default)
        now = datetime.now(UTC)
        return Entry(
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
            size=len(envelope.content or b""),
        )


def _head(envelope: Envelope) -> bytes:
    content = envelope.content if isinstance(envelope.content, bytes) else b""
    return content.partition(b"\r\n\r\n")[0]
