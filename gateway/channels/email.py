"""Mail over SMTP: the clinic's relays in order of preference, text and HTML, one Message-ID per attempt."""

from __future__ import annotations

import asyncio
import secrets
import ssl
from collections import defaultdict
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import replace

from gateway import domain
from gateway.channels import email_files
from gateway.channels.email_desk import Desk
from gateway.channels.email_dkim import Signer
from gateway.channels.email_letter import Letterhead
from gateway.channels.email_logo import logo_part
from gateway.channels.email_mime import Mailbox, check_mail, mailbox
from gateway.channels.email_relay import RELAY_DOWN, RelayLine
from gateway.channels.email_return import Returns, Seal
from gateway.channels.inbox import Inbox
from gateway.domain import (
    Attempt,
    Content,
    ContentError,
    Event,
    Failed,
    Mail,
    Outcome,
    Retry,
    RetryKind,
    UnsafeValueError,
)
from gateway.settings import DkimKey, Relay, SettingsError


class EmailChannel:
    """A Channel over one or more relays (gateway.channels.port)."""

    name = domain.Channel.EMAIL

    def __init__(
        self,
        relays: Mapping[str, Relay],
        clinic_name: str,
        tls: ssl.SSLContext | None = None,
        back: Returns | None = None,
        dkim: Mapping[str, DkimKey] | None = None,
        logo: str = "",
    ) -> None:
        """`tls`: instead of the machine's own authorities. `back`: where mail comes back, if it does.

        `logo`: an image file. SettingsError for an unusable sender, name, key or logo.
        """
        self._changed = asyncio.Event()
        self._inbox = Inbox()
        back = back or Returns(Seal(secrets.token_bytes(32)))
        home = next(iter(relays.values())).sender.rpartition("@")[2]
        changed, image = self._changed.set, logo_part(logo)
        self._lines = [
            RelayLine(relay, _letterhead(relay, clinic_name, back, dkim or {}, home, image), tls, changed)
            for relay in relays.values()
        ]
        each = min(relay.per_destination for relay in relays.values())
        self._destinations: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(each))
        self._sending = 0
        self.desk = Desk(back.settings, back.seal, self._inbox) if back.listens else None

    @property
    def lines(self) -> Sequence[RelayLine]:
        """Its relays, in the order of the settings."""
        return self._lines

    async def run(self) -> None:
        """Keep all relays within reach and the desk open until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for line in self._lines:
                    group.create_task(line.run())
                if self.desk is not None:
                    group.create_task(self.desk.run())
        finally:
            self._inbox.close()

    async def slots(self) -> int:
        """How many mails may start now; waits for one, and for a relay."""
        # Attempts that were launched since the last call take theirs first.
        await asyncio.sleep(0)
        while (free := sum(line.connections for line in self._lines if line.up) - self._sending) <= 0:
            self._changed.clear()
            await self._changed.wait()
        return free

    async def prepare(self, content: Content) -> Content:
        """The mail with its files; ContentError when it is not one that can be sent."""
        if not isinstance(content, Mail):
            raise ContentError("this is not an email")
        found = [await asyncio.to_thread(email_files.read, file) for file in content.files]
        whole = replace(content, attachments=(*content.attachments, *found), files=())
        check_mail(whole)
        return whole

    async def send(self, attempt: Attempt) -> Outcome:
        """Hand the mail to the first relay that is there; what it made of it."""
        try:
            to = mailbox(attempt.address)
        except UnsafeValueError:
            return Failed("address-unusable", bad_address=True)
        if not isinstance(attempt.content, Mail):
            return Failed("content-unusable: this is not an email")
        self._sending += 1
        try:
            return await self._carry(attempt, attempt.content, to)
        except ContentError as error:
            return Failed(f"content-unusable: {error}")
        finally:
            self._sending -= 1
            self._changed.set()

    async def _carry(self, attempt: Attempt, mail: Mail, to: Mailbox) -> Outcome:
        outcome: Outcome = RELAY_DOWN
        tried: set[RelayLine] = set()
        async with self._destinations[to.domain.lower()]:
            # A relay that went away while it carried has nothing of the mail: the next one may.
            while _is_line_down(outcome) and (line := await self._line(tried)):
                tried.add(line)
                outcome = await line.carry(attempt, mail, to)
        return outcome

    async def _line(self, tried: Collection[RelayLine]) -> RelayLine | None:
        """The relay to use now; waits while all that are up are busy, None when none is up."""
        while lines := [line for line in self._lines if line.up and line not in tried]:
            if free := [line for line in lines if line.free > 0]:
                return min(free, key=lambda one: one.preference)
            self._changed.clear()
            await self._changed.wait()
        return None

    def halt(self) -> None:
        """What was started is handed over in no time: there is nothing to hold back."""

    def proceed(self) -> None:
        """See `halt`."""

    async def hang_up(self) -> None:
        """Nothing is under way for long."""

    # --- what comes back ---

    def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """Bounces, complaints and replies that came to the desk."""
        return self._inbox.batches(most)

    async def reconcile(self, attempts: Collection[str]) -> None:
        """SMTP has no question for it: what was lost after the final dot stays unknown."""

    async def acknowledge(self, attempts: Collection[str]) -> None:
        """Nothing is kept outside for settled attempts."""


def _letterhead(
    relay: Relay, clinic_name: str, back: Returns, dkim: Mapping[str, DkimKey], home: str, logo: bytes
) -> Letterhead:
    try:
        sender = mailbox(relay.sender)
        signers = tuple(Signer(selector, key, sender.domain) for selector, key in dkim.items())
        return Letterhead(sender, clinic_name, back.path(sender), signers, home, logo)
    except UnsafeValueError as error:
        raise SettingsError(f"setting relays: sender or clinic name: {error}") from error


def _is_line_down(outcome: Outcome) -> bool:
    return isinstance(outcome, Retry) and outcome.kind is RetryKind.LINE_DOWN
