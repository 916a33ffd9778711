"""Stop-all at work: what is stopped in the store holds every channel of this gateway within half a second.

The store itself starts nothing that is stopped (store.queue.start); here the calls that were started a moment
ago are kept from dialling, and those under way are ended where that was asked for.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from gateway import domain
from gateway.channels.port import Channel
from gateway.link import StoreLink
from store import stops
from store.stops import Stop

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.4


class Gate:
    """Open for a channel while nothing stops it. Dispatchers wait here before they start anything."""

    def __init__(self) -> None:
        self._open = {channel: asyncio.Event() for channel in domain.Channel}
        for event in self._open.values():
            event.set()

    async def passed(self, channel: domain.Channel) -> None:
        """Wait until the channel may start."""
        await self._open[channel].wait()

    def is_open(self, channel: domain.Channel) -> bool:
        """Whether the channel may start."""
        return self._open[channel].is_set()

    def close(self, channel: domain.Channel) -> None:
        """Nothing may start on the channel."""
        self._open[channel].clear()

    def open(self, channel: domain.Channel) -> None:
        """The channel may start again."""
        self._open[channel].set()


class Keeper:
    """Looks at the stops of a clinic and closes and opens the gate accordingly, until cancelled."""

    def __init__(self, link: StoreLink, clinic: int, gate: Gate, channels: Sequence[Channel]) -> None:
        self._link, self._clinic = link, clinic
        self._gate, self._channels = gate, channels
        self._ending: dict[domain.Channel, asyncio.Task[None]] = {}

    async def run(self) -> None:
        """Look again and again."""
        try:
            while True:
                found = await self._link.patiently(lambda: self._link.store.read(stops.current, self._clinic))
                for channel in self._channels:
                    self._hold(channel, [stop for stop in found if stop.covers(channel.name)])
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            for ending in self._ending.values():
                ending.cancel()

    def _hold(self, channel: Channel, found: Sequence[Stop]) -> None:
        if not found:
            self._release(channel)
            return
        if self._gate.is_open(channel.name):
            log.warning("%s is stopped (stop %d)", channel.name.value, found[0].id)
            self._gate.close(channel.name)
            channel.halt()
        if any(stop.hang_up for stop in found):
            self._hang_up(channel)

    def _hang_up(self, channel: Channel) -> None:
        """At each look while the stop holds: the exchange may be away, or a call just be being placed.

        Beside the looks: an exchange that does not answer must not keep other channels from being stopped.
        """
        ending = self._ending.get(channel.name)
        if ending is None or ending.done():
            self._ending[channel.name] = asyncio.create_task(channel.hang_up())

    def _release(self, channel: Channel) -> None:
        if not self._gate.is_open(channel.name):
            log.warning("%s goes on", channel.name.value)
            if ending := self._ending.pop(channel.name, None):
                # One that still waits for the exchange must not end calls that begin from now on.
                ending.cancel()
            channel.proceed()
            self._gate.open(channel.name)
