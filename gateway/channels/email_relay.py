"""One relay: kept within reach, its loss said once, its mails handed over on pooled sessions."""

from __future__ import annotations

import asyncio
import logging
import random
import ssl
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from gateway.channels.email_causes import (
    Answer,
    Stage,
    by_policy,
    line_at_fault,
    of_refusal,
    refuses_us,
    wants_login,
)
from gateway.channels.email_letter import Letterhead, stuffed
from gateway.channels.email_mime import Mailbox
from gateway.channels.email_pool import Pool
from gateway.channels.email_session import (
    Envelope,
    LostAfterDotError,
    LostBeforeDotError,
    RefusedError,
    RelayAwayError,
    Session,
)
from gateway.channels.email_standing import Standing
from gateway.channels.tally import Tally
from gateway.domain import (
    Accepted,
    Attempt,
    Failed,
    LineLook,
    LineState,
    Mail,
    Outcome,
    Retry,
    RetryKind,
    Unknown,
)
from gateway.settings import Relay

log = logging.getLogger(__name__)

RELAY_DOWN = Retry(RetryKind.LINE_DOWN, "relay-down", charged=False)


class RelayLine:
    """A relay with its sessions. `changed` is called whenever it came, went or has a free session."""

    PROBE_FIRST = 0.2
    PROBE_MOST = 30.0
    RETIRE_EVERY = 15.0

    def __init__(
        self,
        relay: Relay,
        letterhead: Letterhead,
        tls: ssl.SSLContext | None,
        changed: Callable[[], None],
    ) -> None:
        """`tls`: instead of the machine's own authorities."""
        self._letterhead = letterhead
        self._relay = relay
        self._pool = Pool(relay, tls)
        self._changed = changed
        self._busy = 0
        self._up = False
        self._lost = asyncio.Event()
        self._down = self._alerted = False
        self._policy_said = self._off = False
        self._trouble = "not connected yet"
        self._tally = Tally()
        self._standing = Standing(f"{relay.host}:{relay.port}", relay.policy_refusals, changed)

    @property
    def preference(self) -> tuple[bool, int, float]:
        """Relays of the lowest come first; among equals chance decides by weight.

        One to be tried again is tried at once: else a second relay would carry everything for ever.
        """
        chance = -(random.random() ** (1 / self._relay.weight))
        return not self._standing.refuses, self._relay.priority, chance

    @property
    def up(self) -> bool:
        """Whether it let us in the last time we looked, and takes our mail or may be asked again."""
        return self._up and self._standing.open and not self._off

    @property
    def connections(self) -> int:
        """How many mails it carries at once."""
        return 1 if self._standing.refuses else self._relay.connections

    @property
    def free(self) -> int:
        """How many more mails it can carry now; 0 while it is away."""
        return max(0, self.connections - self._busy) if self.up else 0

    # --- the line ---

    async def run(self) -> None:
        """Probe until the relay lets us in, again after each loss; says goodbye when cancelled."""
        backoff = self.PROBE_FIRST
        clock = asyncio.get_running_loop().time
        try:
            while True:
                if await self._probe():
                    came = clock()
                    await self._until_lost()
                    # A relay that stayed for a while is asked again quickly, one that comes and goes slowly.
                    backoff = self.PROBE_FIRST if clock() - came > backoff * 2 else backoff
                await asyncio.sleep(backoff * random.uniform(0.5, 1.0))
                backoff = min(backoff * 2, self.PROBE_MOST)
        finally:
            self._up = False
            await self._pool.close()

    async def _probe(self) -> bool:
        """Whether a session can be had; it stays in the pool."""
        try:
            self._pool.give(await self._pool.open())
        except RelayAwayError as error:
            self._say_down(str(error), alert=error.alert)
            return False
        finally:
            _heed_cancellation()
        return True

    async def _until_lost(self) -> None:
        if self._down:
            log.warning("relay %s:%d is back", self._relay.host, self._relay.port)
        self._down = self._alerted = False
        self._trouble = ""
        self._lost.clear()
        self._up = True
        self._changed()
        while not self._lost.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(self.RETIRE_EVERY):
                    await self._lost.wait()
            self._pool.retire()

    def _say_down(self, words: str, *, alert: bool = False) -> None:
        self._trouble = words
        if not self._down or (alert and not self._alerted):
            level = logging.ERROR if alert else logging.WARNING
            where = (self._relay.host, self._relay.port)
            log.log(level, "relay %s:%d: %s; mail waits until it is back", *where, words)
        self._down = True
        self._alerted = self._alerted or alert

    def _lose(self, words: str, *, alert: bool = False) -> None:
        """Nothing more is started until a probe succeeds."""
        self._up = False
        self._lost.set()
        self._say_down(words, alert=alert)

    # --- mails ---

    async def carry(self, attempt: Attempt, mail: Mail, to: Mailbox) -> Outcome:
        """What the relay made of the mail; a LINE_DOWN says that it is away and has nothing of it.

        Raises ContentError for a mail that no relay can be given.
        """
        self._busy += 1
        try:
            envelope = Envelope(self._letterhead.envelope(attempt.id), to)
            outcome = await self._hand_over(envelope, stuffed(await self._written(attempt.id, mail, to)))
            self._tally.note(outcome)
            return outcome
        finally:
            self._busy -= 1
            self._changed()

    async def _written(self, id: str, mail: Mail, to: Mailbox) -> bytes:
        now = datetime.now(UTC)
        if self._letterhead.slow or mail.attachments:
            return await asyncio.to_thread(self._letterhead.message, id, mail, to, now)
        return self._letterhead.message(id, mail, to, now)

    async def _hand_over(self, envelope: Envelope, octets: bytes) -> Outcome:
        while self.up:
            try:
                session = await self._pool.take()
            except RelayAwayError as error:
                self._lose(str(error), alert=error.alert)
                break
            outcome = await self._try(session, envelope, octets)
            if outcome is not None:
                return outcome
        return RELAY_DOWN

    async def _try(self, session: Session, envelope: Envelope, octets: bytes) -> Outcome | None:
        """The outcome, or None when the session was lost before it had anything."""
        stale = session.was_idle
        try:
            if envelope.utf8 and not session.knows("smtputf8"):
                return Failed("relay-without-smtputf8")
            answer = await session.send(envelope, octets)
        except RefusedError as error:
            if stale and error.answer.code == 421 and error.stage is Stage.SENDER:
                return None
            return self._refused(error.answer, error.stage, envelope.to.domain)
        except LostBeforeDotError as error:
            if not stale:
                self._lose(str(error))
            return None
        except LostAfterDotError:
            return Unknown("lost-after-final-dot")
        finally:
            self._pool.give(session)
        self._policy_said = False
        self._standing.taken()
        return Accepted("relayed", evidence=answer.evidence())

    def _refused(self, answer: Answer, stage: Stage, domain: str) -> Outcome:
        outcome = of_refusal(answer, stage)
        if refuses_us(answer, stage):
            login = "wants a user name and password: set them" if wants_login(answer) else "refuses us"
            self._standing.refused(f"{login} ({_told(answer)} at {stage})")
        elif line_at_fault(answer):
            self._lose(f"it answered {answer.code}")
        elif by_policy(answer):
            if self._standing.refused_by_policy(domain):
                self._standing.refused(f"refuses the recipients of many domains ({_told(answer)} at {stage})")
                return Retry(RetryKind.LINE_DOWN, outcome.cause, charged=False, evidence=outcome.evidence)
            self._say_policy(answer, stage)
        return outcome

    def _say_policy(self, answer: Answer, stage: Stage) -> None:
        if not self._policy_said:
            log.error(
                "relay %s:%d refuses a mail of ours by its policy (%s at %s): an administrator should look",
                *(self._relay.host, self._relay.port, _told(answer), stage),
            )
        self._policy_said = True

    # --- looked at and switched ---

    def look(self) -> LineLook:
        """How it is."""
        state, trouble = self._state()
        sent, failed = self._tally.hour()
        relay, last, at = self._relay, self._tally.last_error, self._tally.last_error_at
        where = f"{relay.host}:{relay.port}"
        return LineLook(where, state, trouble, self._busy, relay.connections, 0.0, sent, failed, last, at)

    def _state(self) -> tuple[LineState, str]:
        if self._off:
            return LineState.OFF, ""
        if not self._up:
            return LineState.DOWN, self._trouble
        if self._standing.refuses:
            return LineState.PAUSED, self._standing.why
        return LineState.UP, ""

    def switch(self, on: bool) -> None:
        """Off: no mail goes this way."""
        self._off = not on
        self._changed()


def _told(answer: Answer) -> str:
    """The codes alone: what else it wrote may name a recipient."""
    return f"{answer.code} {'.'.join(map(str, answer.enhanced))}" if answer.enhanced else str(answer.code)


def _heed_cancellation() -> None:
    """Before Python 3.12 asyncio.wait_for, which aiosmtplib uses, forgets one that comes with a result."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError
