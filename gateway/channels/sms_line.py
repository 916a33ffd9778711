"""One bind, kept up: connects, binds, reconnects, and sends at its pace."""

from __future__ import annotations

import asyncio
import logging
import random

from gateway.channels.sms_causes import BIND_REFUSALS
from gateway.channels.sms_link import BindRefusedError, Deliveries
from gateway.channels.sms_pace import Pace
from gateway.channels.sms_quota import Quota
from gateway.channels.sms_session import Session, tls_of
from gateway.channels.sms_submit import LINE_DOWN, Submitter
from gateway.channels.tally import Tally
from gateway.domain import Attempt, LineLook, LineState, Outcome
from gateway.settings import Bind, TextSettings

log = logging.getLogger(__name__)


class SmsLine:
    """A bind of the settings."""

    RECONNECT_FIRST = 0.2
    RECONNECT_MOST = 30.0
    DRAIN_SECONDS = 10.0

    def __init__(
        self,
        bind: Bind,
        texts: TextSettings,
        quota: Quota | None,
        deliveries: Deliveries,
        changed: asyncio.Event,
    ) -> None:
        """`changed` is set when there may be room. Raises SettingsError; needs a running event loop."""
        self.settings = bind
        self._tls = tls_of(bind)
        self._quota = quota
        self._deliveries = deliveries
        self._changed = changed
        self._pace = Pace(bind.window, bind.per_second, changed)
        replacing = texts.replace_look_alikes
        self._submitter = Submitter(bind, self._pace, quota, replace_look_alikes=replacing)
        self._down = False
        self._refused_before = False
        self._off = False
        self._trouble = "not connected yet"
        self._tally = Tally()

    # --- the session ---

    async def run(self) -> None:
        """Keep the bind up until cancelled; then let responses under way arrive, and unbind."""
        backoff = self.RECONNECT_FIRST
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            await self._connect_and_serve()
            # A bind that held for a while is asked for again quickly, one that does not hold slowly.
            backoff = self.RECONNECT_FIRST if clock() - began > backoff * 2 else backoff
            await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
            backoff = min(backoff * 2, self.RECONNECT_MOST)

    async def _connect_and_serve(self) -> None:
        try:
            session = await Session.open(self.settings, self._tls, self._deliveries)
        except BindRefusedError as error:
            self._say_refused(error)
        except OSError as error:
            # A time limit has no text of its own.
            self._say_down(str(error) or "no answer in time")
        else:
            self._say_down(await self._serve(session))

    async def _serve(self, session: Session) -> str:
        """Offer the session until it is lost; returns why."""
        self._say_up()
        self._submitter.link = session.transmitter
        self._changed.set()
        try:
            return await session.watch()
        finally:
            await session.close(self.DRAIN_SECONDS)
            self._submitter.link = None

    @property
    def _name(self) -> str:
        return f"SMSC {self.settings.host}:{self.settings.port}"

    def _say_down(self, why: str) -> None:
        self._trouble = why
        if not self._down:
            log.warning("%s: %s; texts wait until it is back, or take another bind", self._name, why)
        self._down = True

    def _say_refused(self, error: BindRefusedError) -> None:
        self._trouble = str(error)
        if not self._refused_before:
            wrong = error.status in BIND_REFUSALS
            advice = "; correct system_id and password of the bind in the settings" if wrong else ""
            log.error("%s: %s%s; texts wait", self._name, error, advice)
        self._down = self._refused_before = True

    def _say_up(self) -> None:
        self._trouble = ""
        log.info("%s: bound", self._name)
        self._down = self._refused_before = False

    # --- texts ---

    @property
    def open(self) -> bool:
        """Whether texts are to go this way: bound, in no long pause, and the day's texts not all sent."""
        link = self._submitter.link
        if self._off or link is None or not link.up or self._pace.paused_long:
            return False
        return self._quota is None or not self._quota.spent

    async def refill(self) -> None:
        """Have some of the day's texts at hand. Raises what the store does."""
        if self._quota is not None:
            await self._quota.refill()

    def room(self) -> int:
        """How many texts may start now."""
        room = self._pace.room()
        return room if self._quota is None or not room else self._quota.room(room)

    def delay(self) -> float:
        """Seconds until there is room without an answer; 0.0: only an answer makes room."""
        return max(self._pace.delay(), self._quota.delay() if self._quota else 0.0)

    async def send(self, attempt: Attempt) -> Outcome:
        """Submit the text; what the SMSC made of it."""
        if self._off:
            return LINE_DOWN
        outcome = await self._submitter.send(attempt)
        self._tally.note(outcome)
        return outcome

    # --- looked at and switched ---

    def look(self) -> LineLook:
        """How it is."""
        state, trouble = self._state()
        sent, failed = self._tally.hour()
        bind, last, at = self.settings, self._tally.last_error, self._tally.last_error_at
        where = f"{bind.host}:{bind.port}"
        busy, most, rate = self._pace.busy, bind.window, bind.per_second
        return LineLook(where, state, trouble, busy, most, rate, sent, failed, last, at)

    def _state(self) -> tuple[LineState, str]:
        link = self._submitter.link
        if self._off:
            return LineState.OFF, ""
        if link is None or not link.up:
            return LineState.DOWN, self._trouble
        if self._pace.paused:
            return LineState.PAUSED, "the provider asks us to slow down"
        if self._quota is not None and self._quota.spent:
            return LineState.PAUSED, "brand-day-limit"
        return LineState.UP, ""

    def switch(self, on: bool) -> None:
        """Off: the bind stays, so that receipts and replies come; no text goes this way."""
        self._off = not on
        self._changed.set()
