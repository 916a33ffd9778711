"""One SMTP session with the relay: what was handed over is known for every way in which it can end."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponseException

from gateway.channels.email_causes import Answer, Stage
from gateway.channels.email_mime import Mailbox
from gateway.domain import RingwellError
from gateway.settings import Relay

# RFC 5321, 4.5.3.2: a final dot given up too early sends mail twice.
CONNECT_SECONDS = 60.0
COMMAND_SECONDS = 300.0
BLOCK_SECONDS = 180.0
FINAL_DOT_SECONDS = 600.0
QUIT_SECONDS = 5.0
_LOOK_AGAIN_SECONDS = 0.01
# 251: not a local mailbox, but the relay takes it on.
_FORWARDED = (250, 251)


class RelayAwayError(RingwellError):
    """No session can be had; `alert` when only an administrator can change that."""

    def __init__(self, words: str, *, alert: bool = False) -> None:
        super().__init__(words)
        self.alert = alert


class LostBeforeDotError(RingwellError):
    """The session ended while the message was not yet the relay's."""


class LostAfterDotError(RingwellError):
    """The session ended after the final dot left and before its answer came."""


class RefusedError(RingwellError):
    """The relay refused the message."""

    def __init__(self, answer: Answer, stage: Stage) -> None:
        super().__init__(f"refused at {stage}: {answer.code}")
        self.answer = answer
        self.stage = stage


@dataclass(frozen=True, slots=True)
class Envelope:
    """From whom and to whom, as the relay is told."""

    sender: Mailbox
    to: Mailbox

    @property
    def utf8(self) -> bool:
        """Whether the relay must know SMTPUTF8."""
        return self.sender.utf8 or self.to.utf8


