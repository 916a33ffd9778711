"""What comes back by mail: bounces (RFC 3464 and the untidy ones), complaints (RFC 5965), requests. Pure.

Everything here is written by strangers. Who is meant is told by the sealed address alone, never by what
the text claims.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from email.parser import BytesHeaderParser
from email.utils import parseaddr
from enum import StrEnum

from gateway.channels.email_answers import CalendarAnswer, read_answer
from gateway.channels.email_causes import POLICY, Answer, Stage, of_refusal
from gateway.domain import Delivered, Failed, Outcome, Retry

log = logging.getLogger(__name__)


class Kind(StrEnum):
    """What a message that came in is."""

    BOUNCE = "bounce"
    DELAY = "delay"
    RECEIPT = "receipt"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    LETTER = "letter"
    CALENDAR = "calendar"


@dataclass(frozen=True, slots=True)
class Report:
    """One incoming message, read. `status` is the enhanced code, `code` the SMTP reply, where told.

    `writer`: the address in its From. `answer`: of a calendar.
    """

    kind: Kind
    status: str = ""
    code: int = 0
    text: str = ""
    writer: str = ""
    answer: CalendarAnswer | None = None

    def outcome(self) -> Outcome | None:
        """What it says of the attempt; None where it decides nothing."""
        if self.kind is Kind.RECEIPT:
            return Delivered("receipt-delivered", {"status": self.status})
        if self.kind is not Kind.BOUNCE:
            return None
        code = self.code or (550 if not self.status or self.status[0] == "5" else 450)
        decided = of_refusal(Answer(code, f"{self.status} "), Stage.RECIPIENT)
        evidence = {"status": self.status, "code": self.code}
        match decided:
            case Failed(cause=cause, bad_address=bad):
                return Failed("bounced" if cause == "refused" else cause, bad, evidence)
            case Retry(cause=cause):
                # Whoever bounces it has given up trying: nothing is left to wait for.
                told = cause in ("mailbox-full", POLICY)
                return Failed(cause if told else "bounced", evidence=evidence)
            case _:
                return decided


# Of what a stranger sends, no more than this is looked at.
_LONGEST = 1024 * 1024
_LONGEST_TEXT = 20_000
_MOST_PARTS = 50
_STATUS = re.compile(r"(?<![\d.])([245]\.\d{1,3}\.\d{1,3})(?![\d.])")
_CODE = re.compile(r"(?<![\d.])([45]\d\d)(?![\d.])(?=[ -])")
_NOTICE = re.compile(
    r"undeliver|deliver(y|ed)? (status|fail|problem|has failed)|failure notice|returned (mail|to sender)"
    r"|mail delivery (failed|system|subsystem)|could not be delivered|couldn't be delivered"
    r"|nicht zugestellt|no se (ha podido|pudo) entregar|qmail-send program",
    re.IGNORECASE,
)
_AUTOMATIC_SUBJECT = re.compile(
    r"^\s*(auto(matic)?([- ]?(reply|response))|out of (the )?office|abwesenheit|respuesta autom)",
    re.IGNORECASE,
)


def read(octets: bytes, sender: str = "") -> Report:
    """The report in a message; never raises, whatever the octets are. `sender`: its envelope's, "" for <>.

    Takes up to a second: not for the event loop.
    """
    looked_at = octets[:_LONGEST]
    low = looked_at.lower()
    if max(low.count(b"boundary"), low.count(b"message/")) > _MOST_PARTS:
        # Each may be a part within a part, and the standard library reads those by recursion.
        return Report(Kind.AUTOMATIC)
    try:
        return _read(message_from_bytes(looked_at, policy=policy.compat32), sender)
    except Exception as error:
        # The library's own faults with what no mail program writes: it decides nothing.
        log.warning("a mail that came in could not be read: %s", type(error).__name__)
        return Report(Kind.AUTOMATIC)


def _read(message: Message, sender: str) -> Report:
    parts = list(_parts(message))
    daemon = _is_of_daemon(message, sender)
    writer = parseaddr(str(message.get("From", "")))[1].lower()
    # What a person encloses of a bounce is theirs to tell of, and reports nothing.
    reports = daemon or not sender or message.get_content_type() in _REPORTS
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/feedback-report":
            return Report(Kind.COMPLAINT)
        if kind in _STATUSES and reports:
            return _of_delivery_status(part)
        if kind == "message/disposition-notification":
            return Report(Kind.AUTOMATIC)
        if kind == "text/calendar" and not daemon and (answer := read_answer(_decoded(part), writer)):
            return Report(Kind.CALENDAR, text=answer.text, writer=writer, answer=answer)
    text = _text(parts)
    subject = str(message.get("Subject", ""))
    if _is_automatic(message, subject) and not (daemon and _NOTICE.search(subject)):
        return Report(Kind.AUTOMATIC)
    # A person may well write that something could not be delivered: only a mail system tells of it.
    told = subject if not sender else ""
    if _NOTICE.search(f"{subject}\n{text[:2000]}" if daemon else told):
        status, code = _STATUS.search(text), _CODE.search(text)
        return Report(Kind.BOUNCE, status[1] if status else "", int(code[1]) if code else 0)
    return Report(Kind.LETTER, text=_said(text) or subject, writer=writer)


def _parts(message: Message) -> Iterator[Message]:
    """The parts of this message, and none of a message that it encloses: that one was written by others."""
    waiting = [message]
    for _ in range(_MOST_PARTS):
        if not waiting:
            return
        part = waiting.pop(0)
        yield part
        inner = part.get_payload()
        if part.get_content_maintype() == "multipart" and isinstance(inner, list):
            waiting += [one for one in inner if isinstance(one, Message)]


_STATUSES = ("message/delivery-status", "message/global-delivery-status")
_REPORTS = ("multipart/report", *_STATUSES)
_DAEMON = re.compile(r"(mailer-daemon|postmaster|mail-daemon)@?", re.IGNORECASE)


def _is_of_daemon(message: Message, sender: str) -> bool:
    """Whether a mail system wrote it, by its own name."""
    writers = sender, parseaddr(str(message.get("From", "")))[1]
    return "X-Failed-Recipients" in message or any(_DAEMON.match(writer) for writer in writers)


def _of_delivery_status(part: Message) -> Report:
    """The fields of the recipient: the first block tells of the message, the ones after it of recipients."""
    for block in _blocks(part):
        action = str(block.get("Action", "")).strip().lower()
        if not action:
            continue
        status = _STATUS.search(str(block.get("Status", "")))
        diagnostic = str(block.get("Diagnostic-Code", ""))
        if status is None or status[1].endswith(".0.0"):
            # "Something of this class": what the other side said is more to the point.
            status = _STATUS.search(diagnostic) or status
        code = _CODE.search(diagnostic + " ")
        kind = {"delayed": Kind.DELAY, "delivered": Kind.RECEIPT}.get(action)
        if kind is None:
            kind = Kind.BOUNCE if action == "failed" else Kind.DELAY
        return Report(kind, status[1] if status else "", int(code[1]) if code else 0)
    return Report(Kind.BOUNCE)


def _blocks(part: Message) -> list[Message]:
    payload = part.get_payload()
    if isinstance(payload, list):
        return [block for block in payload[:_MOST_PARTS] if isinstance(block, Message)]
    # Some write it as one text, or encode it: read it ourselves.
    text = _decoded(part)
    fields = BytesHeaderParser(policy=policy.compat32)
    return [fields.parsebytes(block.encode()) for block in text.split("\n\n", _MOST_PARTS)]


def _text(parts: list[Message]) -> str:
    plain = [_decoded(part) for part in parts if part.get_content_type() == "text/plain"]
    if not plain:
        plain = [_TAG.sub(" ", _decoded(part)) for part in parts if part.get_content_type() == "text/html"]
    return "\n".join(plain)[:_LONGEST_TEXT]


_TAG = re.compile(r"<[^<>]{0,1000}>")


def _decoded(part: Message) -> str:
    payload = part.get_payload(decode=True)
    octets = payload if isinstance(payload, bytes) else str(part.get_payload()).encode()
    try:
        text = octets[:_LONGEST_TEXT].decode(part.get_content_charset("utf-8"), "replace")
    except (LookupError, ValueError):
        text = octets[:_LONGEST_TEXT].decode("utf-8", "replace")
    return text.replace("\r\n", "\n")


def _is_automatic(message: Message, subject: str) -> bool:
    submitted = str(message.get("Auto-Submitted", "no")).strip().lower()
    precedence = str(message.get("Precedence", "")).strip().lower()
    return (
        submitted.startswith("auto-replied")
        or "X-Autoreply" in message
        or "X-Autorespond" in message
        or precedence in ("auto_reply", "list")
        or bool(_AUTOMATIC_SUBJECT.search(subject))
    )


_QUOTE = re.compile(r"^(>|On .{0,200}wrote:|El .{0,200}escribi|-{2,} ?Original|_{5,}|From: )", re.MULTILINE)


def _said(text: str) -> str:
    """What the writer wrote, without what they quote."""
    found = _QUOTE.search(text)
    return (text[: found.start()] if found else text).strip()[:1000]
