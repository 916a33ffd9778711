"""What calls and faxes share: an attempt becomes one call over the trunk, and its result an outcome."""

from __future__ import annotations

import asyncio
import logging
import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from gateway import domain
from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, UnsafeHeaderError
from gateway.asterisk.calls import CallLostError, Calls, NotPlacedError, Order
from gateway.asterisk.results import CallResult, KeyPress
from gateway.channels.errors import ContentError
from gateway.channels.inbox import Inbox
from gateway.channels.pace import Share
from gateway.channels.voice_causes import FORBIDDEN
from gateway.domain import (
    Attempt,
    Content,
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

log = logging.getLogger(__name__)

_NUMBER = re.compile(r"\+?[0-9]{2,18}")
_ACTIONS = frozenset(kind.value for kind in ReplyKind)


def readable(file: Path) -> str:
    """The path as a dialplan argument; ContentError for one that would be taken apart there."""
    path = str(file.absolute())
    if any(not mark.isprintable() or mark in '&,|;"\\$' for mark in path):
        raise ContentError(f"the exchange cannot read files from {str(file.parent)!r}: rename the folder")
    return path


@dataclass(frozen=True, slots=True)
class Dial:
    """How one attempt is called: where in the dialplan, with which variables, for how long at most."""

    context: str
    variables: dict[str, str]
    seconds: float


class TelephoneChannel(ABC):
    """A channel over the trunk of the exchange; see gateway.channels.port.Channel."""

    name: domain.Channel

    def __init__(self, ami: Ami, share: Share, caller_id: str, ring_seconds: int) -> None:
        self._ami, self._share = ami, share
        self._caller_id, self._ring_seconds = caller_id, ring_seconds
        self._calls = Calls(ami, self._on_key, self._on_late)
        self._inbox = Inbox()
        self._addresses: dict[str, str] = {}
        self._told: dict[str, list[KeyPress]] = {}
        # Settled as unknown: their results must stay, should they still come.
        self._unknown: set[str] = set()

    @abstractmethod
    async def prepare(self, content: Content) -> Content:
        """See the port."""

    @abstractmethod
    def _dial(self, attempt: Attempt) -> Dial:
        """How to call; ContentError when the attempt's content cannot be sent."""

    @abstractmethod
    def _outcome(self, result: CallResult, attempt: Attempt | None) -> Outcome:
        """What a result means; `attempt` is None for one of an earlier life of the gateway."""

    async def run(self) -> None:
        """Keep the connection to the exchange up."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._ami.run())
                group.create_task(self._calls.run())
        finally:
            self._inbox.close()

    async def slots(self) -> int:
        """Wait until the exchange is there, the trunk is not paused, and a line is free."""
        while True:
            free = await self._share.free()
            if self._ami.is_up:
                return free
            await self._ami.up()

    async def send(self, attempt: Attempt) -> Outcome:
        """Call once."""
        if not await self._share.enter():
            return Retry(RetryKind.LINE_DOWN, "no-line-free", charged=False)
        self._addresses[attempt.id] = attempt.address
        try:
            return await self._call(attempt)
        finally:
            self._addresses.pop(attempt.id, None)
            self._told.pop(attempt.id, None)
            self._share.leave()

    async def _call(self, attempt: Attempt) -> Outcome:
        if not _NUMBER.fullmatch(attempt.address):
            return Failed("not-a-number", bad_address=True)
        try:
            dial = self._dial(attempt)
            result = await self._calls.place(attempt.id, self._order(attempt, dial), dial.seconds)
        except ContentError as error:
            return Failed(f"content-unusable: {error}")
        except UnsafeHeaderError as error:
            return Failed(f"unsafe-value: {error}")
        except NotPlacedError as error:
            self._share.trunk.refused(str(error))
            return Retry(RetryKind.LINE_DOWN, "not-placed", charged=False)
        except CallLostError as error:
            self._unknown.add(attempt.id)
            return Unknown("exchange-lost", {"why": str(error)})
        return self._judged(result, attempt)

    def _order(self, attempt: Attempt, dial: Dial) -> Order:
        return Order(
            channel=f"PJSIP/{attempt.address}@{variables.TRUNK}",
            context=dial.context,
            caller_id=self._caller_id,
            ring_seconds=self._ring_seconds,
            variables=dial.variables,
        )

    def _judged(self, result: CallResult, attempt: Attempt) -> Outcome:
        self._tell_keys(attempt.id, result)
        outcome = self._share.trunk.heard(self._outcome(result, attempt), attempt.address)
        if outcome.cause == FORBIDDEN.cause:
            log.warning("attempt %s: the trunk forbids this number (SIP 403): ask its provider", attempt.id)
        if isinstance(outcome, Unknown):
            self._unknown.add(attempt.id)
        return outcome

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
