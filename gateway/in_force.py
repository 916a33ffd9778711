"""The settings in force: those of the file, and over them what was changed while running."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from gateway.link import StoreLink
from gateway.settings import Settings
from gateway.settings.changing import laid_over
from store import settings as kept
from store.engine import Store

log = logging.getLogger(__name__)

# A change holds on every gateway within a few seconds.
LOOK_SECONDS = 1.0
Adopt = Callable[[Settings], None]


async def in_force(store: Store, settings: Settings) -> Settings:
    """The settings of this moment; a change that this version cannot use is told in the log and left out."""
    last, changes = await store.read(kept.current, settings.clinic.id)
    values = {name: one.value for name, one in changes.items() if one.value is not None}
    found, wrong = laid_over(settings, values)
    for line in wrong:
        log.error("%s: changed while running, and not used; 'ringwell settings reset' takes it back", line)
    return found.as_changed(last)


class Follower:
    """Tells whoever decides by settings of each change, until cancelled."""

    def __init__(self, link: StoreLink, settings: Settings, last: int, adopters: Sequence[Adopt]) -> None:
        """`settings`: those of the file; `last`: the change that the adopters know of."""
        self._link = link
        self._settings = settings
        self._last = last
        self._adopters = adopters

    async def run(self) -> None:
        """Look every second."""
        store, clinic = self._link.store, self._settings.clinic.id
        while True:
            last = await self._link.patiently(lambda: store.read(kept.version, clinic))
            if last != self._last:
                found = await self._link.patiently(lambda: in_force(store, self._settings))
                for adopt in self._adopters:
                    adopt(found)
                self._last = last
                log.info("settings were changed: change %d holds from now on", last)
            await asyncio.sleep(LOOK_SECONDS)
