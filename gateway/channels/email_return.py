"""How a mail finds its way back: bounce addresses and unsubscribe links that only we can make.

A token is the attempt's id with a keyed checksum: nobody can make one for a mail that they did not get.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from dataclasses import dataclass, field

from gateway.channels.email_mime import Mailbox
from gateway.domain import About, parse_attempt_id
from gateway.settings import ReturnSettings

_SEAL_BYTES = 10
# The ids of events, as wording writes them: the clinic and the appointment.
_VISIT = re.compile(r"visit-([0-9]{1,9})-([0-9]{1,18})")


def visit_of(uid: str) -> About | None:
    """The appointment of an event's id, None when it is none of ours."""
    found = _VISIT.fullmatch(uid.partition("@")[0].lower())
    return About(int(found[1]), int(found[2])) if found else None


@dataclass(frozen=True, slots=True)
class Seal:
    """Makes and checks tokens with one secret."""

    secret: bytes

    def token(self, id: str) -> str:
        """The attempt's id, sealed; letters, digits, - and . only."""
        return f"{id}.{self._sum(id)}"

    def attempt(self, token: str) -> str | None:
        """The attempt of a token, None when we did not make it; upper and lower case are the same."""
        id, _, seal = token.lower().partition(".")
        if parse_attempt_id(id) is None or not hmac.compare_digest(seal.encode(), self._sum(id).encode()):
            return None
        return id

    def visit(self, token: str) -> About | None:
        """The appointment of a token for its calendar event, None when we did not make it."""
        uid, _, seal = token.lower().partition(".")
        whole = hmac.compare_digest(seal.encode(), self._sum(uid).encode())
        return visit_of(uid) if whole else None

    def _sum(self, id: str) -> str:
        digest = hmac.digest(self.secret, id.encode(), hashlib.sha256)[:_SEAL_BYTES]
        return base64.b32encode(digest).decode().lower()


BOUNCES, UNSUBSCRIBE, REPLIES, CALENDAR = "bounces", "unsubscribe", "reply", "calendar"


@dataclass(frozen=True, slots=True)
class ReturnPath:
    """`domain` takes bounces (empty: they go to the sender), `url` one-click requests (empty: none)."""

    seal: Seal
    sender: Mailbox
    domain: str = ""
    url: str = ""

    def envelope(self, id: str) -> Mailbox:
        """Whom the envelope names as sender: a bounce of this attempt comes back to it (VERP)."""
        return Mailbox(self._address(BOUNCES, id)) if self.domain else self.sender

    def reply_to(self, id: str) -> str:
        """The Reply-To header with its line end; empty where replies go to the sender."""
        return f"Reply-To: {self._address(REPLIES, id)}\r\n" if self.domain else ""

    def organizer(self, uid: str) -> Mailbox | None:
        """Where calendars answer: the same address as long as the event is there; None: nobody listens."""
        return Mailbox(self._address(CALENDAR, uid)) if self.domain else None

    def unsubscribe(self, id: str) -> str:
        """The List-Unsubscribe headers (RFC 2369, RFC 8058) with their line ends."""
        mailto = f"<mailto:{self._mailto(id)}>"
        if not self.url:
            return f"List-Unsubscribe: {mailto}\r\n"
        link = f"<{self.url.rstrip('/')}/u/{self.seal.token(id)}>"
        return (
            f"List-Unsubscribe: {link},\r\n {mailto}\r\nList-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"
        )

    def _mailto(self, id: str) -> str:
        if self.domain:
            return self._address(UNSUBSCRIBE, id)
        return f"{self.sender.address}?subject=unsubscribe%20{self.seal.token(id)}"

    def _address(self, box: str, id: str) -> str:
        return f"{box}+{self.seal.token(id)}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Returns:
    """Where mail of this installation comes back."""

    seal: Seal
    settings: ReturnSettings = field(default_factory=ReturnSettings)
    url: str = ""

    @property
    def listens(self) -> bool:
        """Whether a desk takes what comes back."""
        return bool(self.settings.domain and self.settings.port)

    def path(self, sender: Mailbox) -> ReturnPath:
        """The way back to a sender."""
        return ReturnPath(self.seal, sender, self.settings.domain, self.url)