class Session:
    """Wraps one aiosmtplib connection. Used by one attempt at a time."""

    def __init__(self, smtp: aiosmtplib.SMTP) -> None:
        self._smtp = smtp
        self.opened_at = asyncio.get_running_loop().time()
        self.carried = 0
        # Whether it waited in the pool: a relay may have closed such a session without being away.
        self.was_idle = False
        self._clean = True

    @classmethod
    async def open(cls, relay: Relay, tls: ssl.SSLContext | None, hostname: str) -> Session:
        """Connect, greet, secure and log in as the settings say; RelayAwayError when that fails."""
        smtp = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            local_hostname=hostname,
            timeout=CONNECT_SECONDS,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
            tls_context=tls,
            username=relay.username or None,
            **_credentials(relay),
        )
        try:
            await smtp.connect()
            if smtp.is_ehlo_or_helo_needed:
                await smtp.ehlo()
        except (SMTPException, OSError) as error:
            smtp.close()
            raise _away(error) from error
        return cls(smtp)

    @property
    def usable(self) -> bool:
        """Whether another message may follow."""
        return self._clean and self._smtp.is_connected

    def knows(self, extension: str) -> bool:
        """Whether the relay announced an extension."""
        return self._smtp.supports_extension(extension)

    async def send(self, envelope: Envelope, octets: bytes) -> Answer:
        """Hand a message over; the relay's acceptance, or one of the errors above."""
        self._clean = False
        self.carried += 1
        try:
            answer = await self._transact(envelope, octets)
        except RefusedError as refused:
            await self._reset(refused)
            raise
        self._clean = True
        return answer

    async def _transact(self, envelope: Envelope, octets: bytes) -> Answer:
        options = [b"SIZE=%d" % len(octets)] if self.knows("size") else []
        if envelope.utf8:
            options.append(b"SMTPUTF8")
        await self._command(
            Stage.SENDER, 250, b"MAIL", b"FROM:<%b>" % envelope.sender.address.encode(), *options
        )
        await self._command(Stage.RECIPIENT, 250, b"RCPT", b"TO:<%b>" % envelope.to.address.encode())
        await self._command(Stage.DATA, 354, b"DATA")
        await self._write_all(octets[:-3])
        return await self._final_dot(octets[-3:])

    async def _command(self, stage: Stage, wanted: int, *words: bytes) -> Answer:
        try:
            answer = Answer(*await self._smtp.execute_command(*words, timeout=COMMAND_SECONDS))
        except (SMTPException, OSError) as error:
            raise LostBeforeDotError(f"lost at {stage}: {_words(error)}") from error
        if answer.code != wanted and (wanted, answer.code) != _FORWARDED:
            raise RefusedError(answer, stage)
        return answer

    async def _write_all(self, octets: bytes) -> None:
        """Let the message leave this process without its final dot, so that until then nothing is given."""
        deadline = asyncio.get_running_loop().time() + BLOCK_SECONDS
        try:
            self._protocol.write(octets)
            while self._unwritten():
                if asyncio.get_running_loop().time() > deadline:
                    self._smtp.close()
                await asyncio.sleep(_LOOK_AGAIN_SECONDS)
        except (SMTPException, OSError) as error:
            raise LostBeforeDotError(f"lost while the message was sent: {_words(error)}") from error

    def _unwritten(self) -> int:
        if not self._smtp.is_connected or self._smtp.transport is None:
            raise LostBeforeDotError("lost while the message was sent")
        size: int = self._smtp.transport.get_write_buffer_size()  # type: ignore[attr-defined]
        return size

    async def _final_dot(self, dot: bytes) -> Answer:
        try:
            self._protocol.write(dot)
        except SMTPException as error:
            raise LostBeforeDotError("lost before the final dot") from error
        try:
            answer = Answer(*await self._protocol.read_response(timeout=FINAL_DOT_SECONDS))
        except (SMTPException, OSError) as error:
            self._smtp.close()
            raise LostAfterDotError("lost after the final dot") from error
        if not 200 <= answer.code < 300:
            raise RefusedError(answer, Stage.CONTENT)
        return answer

    @property
    def _protocol(self) -> aiosmtplib.protocol.SMTPProtocol:
        if self._smtp.protocol is None:
            raise LostBeforeDotError("the connection is gone")
        return self._smtp.protocol

    async def _reset(self, refused: RefusedError) -> None:
        """After a refusal the envelope is cleared, so that the connection can carry the next message."""
        if refused.answer.code == 421 or not self._smtp.is_connected:
            self._smtp.close()
            return
        try:
            await self._smtp.rset(timeout=COMMAND_SECONDS)
        except (SMTPException, OSError):
            self._smtp.close()
        else:
            self._clean = True

    async def quit(self) -> None:
        """Say goodbye and hang up."""
        try:
            if self.usable:
                await self._smtp.quit(timeout=QUIT_SECONDS)
        except (SMTPException, OSError):
            return  # gone already: there is nobody to say goodbye to
        finally:
            self._smtp.close()


def _credentials(relay: Relay) -> dict[str, Any]:
    if not relay.token_file:
        return {"password": relay.password.get_secret_value() or None}
    file = Path(relay.token_file).expanduser()

    async def token() -> str:
        return (await asyncio.to_thread(file.read_text, encoding="ascii")).strip()

    return {"oauth_token_generator": token}


def _away(error: Exception) -> RelayAwayError:
    """Why there is no session, and what to do about it."""
    cause: BaseException | None = error
    while cause is not None and not isinstance(cause, ssl.SSLCertVerificationError):
        cause = cause.__cause__
    if cause is not None:
        return RelayAwayError(
            f"its certificate is not to be trusted ({cause.verify_message}): correct the host name or the "
            "relay's certificate, or make its authority known to this machine",
            alert=True,
        )
    if isinstance(error, aiosmtplib.SMTPAuthenticationError):
        return RelayAwayError(
            f"it refuses our user name or password ({error.code}): correct them in the settings", alert=True
        )
    # The words about AUTH mention STARTTLS as well.
    if "AUTH" in str(error):
        return RelayAwayError("it offers no login: remove the relay's username, or use TLS", alert=True)
    if "STARTTLS" in str(error):
        return RelayAwayError("it offers no STARTTLS: set its security to 'tls' or 'none'", alert=True)
    return RelayAwayError(_words(error))


def _words(error: Exception) -> str:
    """For the log: never what the relay wrote, which may name a recipient."""
    if isinstance(error, SMTPResponseException):
        return f"it answered {error.code}" if error.code > 0 else "its answer is not SMTP"
    return str(error) or "no answer in time"
