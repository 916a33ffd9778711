"""The desk that takes mail for our own addresses: bounces, complaints, unsubscribe requests, replies.

Only mail to an address that we sealed is taken, so nobody can tell us of mails that they did not get.
"""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.channels.email_reports import Kind, Report, read
from gateway.channels.email_return import BOUNCES, REPLIES, UNSUBSCRIBE, Seal
from gateway.channels.inbox import Inbox
from gateway.channels.sms_replies import classify
from gateway.domain import Channel, Event, Receipt, Reply, ReplyKind, RingwellError
from gateway.settings import ReturnSettings

log = logging.getLogger(__name__)

COMPLAINTS = "complaints"
_LONGEST = 4 * 1024 * 1024
_ON_DISK_SECONDS = 60.0
_TOKEN = re.compile(rb"rw-\d{1,19}-\d{1,19}-\d{1,9}\.[a-z2-7]{16}", re.IGNORECASE)


class DeskError(RingwellError):
    """The desk cannot listen where the settings say."""


@dataclass(frozen=True, slots=True)
class Box:
    """One of our addresses: which desk, and which attempt it speaks of ("" for complaints)."""

    name: str
    attempt: str


class Desk:
    """An SMTP listener whose mail becomes events of the inbox; a mail is taken once its event is on disk."""

    def __init__(self, settings: ReturnSettings, seal: Seal, inbox: Inbox) -> None:
        self._settings = settings
        self._seal = seal
        self._inbox = inbox
        self.port = settings.port

    async def run(self) -> None:
        """Listen until cancelled. Raises DeskError when that cannot be."""
        loop = asyncio.get_running_loop()
        host, port = self._settings.host, self._settings.port
        try:
            server = await loop.create_server(self._session, host, port)
        except OSError as error:
            raise DeskError(
                f"setting returns: cannot listen on {host} port {port}: {error.strerror}; choose another "
                "port, or 0 to go without bounces"
            ) from error
        self.port = server.sockets[0].getsockname()[1]
        async with server:
            await server.serve_forever()

    def _session(self) -> SMTP:
        return SMTP(
            _Hooks(self),
            hostname=self._settings.domain,
            ident="ringwell",
            data_size_limit=_LONGEST,
            enable_SMTPUTF8=True,
        )

    def box(self, address: str) -> Box | None:
        """Which of our boxes an address is; None when it is not ours."""
        local, _, domain = address.rpartition("@")
        if domain.lower() != self._settings.domain.lower():
            return None
        if local.lower() == COMPLAINTS:
            return Box(COMPLAINTS, "")
        name, _, token = local.partition("+")
        attempt = self._seal.attempt(token)
        if attempt is None or name.lower() not in (BOUNCES, UNSUBSCRIBE, REPLIES):
            return None
        return Box(name.lower(), attempt)

    async def take(self, box: Box, octets: bytes) -> None:
        """Tell what a mail says and wait until that is on disk; TimeoutError when it is not in time."""
        event = self._event(box, octets, read(octets))
        if event is None:
            return
        on_disk = asyncio.Event()
        self._inbox.put(event, on_disk.set)
        async with asyncio.timeout(_ON_DISK_SECONDS):
            await on_disk.wait()

    def _event(self, box: Box, octets: bytes, report: Report) -> Event | None:
        now = datetime.now(UTC)
        if report.kind is Kind.COMPLAINT or box.name == COMPLAINTS:
            attempt = box.attempt or self._named_within(octets)
            if attempt is None or report.kind is not Kind.COMPLAINT:
                log.warning("a mail at the complaints address names no mail of ours")
                return None
            return Reply(Channel.EMAIL, ReplyKind.OPT_OUT, "", now, "complaint", attempt)
        if box.name == UNSUBSCRIBE and report.kind is Kind.LETTER:
            return Reply(Channel.EMAIL, ReplyKind.OPT_OUT, "", now, "unsubscribe", box.attempt)
        if box.name == REPLIES and report.kind is Kind.LETTER:
            return Reply(Channel.EMAIL, classify(report.text), "", now, report.text, box.attempt)
        outcome = report.outcome()
        if outcome is None:
            log.info("attempt %s: a mail came back that decides nothing (%s)", box.attempt, report.kind)
            return None
        return Receipt(Channel.EMAIL, outcome, now, box.attempt)

    def _named_within(self, octets: bytes) -> str | None:
        """The attempt whose sealed address or link stands in the mail that somebody complains about."""
        for found in _TOKEN.finditer(octets[:_LONGEST]):
            if attempt := self._seal.attempt(found[0].decode()):
                return attempt
        return None


class _Hooks:
    """What aiosmtpd calls, named as it wants."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._boxes: list[Box] = []

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        box = self._desk.box(address)
        if box is None:
            return "550 5.1.1 Nobody of that name here"
        if envelope.rcpt_tos:
            return "452 4.5.3 One recipient at a time"
        self._boxes = [box]
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        content = envelope.content if isinstance(envelope.content, bytes) else b""
        try:
            await self._desk.take(self._boxes[0], content)
        except TimeoutError:
            return "451 4.3.0 Not recorded yet, try again later"
        return "250 2.0.0 Taken"
