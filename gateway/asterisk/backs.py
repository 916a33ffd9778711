"""Keys of people who called back, as dialplan/backs.conf keeps them in AstDB until they are taken."""

from __future__ import annotations

import asyncio
import logging
import re
from dataclasses import dataclass

from gateway.asterisk import results, variables
from gateway.asterisk.ami import Ami, Event
from gateway.asterisk.results import KeyPress

log = logging.getLogger(__name__)

# As Asterisk names channels, after the name of its system where it has one.
_ID = re.compile(r"([A-Za-z0-9._-]{0,40}-)?[0-9]+\.[0-9]+")


@dataclass(frozen=True, slots=True)
class Back:
    """A call-back that is over: what it played, the number it was for, and the keys pressed."""

    id: str
    attempt: str
    number: str
    keys: tuple[KeyPress, ...]


def parse(id: str, text: str) -> Back | None:
    """The three fields; None where the id is none of the exchange's."""
    if not _ID.fullmatch(id):
        return None
    attempt, number, keys = [*text.split("|"), "", "", ""][:3]
    return Back(id, attempt, number, results.key_presses(keys))


class Backs:
    """What waits to be taken. `ended` is set when a call-back has ended, and when the exchange is back."""

    def __init__(self, ami: Ami) -> None:
        self._ami = ami
        self.ended = asyncio.Event()
        # What ended before is looked for first.
        self.ended.set()
        ami.listen(self._on_event, self.ended.set)

    def _on_event(self, event: Event) -> None:
        if event.get("Event") == "UserEvent" and event.get("UserEvent") == variables.BACK_EVENT:
            self.ended.set()

    async def waiting(self) -> list[Back]:
        """Those not yet taken. Raises AmiError."""
        kept = await self._ami.stored(variables.BACKS)
        found = [back for id, text in sorted(kept.items()) if (back := parse(id, text))]
        if len(found) < len(kept):
            log.error("%d call-backs are kept under names that are no calls'", len(kept) - len(found))
        return found

    async def taken(self, back: Back) -> None:
        """Its keys are in the store: the exchange may forget them. Raises AmiError."""
        await self._ami.originate(
            {
                "Channel": f"Local/s@{variables.BACK_TAKEN_CONTEXT}",
                "Application": "NoOp",
                "Variable": f"{variables.FORGET}={back.id}",
            }
        )
