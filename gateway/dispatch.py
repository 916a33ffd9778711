"""Claim, judge, start, send, settle: the line that every message goes down, for one channel.

Nothing here knows a concrete channel. What must hold at every await: a message is `sending` on disk before
its first byte leaves, and only messages that `start` returned are sent.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway import policy, wording
from gateway.channels.port import Channel
from gateway.domain import (
    VOICEMAIL,
    Attempt,
    Content,
    ContentError,
    Facts,
    Limited,
    Outcome,
    RingwellError,
    State,
    Unknown,
)
from gateway.judged import judged
from gateway.known import known_of, numbers_of
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.policy import Allow, Defer, Refuse, Rules, Verdict, bundle
from gateway.policy.caps import CAPPED, counted_since
from gateway.settings import Settings
from gateway.settlement import Started
from gateway.stops import Gate
from gateway.wording import Sayings, SlotError
from store import bundles, queue, sweep
from store.bundles import Left
from store.engine import StoreAwayError
from store.queue import Claimed
from store.settle import Settlement
from store.verdicts import Judged

log = logging.getLogger(__name__)

# A verdict older than this is not acted upon: the message is judged again.
VERDICT_LIFE = timedelta(seconds=30)
# Rendering that failed for a passing reason (a killed worker, a full disk) is tried again after this time.
PREPARE_AGAIN = timedelta(seconds=60)
# The same trouble is told again after so many seconds.
SAY_AGAIN = 3600.0


@dataclass(eq=False, slots=True)
class Job:
    """A claimed message that may go: its content is being prepared while it waits for a free line."""

    claimed: Claimed
    facts: Facts
    content: asyncio.Future[Content]
    consent_as_of: int
    judged_at: datetime
    verdict: Allow
    rules: Rules


class Dispatcher:
    """Works the queue of one channel until cancelled."""

    def __init__(
        self,
        channel: Channel,
        link: StoreLink,
        outbox: Outbox,
        settings: Settings,
        owner: str,
        sayings: Sayings | None = None,
        gate: Gate | None = None,
    ) -> None:
        """`sayings`: how the clinic says names. `gate`: what is stopped waits there."""
        self._channel = channel
        self._gate = gate or Gate()
        self._sayings = sayings or {}
        self._link = link
        self._outbox = outbox
        self._settings = settings
        self._clinic = settings.clinic.id
        self.adopt(settings)
        self._owner = owner
        self._ready: list[Job] = []
        self._claiming: asyncio.Task[None] | None = None
        self._now = asyncio.get_running_loop().time
        self._claim_after = 0.0
        self._sends: set[asyncio.Task[None]] = set()
        self._in_doubt = False
        self._said: dict[str, float] = {}

    def adopt(self, settings: Settings) -> None:
        """Decide by these from now on; what is ready to leave is judged again before it does."""
        self._rules = Rules.of(settings)
        self._capped = self._channel.name in CAPPED and self._rules.are_capped

    async def run(self) -> None:
        """Keep claiming and starting until cancelled, then wait for nothing: `drain` does."""
        try:
            while True:
                if not await self._step():
                    await asyncio.sleep(self._settings.dispatch.poll_seconds)
        finally:
            if self._claiming is not None:
                self._claiming.cancel()
            for job in self._ready:
                job.content.cancel()

    @property
    def under_way(self) -> int:
        """How many attempts have begun and not ended."""
        return len(self._sends)

    async def drain(self, seconds: float) -> None:
        """Give attempts under way this long to end; the rest is found out after the next start."""
        deadline = self._now() + seconds
        # A start that was under way launches more.
        while self._sends and (left := deadline - self._now()) > 0:
            await asyncio.wait(self._sends, timeout=left)
        for send in self._sends:
            send.cancel()

    async def _step(self) -> bool:
        """One round; False when there was nothing to do."""
        try:
            if self._in_doubt:
                await self._release_strays()
            await self._refill()
            if busy := bool(self._ready):
                await self._start_some()
        except StoreAwayError as error:
            self._in_doubt = True
            await self._link.wait(error, self)
            return True
        self._link.back(self)
        return busy

    async def _refill(self) -> None:
        """Claim while earlier claims are still being started; wait for it only when nothing is ready."""
        wanted = len(self._ready) < self._settings.dispatch.claim and self._now() >= self._claim_after
        if self._claiming is None and wanted:
            held = [job.claimed.id for job in self._ready]
            self._claiming = asyncio.create_task(self._claim(held))
        if self._claiming is not None and (self._claiming.done() or not self._ready):
            claiming, self._claiming = self._claiming, None
            await claiming

    async def _release_strays(self) -> None:
        if self._claiming is not None:
            # Only when it has ended is it known what we hold.
            claiming, self._claiming = self._claiming, None
            with suppress(StoreAwayError):
                await claiming
        held = {job.claimed.id for job in self._ready}
        sending = self._outbox.open_messages()
        channel = self._channel.name
        await self._link.store.run(sweep.release_strays, self._clinic, channel, self._owner, held, sending)
        self._in_doubt = False

    # --- claim and judge ---

    async def _claim(self, held: Sequence[int]) -> None:
        now, most = self._link.store.clock(), self._settings.dispatch.claim
        claimed = await self._link.store.run(
            queue.claim,
            self._clinic,
            self._channel.name,
            self._owner,
            now,
            now + timedelta(seconds=self._settings.dispatch.lease_seconds),
            most,
            held,
        )
        if len(claimed) < most:
            self._claim_after = self._now() + self._settings.dispatch.poll_seconds
        if claimed:
            await self._judge(claimed)

    async def _judge(self, claimed: Sequence[Claimed]) -> None:
        since = counted_since(self._link.store.clock()) if self._capped else None
        found, consent_as_of = await known_of(self._link.store, self._clinic, claimed, since)
        placed = await self._placed(claimed, found)
        now = self._link.store.clock()
        for item, known in placed:
            try:
                if known.together:
                    item, known = await self._parted(item, known, now)
                self._judge_one(item, known, consent_as_of, now)
            except StoreAwayError:
                raise
            except Exception:
                # One message that cannot be judged must not keep all others from leaving.
                log.exception("message %d could not be judged, tried again later", item.id)
                self._verdict(item, State.SCHEDULED, "preparation-failed", now + PREPARE_AGAIN)

    async def _placed(
        self, claimed: Sequence[Claimed], found: Sequence[Facts]
    ) -> list[tuple[Claimed, Facts]]:
        """Those that go by this channel, each to where it goes by now; others wait for the preferred one."""
        placed, moved = [], {}
        for item, known in zip(claimed, found, strict=True):
            planned = policy.Place(self._channel.name, item.address)
            place = policy.place_of(known, planned, item.step)
            if place != planned:
                moved[item.id] = place
            if place.channel is self._channel.name:
                placed.append((replace(item, address=place.address), known))
        if moved:
            await self._link.store.run(queue.move, self._clinic, self._owner, moved)
        return placed

    async def _parted(self, item: Claimed, known: Facts, now: datetime) -> tuple[Claimed, Facts]:
        """The message without the visits that may not be told (any more); the rest of it goes."""
        channel = self._channel.name
        parted = bundle.part(known, channel, item.address, now, self._rules)
        kept = parted.kept
        if not (parted.dropped or parted.apart) or kept.appointment is None:
            return item, kept
        ends: list[tuple[Facts, State, str | None]] = [
            (one, refused.state, refused.reason) for one, refused in parted.dropped
        ]
        ends += [(one, State.SCHEDULED, None) for one in parted.apart]
        left = [
            Left(
                (one.recipient.id, one.appointment.id if one.appointment else 0),
                channel.value,
                item.address,
                state,
                reason,
                policy.expiry(one),
            )
            for one, state, reason in ends
        ]
        leads = (kept.recipient.id, kept.appointment.id)
        args = (self._clinic, item.id, self._owner, leads, left, now)
        await self._link.store.run(bundles.part, *args)
        return replace(item, recipient=leads[0], appointment=leads[1]), kept

    def _judge_one(self, item: Claimed, known: Facts, consent_as_of: int, now: datetime) -> None:
        verdict = self._decide(item, known, now)
        if isinstance(verdict, Allow):
            self._prepare(item, known, consent_as_of, now, verdict)
            return
        kept = judged(verdict, known, self._channel.name, consent_as_of, now, self._rules)
        match verdict:
            case Defer(until=until, reason=reason):
                self._verdict(item, State.SCHEDULED, reason, until, kept)
            case Refuse(reason=reason, state=state):
                self._close(item, known, state, reason, kept)

    def _prepare(
        self, item: Claimed, known: Facts, consent_as_of: int, now: datetime, verdict: Allow
    ) -> None:
        try:
            content = wording.compose(known, self._channel.name, self._settings.clinic, self._sayings)
        except SlotError as error:
            self._unusable(item, known, error)
            return
        if refusal := policy.unfit(known, self._channel.name, content, self._rules):
            kept = judged(refusal, known, self._channel.name, consent_as_of, now, self._rules)
            self._close(item, known, refusal.state, refusal.reason, kept)
            return
        preparing = asyncio.ensure_future(self._channel.prepare(content))
        self._ready.append(Job(item, known, preparing, consent_as_of, now, verdict, self._rules))

    def _say(self, item: Claimed, error: BaseException) -> None:
        """Why a content cannot be prepared now; once for all messages that one trouble stops."""
        if not isinstance(error, RingwellError):
            log.error("message %d could not be prepared, tried again later", item.id, exc_info=error)
        elif self._said.get(str(error), float("-inf")) < self._now() - SAY_AGAIN:
            log.error("messages wait and are tried again: %s", error)
            self._said[str(error)] = self._now()

    def _unusable(self, item: Claimed, known: Facts, error: RingwellError) -> None:
        """This content can never be sent: the message fails, and nothing else does."""
        log.warning("message %d cannot be sent: %s", item.id, error)
        self._close(item, known, State.FAILED, f"content-unusable: {error}")

    def _close(
        self, item: Claimed, known: Facts, state: State, reason: str, kept: Judged | None = None
    ) -> None:
        """Nothing is sent any more; what an earlier attempt left on a machine is delivered."""
        if known.voicemails and state is not State.CANCELLED:
            done = Settlement(
                item.id, item.attempt, State.DELIVERED, reason=reason, ends_as=VOICEMAIL, judged=kept
            )
            self._outbox.put(done)
        else:
            self._verdict(item, state, reason, kept=kept)

    def _decide(self, item: Claimed, known: Facts, now: datetime) -> Verdict:
        return policy.decide(known, self._channel.name, item.address, now, self._rules)

    def _verdict(
        self,
        item: Claimed,
        state: State,
        reason: str,
        due_at: datetime | None = None,
        kept: Judged | None = None,
    ) -> None:
        self._outbox.put(Settlement(item.id, item.attempt, state, due_at=due_at, reason=reason, judged=kept))

    # --- start and send ---

    async def _start_some(self) -> None:
        free = await self._room()
        if not self._ready:
            return
        jobs = await self._prepared(min(free, self._settings.dispatch.micro_batch))
        jobs = await self._still_fresh(jobs)
        if jobs:
            # Shielded: what the store marked as sending must be sent, or be known not to have been.
            starting = asyncio.create_task(self._start(jobs))
            self._sends.add(starting)
            starting.add_done_callback(self._sends.discard)
            await asyncio.shield(starting)

    async def _room(self) -> int:
        """Wait for free slots; what waits too long for them goes back, for another gateway or verdict."""
        slots = asyncio.create_task(self._slots())
        try:
            while not slots.done():
                await asyncio.wait([slots], timeout=VERDICT_LIFE.total_seconds())
                if not slots.done():
                    await self._hand_back(self._outdated(self._link.store.clock()))
            return slots.result()
        finally:
            slots.cancel()

    async def _slots(self) -> int:
        await self._gate.passed(self._channel.name)
        return await self._channel.slots()

    async def _start(self, jobs: Sequence[Job]) -> None:
        now = self._link.store.clock()
        started = await self._link.store.run(
            queue.start,
            self._clinic,
            self._owner,
            [job.claimed.id for job in jobs],
            min(job.consent_as_of for job in jobs),
            now,
            now + timedelta(seconds=self._settings.dispatch.lease_seconds),
            self._limited(jobs, now),
        )
        for job in jobs:
            if number := started.get(job.claimed.id):
                self._launch(job, number, now)

    def _limited(self, jobs: Sequence[Job], now: datetime) -> dict[int, Limited]:
        """What the start counts again: others may have called the same people since these were judged."""
        limited = {}
        for job in jobs if self._capped else ():
            first = self._limits(job, job.facts, now, job.verdict)
            others = tuple(self._limits(job, one, now) for one in job.facts.together)
            if first.limits or others:
                limited[job.claimed.id] = replace(first, beside=others) if others else first
        return limited

    def _limits(self, job: Job, known: Facts, now: datetime, allowed: Allow | None = None) -> Limited:
        limits = policy.limits_on(known, self._channel.name, now, self._rules, allowed)
        return Limited(job.claimed.address, numbers_of(known), limits)

    async def _prepared(self, most: int) -> list[Job]:
        """Up to `most` jobs whose content is ready; content that can never be sent settles its message."""
        if not any(job.content.done() for job in self._ready):
            await asyncio.wait([job.content for job in self._ready], return_when=asyncio.FIRST_COMPLETED)
        taken: list[Job] = []
        waiting: list[Job] = []
        for job in self._ready:
            if len(taken) < most and job.content.done():
                if self._is_sound(job):
                    taken.append(job)
            else:
                waiting.append(job)
        self._ready = waiting
        return taken

    def _is_sound(self, job: Job) -> bool:
        error = job.content.exception()
        if error is None:
            return True
        item = job.claimed
        if isinstance(error, ContentError):
            self._unusable(item, job.facts, error)
        else:
            self._say(item, error)
            later = self._link.store.clock() + PREPARE_AGAIN
            self._verdict(item, State.SCHEDULED, "preparation-failed", later)
        return False

    async def _still_fresh(self, jobs: list[Job]) -> list[Job]:
        """The jobs that may go at this very moment; the others, and all that wait for too long, go back."""
        now = self._link.store.clock()
        stale = self._outdated(now, jobs)
        for job in jobs:
            if self._still_holds(job, now):
                continue
            verdict = self._decide(job.claimed, job.facts, now)
            if isinstance(verdict, Allow) and self._may_say_it(job):
                job.verdict, job.rules = verdict, self._rules
            else:
                stale.add(job)
        await self._hand_back(stale)
        return [job for job in jobs if job not in stale]

    def _still_holds(self, job: Job, now: datetime) -> bool:
        """Whether it was judged by these rules, and for this moment too."""
        until = job.verdict.until
        return job.rules is self._rules and until is not None and job.judged_at <= now < until

    def _may_say_it(self, job: Job) -> bool:
        """Whether what was composed still holds: by other rules, words that matter are composed again."""
        return job.rules is self._rules or not policy.binds(job.facts, self._channel.name, self._rules)

    def _outdated(self, now: datetime, taken: Sequence[Job] = ()) -> set[Job]:
        """Jobs whose verdict is too old."""
        oldest = now - VERDICT_LIFE
        return {job for job in (*taken, *self._ready) if job.judged_at < oldest and job.content.done()}

    async def _hand_back(self, jobs: set[Job]) -> None:
        if jobs:
            self._ready = [job for job in self._ready if job not in jobs]
            ids = [job.claimed.id for job in jobs]
            await self._link.store.run(queue.hand_back, self._clinic, self._owner, ids)

    def _launch(self, job: Job, number: int, now: datetime) -> None:
        item = job.claimed
        # The appointment may have been moved since the message was planned.
        expires_at = policy.expiry(job.facts)
        attempt = Attempt(self._clinic, item.id, number, item.address, job.content.result(), expires_at)
        zone, left = job.facts.recipient.zone, job.facts.voicemails
        kept = judged(job.verdict, job.facts, self._channel.name, job.consent_as_of, now, self._rules)
        started = Started(item.id, number, item.charged, now, expires_at, zone, left, kept)
        self._outbox.opened(item.id)
        send = asyncio.create_task(self._send(attempt, started))
        self._sends.add(send)
        send.add_done_callback(self._sends.discard)

    async def _send(self, attempt: Attempt, started: Started) -> None:
        try:
            outcome: Outcome = await self._channel.send(attempt)
        except Exception:
            # A fault of ours: bytes may have left, so nobody is contacted again on a guess.
            log.exception("attempt %s: the channel failed", attempt.id)
            outcome = Unknown("internal-error")
        self._outbox.settle(self._channel, started, attempt, outcome)
