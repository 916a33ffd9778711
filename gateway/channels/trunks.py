"""The trunks: which one carries the next call or fax of a channel."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from gateway.asterisk import variables
from gateway.channels.pace import Pace
from gateway.channels.tally import Tally
from gateway.domain import LineLook, LineState, Outcome
from gateway.settings import Trunk

# How long a started call waits for a line that another channel was quicker to take.
ENTER_SECONDS = 5.0
# A pause changes which trunks are to be used: looked at again after this time.
LOOK_SECONDS = 0.5
# Starting calls costs a transaction, so that many a second are started a few at once.
GATHER_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class TrunkLine:
    """A trunk by the name of its settings, with the pace that calls and faxes share."""

    name: str
    settings: Trunk
    pace: Pace
    tally: Tally = field(default_factory=Tally)

    @property
    def endpoint(self) -> str:
        """Its name in the exchange."""
        return variables.trunk_endpoint(self.name, self.settings.endpoint)

    def caller_id(self, number: str) -> str:
        """What this number is shown: that of the longest prefix, else the trunk's own."""
        fitting = [prefix for prefix in self.settings.caller_ids if number.startswith(prefix)]
        return self.settings.caller_ids[max(fitting, key=len)] if fitting else self.settings.caller_id

    def look(self) -> LineLook:
        """How it is, as far as our calls tell; whether the exchange is there is not seen here."""
        return self.look_as(self.pace.off, self.pace.busy, self.settings.max_calls, self.tally)

    def look_as(self, off: bool, busy: int, most: int, tally: Tally) -> LineLook:
        """The same of a part of it."""
        state = LineState.OFF if off else LineState.PAUSED if self.pace.refuses else LineState.UP
        trunk = self.settings
        where = trunk.endpoint or f"{trunk.host}:{trunk.port}"
        sent, failed = tally.hour()
        error, at = tally.last_error, tally.last_error_at
        rate = trunk.calls_per_second
        return LineLook(where, state, self.pace.why, busy, most, rate, sent, failed, error, at)

    def switch(self, on: bool) -> None:
        """Off: no call and no fax begins."""
        self.pace.switch(on)


def trunk_lines(trunks: Mapping[str, Trunk]) -> list[TrunkLine]:
    """The trunks of the settings, none of them used yet."""
    return [TrunkLine(name, trunk, _pace(name, trunk)) for name, trunk in trunks.items()]


def _pace(name: str, trunk: Trunk) -> Pace:
    return Pace(f"trunk {name}", trunk.max_calls, trunk.calls_per_second, trunk.kept_free)


class Share:
    """One channel's part of a trunk: at most so many of its calls at once."""

    def __init__(self, line: TrunkLine, most: int) -> None:
        self.line = line
        self._most = most
        self._busy = 0
        self._left = asyncio.Event()
        self._tally = Tally()
        self._off = False

    @property
    def off(self) -> bool:
        """Whether nothing may begin, here or on the whole trunk."""
        return self._off or self.pace.off

    @property
    def pace(self) -> Pace:
        """That of the whole trunk."""
        return self.line.pace

    def room(self) -> int:
        """How many calls of this channel may begin now."""
        return 0 if self._off else min(self._most - self._busy, self.pace.room())

    async def free(self) -> int:
        """Wait until a call of this channel may begin, and say how many may."""
        while not (room := self.room()):
            if self._off or self._busy >= self._most:
                self._left.clear()
                await self._left.wait()
            else:
                await self.pace.free()
        return room

    def enter(self) -> None:
        """A call begins."""
        self._busy += 1
        self.pace.enter()

    def leave(self) -> None:
        """A call is over."""
        self._busy -= 1
        self._left.set()
        self.pace.leave()

    def note(self, outcome: Outcome) -> None:
        """A call of this channel ended so."""
        self._tally.note(outcome)
        self.line.tally.note(outcome)

    def look(self) -> LineLook:
        """How this part of the trunk is."""
        return self.line.look_as(self.off, self._busy, self._most, self._tally)

    def switch(self, on: bool) -> None:
        """Off: no call of this channel begins over the trunk."""
        self._off = not on
        self._left.set()


class Ways:
    """A channel's shares of all trunks.

    Of the trunks that take calls the lowest `priority` is used, and among equals chance decides by `weight`.
    One that refused is tried with a call now and then, while the others carry the rest.
    """

    def __init__(self, lines: Sequence[TrunkLine], most: Callable[[Trunk], int]) -> None:
        """`most`: how many calls of this channel a trunk carries at once."""
        self.shares = [Share(line, most(line.settings)) for line in lines]
        self._batch = int(sum(line.settings.calls_per_second for line in lines) * GATHER_SECONDS)

    async def free(self) -> int:
        """Wait until a call may begin, and say how many may; on quick trunks a few together."""
        await self._some()
        if self._room() < self._batch:
            await asyncio.sleep(GATHER_SECONDS)
            await self._some()
        return self._room()

    async def _some(self) -> None:
        while not self._room():
            await self._change()

    def _room(self) -> int:
        return sum(share.room() for share in self._open())

    async def enter(self) -> Share | None:
        """A call begins over this trunk; None when there was no room for it in ENTER_SECONDS."""
        try:
            async with asyncio.timeout(ENTER_SECONDS):
                await self._some()
        except TimeoutError:
            return None
        chosen = min((share for share in self._open() if share.room()), key=_preference)
        chosen.enter()
        return chosen

    def _open(self) -> Sequence[Share]:
        """Those to be used now: one to be tried again, and the best of those that take calls."""
        on = [share for share in self.shares if not share.off]
        ready = [share for share in on if not share.pace.refuses]
        first = min((share.line.settings.priority for share in ready), default=None)
        best = [share for share in ready if share.line.settings.priority == first]
        return best + [share for share in on if share.pace.refuses]

    async def _change(self) -> None:
        waits = [asyncio.create_task(share.free()) for share in self._open()]
        if not waits:
            # All are switched off.
            return await asyncio.sleep(LOOK_SECONDS)
        try:
            await asyncio.wait(waits, timeout=LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()


def _preference(share: Share) -> tuple[bool, int, float]:
    # One to be tried is tried at once: else a backup would carry everything for ever.
    trunk = share.line.settings
    return not share.pace.refuses, trunk.priority, -(random.random() ** (1 / trunk.weight))
