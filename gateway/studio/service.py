"""The studio as the daemon runs it: calls, and upkeep of the recordings."""

from __future__ import annotations

import asyncio
import logging
import math
import struct
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from gateway.asterisk.address import Address
from gateway.asterisk.agi import Call
from gateway.link import StoreLink
from gateway.settings import Settings
from gateway.studio.conversation import Conversation
from gateway.studio.desk import Desk
from gateway.studio.recordings import Recordings
from gateway.studio.server import Server
from store import prompts
from voices import wav
from voices.library import VoiceLibrary

log = logging.getLogger(__name__)

RECOVER_SECONDS = 30.0
SWEEP_SECONDS = 6 * 3600.0
_BEEP_HERTZ, _BEEP_SECONDS, _BEEP_LEVEL = 1000, 0.25, 0.3


class Studio:
    """Runs until cancelled."""

    def __init__(self, settings: Settings, link: StoreLink, library: VoiceLibrary, address: Address) -> None:
        self._settings, self._link = settings.studio, link
        self._recordings = Recordings.of(settings)
        self._desk = Desk(link.store, settings, library, self._recordings)
        self._beep = settings.folder / "studio" / "tone" / "beep.wav"
        longest = settings.studio.longest_seconds
        host = settings.asterisk.gateway
        self._server = Server(address, settings.studio.calls, longest, self._hold, host=host)
        self._prepared = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def calls(self) -> int:
        """Calls that are up."""
        return self._server.calls

    async def prepared(self) -> None:
        """Wait until all guidance is voiced."""
        await self._prepared.wait()

    async def run(self) -> None:
        """Take calls."""
        self._loop = asyncio.get_running_loop()
        await asyncio.to_thread(_write_beep, self._beep)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._prepare())
                group.create_task(self._recover())
                group.create_task(self._sweep())
                group.create_task(self._server.run())
        finally:
            await self._recordings.close()

    def _hold(self, call: Call) -> None:
        Conversation(call, self._desk, self._settings, self._beep, self._wait).hold()

    def _wait(self, doing: Coroutine[Any, Any, Any]) -> Any:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    async def _prepare(self) -> None:
        await self._desk.prepare()
        self._prepared.set()

    async def _recover(self) -> None:
        while True:
            if found := await self._link.patiently(self._desk.recover):
                log.info("studio: %d recordings of calls that broke off wait as drafts", found)
            await asyncio.sleep(RECOVER_SECONDS)

    async def _sweep(self) -> None:
        while True:
            needed = await self._link.patiently(lambda: self._link.store.read(prompts.recordings))
            await asyncio.to_thread(self._recordings.sweep, needed)
            await asyncio.to_thread(self._desk.sweep)
            await asyncio.sleep(SWEEP_SECONDS)


def _write_beep(file: Path) -> None:
    """The tone to speak after; no sound package of Asterisk is needed."""
    count = int(wav.TELEPHONE_RATE * _BEEP_SECONDS)
    turn = 2 * math.pi * _BEEP_HERTZ / wav.TELEPHONE_RATE
    samples = (int(32767 * _BEEP_LEVEL * math.sin(turn * n)) for n in range(count))
    wav.write(file, struct.pack(f"<{count}h", *samples))
