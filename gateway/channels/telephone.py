"""What calls and faxes share: an attempt becomes one call over the trunk, and its result an outcome."""

from __future__ import annotations

import asyncio
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

from gateway import domain
from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, AmiError, UnsafeHeaderError
from gateway.asterisk.calls import CallLostError, Calls, NotPlacedError, Order
from gateway.asterisk.results import CallResult, KeyPress
from gateway.channels.inbox import Inbox
from gateway.channels.trunks import Share, TrunkLine, Ways
from gateway.channels.voice_causes import BLOCKED, FORBIDDEN
from gateway.domain import (
    Attempt,
    Content,
    ContentError,
    Event,
    Failed,
    Outcome,
    Receipt,
    Reply,
    ReplyKind,
    Retry,
    RetryKind,
    Unknown,
)
from gateway.settings import Trunk

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"\+?[0-9]{2,18}")
_TAKEN_APART = re.compile(r'[&,|;"\\$]')
_ACTIONS = frozenset(kind.value for kind in ReplyKind)


@lru_cache(maxsize=4096)
def readable(file: Path) -> str:
    """The path as a dialplan argument; ContentError for one that would be taken apart there."""
    path = str(file.absolute())
    if not path.isprintable() or _TAKEN_APART.search(path):
        raise ContentError(f"the exchange cannot read files from {str(file.parent)!r}: rename the folder")
    return path


@dataclass(frozen=True, slots=True)
class Dial:
    """How one attempt is called: where in the dialplan, with which variables, how long after the answer."""

    context: str
    variables: dict[str, str]
    seconds: float


