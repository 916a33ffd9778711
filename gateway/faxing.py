"""Faxes that come in: taken from the exchange, kept as PDF, put into the inbox of their number, told of."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import shutil
import time
from collections.abc import Collection
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from gateway.asterisk.ami import AmiError
from gateway.asterisk.arrivals import Arrival, Arrivals
from gateway.documents.errors import BadDocumentError, RenderingError
from gateway.documents.received import keep_as_pdf
from gateway.domain import Direct, DirectKind
from gateway.link import StoreLink
from gateway.settings import Settings
from gateway.wording.notices import fax_came
from store import faxes
from store.faxes import Fax

log = logging.getLogger(__name__)

# How often to look without being told, and how much room there is.
LOOK_SECONDS = 15.0
NOTICE_LIFE = timedelta(days=1)
# What a call left behind whose exchange died.
ABANDONED_SECONDS = 86_400.0
SUCCESS = "SUCCESS"


class FaxDesk:
    """Runs until cancelled. `spool` is where the exchange writes, `folder` where PDFs are kept."""

    def __init__(
        self, settings: Settings, link: StoreLink, arrivals: Arrivals, spool: Path, folder: Path
    ) -> None:
        self._settings, self._link, self._arrivals = settings, link, arrivals
        self._spool, self._folder = spool, folder
        inboxes = settings.fax.inboxes.items()
        self._inbox_of = {
            number: name for name, inbox in inboxes for number in (*inbox.numbers, *inbox.shared_numbers)
        }
        self._room: bool | None = None
        # Whose PDF the disk did not take: said once.
        self._waiting: set[str] = set()

    async def run(self) -> None:
        """Take what came, and say whether there is room for more."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_SECONDS):
                    await self._arrivals.came.wait()
            self._arrivals.came.clear()
            try:
                await self._look_at_room()
                waiting = await self._arrivals.waiting()
                for arrival in waiting:
                    await self._take(arrival)
            except AmiError as error:
                # Nothing is swept either: without the exchange nobody knows which files are faxes.
                log.debug("faxes that came in are taken later: %s", error)
                continue
            try:
                await asyncio.to_thread(self._sweep, {arrival.id for arrival in waiting})
            except OSError as error:
                log.warning("what calls left behind cannot be removed: %s", error.strerror)

    async def _look_at_room(self) -> None:
        least = self._settings.fax.keep_free_mb << 20
        room = await asyncio.to_thread(lambda: shutil.disk_usage(self._spool).free >= least)
        # Said anew each time: an exchange that was started again does not know it.
        await self._arrivals.accept(room)
        if room is not self._room and not (room and self._room is None):
            if room:
                log.warning("the disk has room again: faxes are taken")
            else:
                log.error("the disk is almost full: faxes that come in are refused until there is room")
        self._room = room

    async def _take(self, arrival: Arrival) -> None:
        """Keep what came and let the exchange forget it; what the disk does not take waits."""
        tiff = self._spool / f"{arrival.id}.tif"
        if arrival.report.pages:
            try:
                await self._keep(arrival, tiff)
            except RenderingError as error:
                if arrival.id not in self._waiting:
                    log.error("%s; it waits until it can be", error)
                self._waiting.add(arrival.id)
                return
            except BadDocumentError as error:
                aside = await asyncio.to_thread(self._put_aside, tiff, arrival)
                log.error("%s; its sender was told of %d pages; %s", error, arrival.report.pages, aside)
        else:
            why = arrival.report.error or arrival.report.status or "it broke off"
            log.warning("a fax that was to come in brought no page: %s", why)
        await self._arrivals.taken(arrival)
        await asyncio.to_thread(tiff.unlink, missing_ok=True)

    async def _keep(self, arrival: Arrival, tiff: Path) -> None:
        pdf = self._folder / f"{_name(arrival)}.pdf"
        kept = await asyncio.to_thread(keep_as_pdf, tiff, pdf)
        pages = kept.pages
        whole = arrival.report.status == SUCCESS and kept.whole and pages >= arrival.report.pages
        name = self._inbox_of.get(arrival.dialled, "")
        fax = Fax(
            arrival.id,
            name,
            arrival.dialled,
            arrival.caller,
            arrival.report.station,
            pages,
            whole,
            pdf.name,
            arrival.at,
        )
        inbox = self._settings.fax.inboxes.get(name)
        clinic = self._settings.clinic
        now = self._link.store.clock()
        told = fax_came(inbox.title if inbox and inbox.title else name, pages, arrival.at, clinic)
        notice = Direct(DirectKind.NOTICE, told, None, now + NOTICE_LIFE)
        notify = inbox.notify if inbox else ()
        await self._link.insist(faxes.keep, clinic.id, fax, notify, notice, now)

    def _put_aside(self, tiff: Path, arrival: Arrival) -> str:
        """A file that cannot be shown may still be told by somebody who knows such files."""
        kept = self._folder / f"{_name(arrival)}.tif"
        try:
            tiff.replace(kept)
        except OSError:
            return "nothing of it could be kept: ask for it again"
        return f"what came is in {kept}; ask for it again"

    def _sweep(self, waiting: Collection[str]) -> None:
        """Remove what calls left behind that the exchange has no result of; `waiting` are those it has."""
        for file in self._spool.glob("*.tif"):
            with suppress(FileNotFoundError):
                old = time.time() - file.stat().st_mtime > ABANDONED_SECONDS
                if old and file.stem not in waiting:
                    file.unlink()
                    log.warning("a fax whose call never ended was removed; its sender was told so")


def _name(arrival: Arrival) -> str:
    """The same again for a fax that an earlier life kept and could not let go."""
    return hashlib.sha256(arrival.id.encode()).hexdigest()[:32]
