"""Faxes that came in, as dialplan/arrivals.conf tells of them: kept in AstDB until they are taken."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, Event
from gateway.asterisk.results import FaxReport, number

log = logging.getLogger(__name__)

# As Asterisk names channels, after the name of its system where it has one; it becomes the name of a file.
_ID = re.compile(r"([A-Za-z0-9._-]{0,40}-)?[0-9]+\.[0-9]+")
_FIELDS = 9
# The year 9999: beyond it no time can be told.
_LATEST = 253_370_764_800


@dataclass(frozen=True, slots=True)
class Arrival:
    """A call that a fax came with, or was to; `id` is the exchange's, and its file's name."""

    id: str
    at: datetime
    dialled: str
    caller: str
    report: FaxReport


def parse(id: str, text: str) -> Arrival | None:
    """The nine fields; a missing or unreadable one counts as empty. None: no id of the exchange's."""
    if not _ID.fullmatch(id):
        return None
    fields = [*text.split("|"), *[""] * _FIELDS][:_FIELDS]
    came, dialled, caller, status, pages, rate, mode, station, error = fields
    at = datetime.fromtimestamp(min(number(came), _LATEST), UTC)
    report = FaxReport(status, number(pages), number(rate), mode, station, error)
    return Arrival(id, at, dialled, caller, report)


class Arrivals:
    """What waits to be taken. `came` is set when a fax has come, and when the exchange is back."""

    def __init__(self, ami: Ami) -> None:
        self._ami = ami
        self.came = asyncio.Event()
        # What came before is looked for first.
        self.came.set()
        ami.listen(self._on_event, self.came.set)

    def _on_event(self, event: Event) -> None:
        if event.get("Event") == "UserEvent" and event.get("UserEvent") == variables.FAX_EVENT:
            self.came.set()

    async def waiting(self) -> list[Arrival]:
        """Those not yet taken, oldest first. Raises AmiError."""
        kept = await self._ami.stored(variables.FAXES)
        found = [arrival for id, text in kept.items() if (arrival := parse(id, text))]
        if len(found) < len(kept):
            log.error("%d faxes are kept under names that are no calls'", len(kept) - len(found))
        return sorted(found, key=lambda arrival: arrival.at)

    async def taken(self, arrival: Arrival) -> None:
        """It is in the store: the exchange may forget it. Raises AmiError."""
        await self._ami.originate(
            {
                "Channel": f"Local/s@{variables.FAX_TAKEN_CONTEXT}",
                "Application": "NoOp",
                "Variable": f"{variables.FORGET}={arrival.id}",
            }
        )

    async def accept(self, room: bool) -> None:
        """Whether faxes are taken; an exchange that starts anew has forgotten it. Raises AmiError."""
        value = "yes" if room else "no"
        await self._ami.ask({"Action": "Setvar", "Variable": variables.FAX_ROOM, "Value": value})
