"""Texts over SMPP 3.4: one transceiver bind, a window, segments, receipts and replies."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import AsyncIterator, Collection, Sequence
from datetime import UTC, datetime
from functools import partial

from gateway import domain
from gateway.channels import sms_pdu
from gateway.channels.errors import ContentError
from gateway.channels.inbox import Inbox
from gateway.channels.sms_causes import BIND_REFUSALS
from gateway.channels.sms_encoding import check_text
from gateway.channels.sms_link import BindRefusedError, Link
from gateway.channels.sms_pace import Pace
from gateway.channels.sms_pdu import PduError
from gateway.channels.sms_receipts import event_of
from gateway.channels.sms_submit import Submitter
from gateway.domain import Attempt, Content, Event, Outcome, Text
from gateway.settings import Bind

log = logging.getLogger(__name__)

_TRY_LATER, _NEVER = 0x64, 0x66


class SmsChannel:
    """A Channel over one bind (gateway.channels.port)."""

    name = domain.Channel.SMS
    RECONNECT_FIRST = 0.2
    RECONNECT_MOST = 30.0
    DRAIN_SECONDS = 10.0
    MOST_UNREAD = 10_000

    def __init__(self, bind: Bind) -> None:
        """Raises SettingsError for what SMPP 3.4 has no room for. Needs a running event loop."""
        self._bind = bind
        self._pace = Pace(bind.window, bind.per_second)
        self._submitter = Submitter(bind, self._pace)
        self._inbox = Inbox(self.MOST_UNREAD)
        self._up = asyncio.Event()
        self._down = False
        self._refused_before = False

    # --- the line ---

    async def run(self) -> None:
        """Keep the bind up until cancelled; then let responses under way arrive, and unbind."""
        backoff = self.RECONNECT_FIRST
        clock = asyncio.get_running_loop().time
        try:
            while True:
                began = clock()
                await self._connect_and_serve()
                # A bind that held for a while is asked for again quickly, one that does not hold slowly.
                backoff = self.RECONNECT_FIRST if clock() - began > backoff * 2 else backoff
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
                backoff = min(backoff * 2, self.RECONNECT_MOST)
        finally:
            self._inbox.close()

    async def _connect_and_serve(self) -> None:
        try:
            link = await Link.open(self._bind, self._delivered)
        except BindRefusedError as error:
            self._say_refused(error)
        except OSError as error:
            # A time limit has no text of its own.
            self._say_down(str(error) or "no answer in time")
        else:
            self._say_down(await self._serve(link))

    async def _serve(self, link: Link) -> str:
        """Offer the link until it is lost; returns why."""
        self._say_up()
        self._submitter.link = link
        self._up.set()
        try:
            return await link.watch()
        finally:
            self._up.clear()
            if link.up:
                await link.close(self.DRAIN_SECONDS)
            self._submitter.link = None

    def _say_down(self, why: str) -> None:
        if not self._down:
            log.warning("SMSC %s:%d: %s; texts wait until it is back", self._bind.host, self._bind.port, why)
        self._down = True

    def _say_refused(self, error: BindRefusedError) -> None:
        if not self._refused_before:
            wrong = error.status in BIND_REFUSALS
            advice = "; correct system_id and password of the bind in the settings" if wrong else ""
            log.error("SMSC %s:%d: %s%s; texts wait", self._bind.host, self._bind.port, error, advice)
        self._down = self._refused_before = True

    def _say_up(self) -> None:
        log.info("SMSC %s:%d: bound", self._bind.host, self._bind.port)
        self._down = self._refused_before = False

    async def slots(self) -> int:
        """How many submits may start now; waits for the bind, the window, the rate and pauses."""
        # Attempts that were launched since the last call take their places first.
        await asyncio.sleep(0)
        while True:
            await self._up.wait()
            if room := self._pace.room():
                return room
            await self._pace.wait()

    # --- messages ---

    async def prepare(self, content: Content) -> Content:
        """The content as it is; ContentError when it is not a text that can be sent."""
        if not isinstance(content, Text):
            raise ContentError("this is not a text message")
        check_text(content.body)
        return content

    async def send(self, attempt: Attempt) -> Outcome:
        """Submit the text; what the SMSC made of it."""
        return await self._submitter.send(attempt)

    # --- what comes back ---

    def _delivered(self, link: Link, sequence: int, body: bytes) -> None:
        acknowledge = partial(link.answer, sms_pdu.DELIVER_RESP, sequence)
        if self._inbox.full:
            acknowledge(_TRY_LATER)
            return
        try:
            event = event_of(sms_pdu.read_deliver(body), self._bind, datetime.now(UTC))
        except PduError as error:
            log.warning("refused what the SMSC delivered: %s", error)
            acknowledge(_NEVER)
            return
        if event is None:
            acknowledge()
        else:
            self._inbox.put(event, acknowledge)

    def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """Receipts and replies. Asking for the next batch acknowledges all of this one to the SMSC."""
        return self._inbox.batches(most)

    async def reconcile(self, attempts: Collection[str]) -> None:
        """SMPP has no question for it: late receipts tell, by the number they speak of."""

    async def acknowledge(self, attempts: Collection[str]) -> None:
        """Nothing is kept outside for settled attempts."""
