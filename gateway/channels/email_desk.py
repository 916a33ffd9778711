"""The desk that takes mail for our own addresses: bounces, complaints, unsubscribe requests, replies.

Only mail to an address that we sealed is taken, so nobody can tell us of mails that they did not get.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from aiosmtpd.lmtp import LMTP
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.channels.email_answers import CalendarAnswer
from gateway.channels.email_causes import POLICY
from gateway.channels.email_reports import Kind, Report, read
from gateway.channels.email_return import BOUNCES, CALENDAR, REPLIES, UNSUBSCRIBE, Seal, visit_of
from gateway.channels.inbox import Inbox
from gateway.channels.sms_replies import classify
from gateway.domain import COMPLAINT, About, Channel, Event, Receipt, Reply, ReplyKind, RingwellError
from gateway.settings import ReturnSettings

log = logging.getLogger(__name__)

COMPLAINTS = "complaints"
# What an answer is about that names no appointment of ours.
NOTHING = About(0, 0)
_LONGEST = 4 * 1024 * 1024
_LONGEST_LINE = 64 * 1024
_ON_DISK_SECONDS = 60.0
_SAY_AGAIN_SECONDS = 3600.0
# Whoever sends us many large mails must not take all threads of the gateway.
_READ_AT_ONCE = 2
_TOKEN = re.compile(rb"rw-\d{1,19}-\d{1,19}-\d{1,9}\.[a-z2-7]{16}", re.IGNORECASE)


class DeskError(RingwellError):
    """The desk cannot listen where the settings say."""


@dataclass(frozen=True, slots=True)
class Box:
    """One of our addresses: which desk, and which attempt it speaks of ("" for complaints).

    `visit`: the appointment that the address for answers of calendars is about.
    """

    name: str
    attempt: str
    visit: About | None = None


class Desk:
    """A listener whose mail becomes events of the inbox; a mail is taken once its event is on disk."""

    def __init__(self, settings: ReturnSettings, seal: Seal, inbox: Inbox) -> None:
        self._settings = settings
        self._seal = seal
        self._inbox = inbox
        self._policy_said = -_SAY_AGAIN_SECONDS
        self._readers = asyncio.Semaphore(_READ_AT_ONCE)
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
        speaks = _Lmtp if self._settings.protocol == "lmtp" else _Smtp
        return speaks(
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
        if name.lower() == CALENDAR:
            visit = self._seal.visit(token)
            return None if visit is None else Box(CALENDAR, "", visit)
        attempt = self._seal.attempt(token)
        if attempt is None or name.lower() not in (BOUNCES, UNSUBSCRIBE, REPLIES):
            return None
        return Box(name.lower(), attempt)

    async def take(self, box: Box, octets: bytes, sender: str = "") -> None:
        """Tell what a mail says and wait until that is on disk; TimeoutError when it is not in time."""
        async with self._readers:
            event = await asyncio.to_thread(self._read, box, octets, sender)
        if event is None:
            return
        on_disk = asyncio.Event()
        self._inbox.put(event, on_disk.set)
        async with asyncio.timeout(_ON_DISK_SECONDS):
            await on_disk.wait()

    def _read(self, box: Box, octets: bytes, sender: str) -> Event | None:
        return self._event(box, octets, read(octets, sender))

    def _event(self, box: Box, octets: bytes, report: Report) -> Event | None:
        now = datetime.now(UTC)
        if report.kind is Kind.COMPLAINT or box.name == COMPLAINTS:
            attempt = box.attempt or self._named_within(octets)
            if attempt is None or report.kind is not Kind.COMPLAINT:
                log.warning("a mail at the complaints address names no mail of ours")
                return None
            return Reply(Channel.EMAIL, ReplyKind.OPT_OUT, "", now, COMPLAINT, attempt)
        if box.name == UNSUBSCRIBE and report.kind in (Kind.LETTER, Kind.AUTOMATIC):
            # Mail programs write these for people.
            return Reply(Channel.EMAIL, ReplyKind.OPT_OUT, "", now, "unsubscribe", box.attempt)
        if box.name in (REPLIES, CALENDAR) and report.kind is Kind.CALENDAR and report.answer is not None:
            return _of_calendar(box, report.answer, report.writer, now)
        if box.name == CALENDAR:
            return _letter_to_calendar(box, report, now)
        if box.name == REPLIES and report.kind is Kind.LETTER:
            return Reply(Channel.EMAIL, classify(report.text), "", now, report.text, box.attempt)
        outcome = report.outcome()
        if outcome is None:
            log.info("attempt %s: a mail came back that decides nothing (%s)", box.attempt, report.kind)
            return None
        if outcome.cause == POLICY:
            self._say_policy(report)
        return Receipt(Channel.EMAIL, outcome, now, box.attempt)

    def _say_policy(self, report: Report) -> None:
        """Tell the administrator, once in an hour however many come back."""
        if time.monotonic() >= self._policy_said + _SAY_AGAIN_SECONDS:
            self._policy_said = time.monotonic()
            log.error(
                "mail of ours came back as refused by policy (%s): an administrator should look",
                report.status or report.code,
            )

    def _named_within(self, octets: bytes) -> str | None:
        """The attempt whose sealed address or link stands in the mail that somebody complains about."""
        for found in _TOKEN.finditer(octets[:_LONGEST]):
            if attempt := self._seal.attempt(found[0].decode()):
                return attempt
        return None


def _of_calendar(box: Box, answer: CalendarAnswer, writer: str, now: datetime) -> Reply:
    """What a calendar says; of another event than the address is about somebody must read it."""
    named = visit_of(answer.uid)
    kind = answer.kind if named is not None and box.visit in (None, named) else ReplyKind.OTHER
    about = replace(box.visit or named or NOTHING, starts_at=answer.starts_at)
    return Reply(Channel.EMAIL, kind, writer, now, answer.text, box.attempt, about)


def _letter_to_calendar(box: Box, report: Report, now: datetime) -> Reply | None:
    """Somebody wrote to whoever invited them."""
    if report.kind is not Kind.LETTER:
        return None
    kind = classify(report.text)
    return Reply(Channel.EMAIL, kind, report.writer, now, report.text, "", box.visit)


class _Smtp(SMTP):
    """Takes longer lines than RFC 5321 has: some mail programs write a paragraph as one."""

    line_length_limit = _LONGEST_LINE


class _Lmtp(LMTP):
    """See _Smtp."""

    line_length_limit = _LONGEST_LINE


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
            # aiosmtpd names the sender of a bounce "<>".
            await self._desk.take(self._boxes[0], content, (envelope.mail_from or "").strip("<>"))
        except TimeoutError:
            return "451 4.3.0 Not recorded yet, try again later"
        return "250 2.0.0 Taken"