class TelephoneChannel(ABC):
    """A channel over the trunk of the exchange; see gateway.channels.port.Channel."""

    name: domain.Channel

    def __init__(self, ami: Ami, ways: Ways) -> None:
        self._ami, self._ways = ami, ways
        self._calls = Calls(ami, self._on_key, self._on_late)
        self._inbox = Inbox()
        self._halted = self._cannot_end = False
        self._addresses: dict[str, str] = {}
        self._told: dict[str, list[KeyPress]] = {}
        # Settled as unknown: their results must stay, should they still come.
        self._unknown: set[str] = set()

    @abstractmethod
    async def prepare(self, content: Content) -> Content:
        """See the port."""

    @abstractmethod
    def _dial(self, attempt: Attempt, trunk: Trunk) -> Dial:
        """How to call over this trunk; ContentError when the attempt's content cannot be sent."""

    @abstractmethod
    def _outcome(self, result: CallResult, attempt: Attempt | None) -> Outcome:
        """What a result means; `attempt` is None for one of an earlier life of the gateway."""

    @property
    def shares(self) -> Sequence[Share]:
        """What it has of each trunk."""
        return self._ways.shares

    async def run(self) -> None:
        """Keep the connection to the exchange up."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ami.run())
                group.create_task(self._calls.run())
        finally:
            self._inbox.close()

    async def slots(self) -> int:
        """Wait until the exchange is there, a trunk takes calls, and a line of it is free."""
        while True:
            free = await self._ways.free()
            if self._ami.is_up:
                return free
            await self._ami.up()

    async def send(self, attempt: Attempt) -> Outcome:
        """Call once."""
        share = await self._ways.enter()
        if share is None:
            return Retry(RetryKind.LINE_DOWN, "no-line-free", charged=False)
        if self._halted:
            share.leave()
            return Retry(RetryKind.LINE_DOWN, "stopped", charged=False)
        self._addresses[attempt.id] = attempt.address
        try:
            outcome = await self._call(attempt, share)
            share.note(outcome)
            return outcome
        finally:
            self._addresses.pop(attempt.id, None)
            self._told.pop(attempt.id, None)
            share.leave()

    async def _call(self, attempt: Attempt, share: Share) -> Outcome:
        if not _NUMBER.fullmatch(attempt.address):
            return Failed("not-a-number", bad_address=True)
        try:
            dial = self._dial(attempt, share.line.settings)
            order = _order(attempt, dial, share.line)
            result = await self._calls.place(attempt.id, order, dial.seconds + order.ring_seconds)
        except ContentError as error:
            return Failed(f"content-unusable: {error}")
        except UnsafeHeaderError as error:
            return Failed(f"unsafe-value: {error}")
        except NotPlacedError as error:
            share.pace.refused(str(error))
            return Retry(RetryKind.LINE_DOWN, "not-placed", False, {"trunk": share.line.name})
        except CallLostError as error:
            self._unknown.add(attempt.id)
            return Unknown("exchange-lost", {"why": str(error), "trunk": share.line.name})
        return self._judged(result, attempt, share)

    def _judged(self, result: CallResult, attempt: Attempt, share: Share) -> Outcome:
        self._tell_keys(attempt.id, result)
        result = replace(result, trunk=share.line.name)
        outcome = share.pace.heard(self._outcome(result, attempt), attempt.address)
        if outcome.cause == BLOCKED.cause:
            words = "attempt %s: the networks block calls of trunk %s as unwanted (SIP %d): see the doctor"
            log.warning(words, attempt.id, share.line.name, result.sip)
        if outcome.cause == FORBIDDEN.cause:
            words = "attempt %s: trunk %s forbids this number (SIP 403): ask its provider"
            log.warning(words, attempt.id, share.line.name)
        if isinstance(outcome, Unknown):
            self._unknown.add(attempt.id)
        return outcome

    # --- stop-all ---

    def halt(self) -> None:
        """See the port: somebody who waits for a line is not called any more."""
        self._halted = True

    def proceed(self) -> None:
        """See the port."""
        self._halted = False

    async def hang_up(self) -> None:
        """End every call of this channel that is up; the exchange reports how far each came."""
        try:
            await self._calls.hang_up()
        except AmiError as error:
            if not self._cannot_end:
                log.error("calls cannot be ended yet: %s", error)
            self._cannot_end = True
        else:
            self._cannot_end = False

    # --- what comes back ---

    def _tell_keys(self, attempt: str, result: CallResult) -> None:
        """Keys whose events were lost with the connection; the call's result has them all."""
        told = list(self._told.get(attempt, ()))
        for press in result.keys:
            if press in told:
                told.remove(press)
            else:
                self._on_key(attempt, press)

    def _on_key(self, attempt: str, press: KeyPress) -> None:
        self._told.setdefault(attempt, []).append(press)
        kind = ReplyKind(press.action) if press.action in _ACTIONS else ReplyKind.OTHER
        address = self._addresses.get(attempt, "")
        self._inbox.put(Reply(self.name, kind, address, press.at or datetime.now(UTC), press.key, attempt))

    def _on_late(self, attempt: str, result: CallResult) -> None:
        self._tell_keys(attempt, result)
        self._told.pop(attempt, None)
        outcome = self._outcome(result, None)
        if isinstance(outcome, Unknown):
            return
        self._unknown.discard(attempt)
        self._inbox.put(Receipt(self.name, outcome, datetime.now(UTC), attempt))

    def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """Keys as they are pressed, and results that were found later."""
        return self._inbox.batches(most)

    async def reconcile(self, attempts: Collection[str]) -> None:
        """Ask the exchange for the results it kept of these attempts."""
        if self._ami.is_up:
            await self._calls.look_for(attempts)

    async def acknowledge(self, attempts: Collection[str]) -> None:
        """Their results may be removed from the exchange."""
        self._calls.forget(set(attempts) - self._unknown)


def _order(attempt: Attempt, dial: Dial, line: TrunkLine) -> Order:
    return Order(
        channel=f"PJSIP/{attempt.address}@{line.endpoint}",
        context=dial.context,
        caller_id=line.caller_id(attempt.address),
        ring_seconds=line.settings.ring_seconds,
        variables=dial.variables | {variables.TRUNK: line.name},
    )
