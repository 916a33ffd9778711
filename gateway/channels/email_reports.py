"""What comes back by mail: bounces (RFC 3464 and the untidy ones), complaints (RFC 5965), requests. Pure.

Everything here is written by strangers. Who is meant is told by the sealed address alone, never by what
the text claims.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import Message
from enum import StrEnum

from gateway.channels.email_causes import Answer, Stage, of_refusal
from gateway.domain import Delivered, Failed, Outcome, Retry


class Kind(StrEnum):
    """What a message that came in is."""

    BOUNCE = "bounce"
    DELAY = "delay"
    RECEIPT = "receipt"
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"
    LETTER = "letter"


@dataclass(frozen=True, slots=True)
class Report:
    """One incoming message, read. `status` is the enhanced code, `code` the SMTP reply, where told."""

    kind: Kind
    status: str = ""
    code: int = 0
    text: str = ""

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
                return Failed("mailbox-full" if cause == "mailbox-full" else "bounced", evidence=evidence)
            case _:
                return decided


# Of what a stranger sends, no more than this is looked at.
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


def read(octets: bytes) -> Report:
    """The report in a message; never raises, whatever the octets are."""
    if octets.lower().count(b"boundary") > _MOST_PARTS:
        # Each may be a part within a part, and the standard library reads those by recursion.
        return Report(Kind.AUTOMATIC)
    message = message_from_bytes(octets, policy=policy.compat32)
    parts = list(_parts(message))
    for part in parts:
        kind = part.get_content_type()
        if kind == "message/feedback-report":
            return Report(Kind.COMPLAINT)
        if kind == "message/delivery-status" or kind == "message/global-delivery-status":
            return _of_delivery_status(part)
    text = _text(parts)
    subject = str(message.get("Subject", ""))
    if _is_automatic(message, subject):
        return Report(Kind.AUTOMATIC)
    if _NOTICE.search(subject) or _NOTICE.search(text[:2000]):
        status, code = _STATUS.search(text), _CODE.search(text)
        return Report(Kind.BOUNCE, status[1] if status else "", int(code[1]) if code else 0)
    return Report(Kind.LETTER, text=_said(text) or subject)


def _parts(message: Message) -> Iterator[Message]:
    for count, part in enumerate(message.walk()):
        if count == _MOST_PARTS:
            return
        yield part


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
    return [message_from_bytes(block.encode(), policy=policy.compat32) for block in text.split("\n\n")]


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
