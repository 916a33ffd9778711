"""The lines of this gateway: looked at, and switched as the store says, within a second."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Protocol

from gateway.domain import Line, LineKind, LineLook, LineState
from gateway.link import StoreLink
from store import switches

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
# By kind and name of the settings.
Key = tuple[LineKind, str]


class Switched(Protocol):
    """A line as a channel has it."""

    def look(self) -> LineLook:
        """How it is now."""

    def switch(self, on: bool) -> None:
        """Off: nothing begins over it; what is under way goes on."""


class Switchboard:
    """Looks at the switches in the store and at the lines themselves."""

    def __init__(
        self, link: StoreLink, clinic: int, lines: Mapping[Key, Switched], exchange: Callable[[], str]
    ) -> None:
        """`exchange`: what is wrong with the exchange now, empty while it answers."""
        self._link, self._clinic = link, clinic
        self._lines, self._exchange = lines, exchange
        self._off: frozenset[Key] = frozenset()

    async def looks(self) -> list[Line]:
        """Every line, as it is now."""
        trouble = self._exchange()
        return [
            Line(kind, name, self._look(kind, line, trouble)) for (kind, name), line in self._lines.items()
        ]

    def _look(self, kind: LineKind, line: Switched, trouble: str) -> LineLook:
        look = line.look()
        over_exchange = kind in (LineKind.TRUNK, LineKind.FAX)
        if trouble and over_exchange and look.state is not LineState.OFF:
            return replace(look, state=LineState.DOWN, trouble=trouble)
        return look

    async def follow(self) -> None:
        """Switch the lines as the store says."""
        store = self._link.store
        found = await self._link.patiently(lambda: store.read(switches.switched_off, self._clinic))
        off = frozenset((one.kind, one.name) for one in found)
        for key in (off ^ self._off) & set(self._lines):
            log.warning("%s %s is switched %s", *key, "off" if key in off else "on")
            self._lines[key].switch(key not in off)
        self._off = off

    async def run(self) -> None:
        """Follow until cancelled."""
        while True:
            await self.follow()
            await asyncio.sleep(LOOK_SECONDS)
