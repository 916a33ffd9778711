"""Who is calling in: people take lines of the trunks, too."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, AmiError, Event

# The ids that the exchange gives to calls that are not ours.
_NOT_OURS = re.compile(r"(\S+-)?[0-9]+\.[0-9]+")


class Callers:
    """Counts calls from outside by the endpoint that they came over; `changed` is told each new count."""

    def __init__(self, ami: Ami, changed: Callable[[str, int], None]) -> None:
        self._ami = ami
        self._changed = changed
        self._calls: dict[str, str] = {}
        self._counting: asyncio.Task[None] | None = None
        ami.listen(self._on_event, self._on_up)

    def _on_event(self, event: Event) -> None:
        id = str(event.get("Uniqueid"))
        match event.get("Event"):
            case "UserEvent" if event.get("UserEvent") == variables.CALLER_EVENT:
                self._calls[id] = str(event.get("Trunk"))
                self._tell(self._calls[id])
            case "Hangup" if id in self._calls:
                self._tell(self._calls.pop(id))

    def _tell(self, endpoint: str) -> None:
        self._changed(endpoint, list(self._calls.values()).count(endpoint))

    def _on_up(self) -> None:
        """Calls came and went while there was no connection."""
        self._counting = asyncio.create_task(self._count())

    async def _count(self) -> None:
        try:
            rows = await self._ami.calls()
        except AmiError:
            return  # the connection broke again; its return counts again
        before, self._calls = self._calls, {}
        for row in rows:
            id, (technology, _, name) = str(row.get("Uniqueid")), str(row.get("Channel")).partition("/")
            if technology == "PJSIP" and _NOT_OURS.fullmatch(id):
                self._calls[id] = name.rpartition("-")[0]
        for endpoint in {*before.values(), *self._calls.values()}:
            self._tell(endpoint)
