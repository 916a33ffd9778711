"""Texts over SMPP 3.4: one or several binds, receipts and replies."""

from __future__ import annotations

import asyncio
import logging
import math
import random
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from gateway import domain
from gateway.alphabet import check_text
from gateway.channels import sms_pdu
from gateway.channels.inbox import Inbox
from gateway.channels.sms_line import SmsLine
from gateway.channels.sms_link import Link
from gateway.channels.sms_pdu import PduError
from gateway.channels.sms_quota import Quota
from gateway.channels.sms_receipts import event_of
from gateway.domain import Attempt, Content, ContentError, Event, Outcome, Text
from gateway.settings import Bind, TextSettings

log = logging.getLogger(__name__)

_TRY_LATER, _NEVER = 0x64, 0x66
# A pause that ends, a day that begins: looked for after this time at most.
LOOK_SECONDS = 30.0


class SmsChannel:
    """A Channel over binds (gateway.channels.port).

    Of the binds that take texts those of the lowest `priority` are used; among equals chance decides by
    `weight`.
    """

    name = domain.Channel.SMS
    MOST_UNREAD = 10_000

    def __init__(
        self,
        binds: Sequence[Bind],
        texts: TextSettings | None = None,
        quotas: Mapping[str, Quota] | None = None,
    ) -> None:
        """`quotas` by campaign. Raises SettingsError; needs a running event loop."""
        self._inbox = Inbox(self.MOST_UNREAD)
        self._changed = asyncio.Event()
        self._lines = [
            SmsLine(
                bind,
                texts or TextSettings(),
                (quotas or {}).get(bind.campaign),
                partial(self._delivered, bind),
                self._changed,
            )
            for bind in binds
        ]

    # --- the lines ---

    @property
    def lines(self) -> Sequence[SmsLine]:
        """Its binds, in the order of the settings."""
        return self._lines

    async def run(self) -> None:
        """Keep the binds up until cancelled; then let responses under way arrive, and unbind."""
        try:
            async with asyncio.TaskGroup() as group:
                for line in self._lines:
                    group.create_task(line.run())
        finally:
            self._inbox.close()

    async def slots(self) -> int:
        """How many submits may start now; waits for a bind, its window, its rate and its pauses."""
        # Attempts that were launched since the last call take their places first.
        await asyncio.sleep(0)
        while True:
            for line in self._lines:
                await line.refill()
            if room := sum(line.room() for line in self._best()):
                return room
            await self._change()

    def _best(self) -> Sequence[SmsLine]:
        """Those to be used now."""
        if len(self._lines) == 1:
            return self._lines if self._lines[0].open else ()
        ready = [line for line in self._lines if line.open]
        first = min((line.settings.priority for line in ready), default=None)
        return [line for line in ready if line.settings.priority == first]

    async def _change(self) -> None:
        self._changed.clear()
        delays = [delay for line in self._lines if (delay := line.delay())]
        with suppress(TimeoutError):
            async with asyncio.timeout(min(LOOK_SECONDS, *delays) if delays else LOOK_SECONDS):
                await self._changed.wait()

    # --- messages ---

    def prepare(self, content: Content) -> asyncio.Future[Content]:
        """The content as it is; ContentError when it is not a text that can be sent."""
        # A task for each text would cost more than the look at it.
        done: asyncio.Future[Content] = asyncio.get_running_loop().create_future()
        try:
            done.set_result(_sendable(content))
        except ContentError as error:
            done.set_exception(error)
        return done

    async def send(self, attempt: Attempt) -> Outcome:
        """Submit the text over one bind; what the SMSC made of it."""
        return await self._chosen().send(attempt)

    def _chosen(self) -> SmsLine:
        best = self._best()
        if len(best) == 1:
            return best[0]
        # None: whichever it is, it says that it is down.
        return min([line for line in best if line.room()] or best or self._lines, key=_by_chance)

    def halt(self) -> None:
        """What was started is handed over in no time: there is nothing to hold back."""

    def proceed(self) -> None:
        """See `halt`."""

    async def hang_up(self) -> None:
        """Nothing is under way for long."""

    # --- what comes back ---

    def _delivered(self, bind: Bind, link: Link, sequence: int, body: bytes) -> None:
        acknowledge: Callable[..., None] = partial(link.answer, sms_pdu.DELIVER_RESP, sequence)
        if self._inbox.full:
            acknowledge(_TRY_LATER)
            return
        try:
            event = event_of(sms_pdu.read_deliver(body), bind, datetime.now(UTC))
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


def _by_chance(line: SmsLine) -> float:
    return -math.pow(random.random(), 1 / line.settings.weight)


def _sendable(content: Content) -> Text:
    if not isinstance(content, Text):
        raise ContentError("this is not a text message")
    check_text(content.body)
    return content
