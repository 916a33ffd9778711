"""aiosmtpd as the relay of a test: counts connections, answers as told, and can hang up at any verb."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from contextlib import suppress
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any, cast

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

LOGIN = LoginPassword(b"ringwell", b"secret")


class RelayPeer:
    """`replies` is keyed by EHLO, MAIL, RCPT, DATA and DOT; `drop_at` may also be CONNECT or BODY.

    While `answering` is not set the final dot gets no answer.
    """

    def __init__(self, tls: ssl.SSLContext | None = None, *, implicit: bool = False, login: bool = False):
        self.port = 0
        self.connections = 0
        self.open: set[_Connection] = set()
        self.most_open = 0
        self.carried: list[int] = []
        self.contents: list[bytes] = []
        self.envelopes: list[Envelope] = []
        self.goodbyes = 0
        self.replies: dict[str, str] = {}
        self.drop_at = ""
        self.answering = asyncio.Event()
        self.answering.set()
        self._tls, self._implicit, self._login = tls, implicit, login
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen on a free port, later on the same one."""
        loop = asyncio.get_running_loop()
        tls = self._tls if self._implicit else None
        self._server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", self.port, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse new connections and reset the open ones."""
        if self._server is not None:
            self._server.close()
            self.hang_up()
            await self._server.wait_closed()
            self._server = None

    def hang_up(self) -> None:
        """Reset every connection."""
        for connection in list(self.open):
            connection.hang_up()

    def mails(self) -> list[EmailMessage]:
        """What was taken, in order."""
        return [message_from_bytes(octets, policy=policy.default) for octets in self.contents]

    def options(self) -> dict[str, Any]:
        """How aiosmtpd is set up."""
        return {
            "hostname": "relay.example",
            "enable_SMTPUTF8": True,
            "tls_context": None if self._implicit else self._tls,
            "authenticator": self._authenticate,
            "auth_required": self._login,
        }

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        return AuthResult(success=data == LOGIN, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """The final dot has come."""
        assert isinstance(envelope.content, bytes)
        self.contents.append(envelope.content)
        self.envelopes.append(envelope)
        assert isinstance(server, _Connection)
        await self.answering.wait()
        if self.drop_at == "DOT":
            server.hang_up()
        self.carried[server.number] += 1
        return self.replies.get("DOT", f"250 2.0.0 queued as {len(self.contents)}")


class _Connection(SMTP):
    """One client."""

    def __init__(self, peer: RelayPeer) -> None:
        super().__init__(peer, **peer.options())
        self._peer = peer
        self._carrier: asyncio.Transport | None = None
        self.number = peer.connections

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._carrier is None:
            self._peer.connections += 1
            self._peer.carried.append(0)
        self._carrier = cast(asyncio.Transport, transport)
        self._peer.open.add(self)
        self._peer.most_open = max(self._peer.most_open, len(self._peer.open))
        super().connection_made(transport)
        if self._peer.drop_at == "CONNECT":
            self.hang_up()

    def connection_lost(self, error: Exception | None) -> None:
        self._peer.open.discard(self)
        super().connection_lost(error)

    def hang_up(self) -> None:
        """Reset, as a killed process does."""
        if self._carrier is not None:
            self._carrier.abort()

    async def _answered(self, verb: str) -> bool:
        """Whether the test wants another end for this verb."""
        if self._peer.drop_at == verb:
            self.hang_up()
            return True
        if reply := self._peer.replies.get(verb):
            await self.push(reply)
            if reply.startswith("421"):
                self.hang_up_politely()
            return True
        return False

    def hang_up_politely(self) -> None:
        """Close after what is written."""
        if self._carrier is not None:
            self._carrier.close()

    async def smtp_EHLO(self, hostname: str) -> None:  # noqa: N802
        if not await self._answered("EHLO"):
            await super().smtp_EHLO(hostname)

    async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
        if not await self._answered("MAIL"):
            await super().smtp_MAIL(arg)

    async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802
        if not await self._answered("RCPT"):
            await super().smtp_RCPT(arg)

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802
        if await self._answered("DATA"):
            return
        if self._peer.drop_at == "BODY":
            await self.push("354 go on")
            await self._reader.readuntil(b"\r\n")
            self.hang_up()
            return
        await super().smtp_DATA(arg)

    async def smtp_QUIT(self, arg: str) -> None:  # noqa: N802
        self._peer.goodbyes += 1
        with suppress(ConnectionError):
            await super().smtp_QUIT(arg)


def certificate(folder: Path, names: str) -> Path:
    """A self-signed certificate and its key in one file, for these names."""
    path, key = folder / "relay.pem", folder / "relay.key"
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
            *("-nodes", "-days", "2", "-subj", "/CN=relay", "-addext", f"subjectAltName={names}"),
            *("-keyout", str(key), "-out", str(path)),
        ],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + key.read_text())
    return path


def server_context(path: Path) -> ssl.SSLContext:
    """What the relay presents."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    return context
