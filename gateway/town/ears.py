"""Listens to the town's exchange over AMI and passes its events on."""

from __future__ import annotations

import asyncio
from typing import Any

from panoramisk import Manager

from gateway.town.calls import CallBook
from gateway.town.errors import TownError

_READY_SECONDS = 30.0
_READY_TRIES = 300


class Ears:
    """One AMI session that only listens."""

    def __init__(self, book: CallBook) -> None:
        self._book = book
        self._manager: Manager | None = None

    async def open(self, port: int, username: str, secret: str) -> None:
        """Log in, wait until the exchange says that it is up, and let it take calls."""
        self._manager = manager = Manager(
            host="127.0.0.1",
            port=port,
            username=username,
            secret=secret,
            events="user,dtmf",
            forgetable_actions=("ping", "login", "corestatus", "setvar"),
        )
        manager.register_event("UserEvent", self._on_user_event)
        manager.register_event("DTMFEnd", self._on_digit)
        await manager.connect()
        # connect() returns before the login is answered, and an action sent before that is refused.
        async with asyncio.timeout(_READY_SECONDS):
            await manager.authenticated_future
        if not manager.authenticated:
            raise TownError("the town's exchange refused its own AMI secret")
        for _ in range(_READY_TRIES):
            if (await manager.send_action({"Action": "CoreStatus"})).get("CoreStartupTime"):
                # From now on the exchange takes calls: one that came before would be missing from the ledger.
                await manager.send_action({"Action": "Setvar", "Variable": "TOWN_LISTENS", "Value": "1"})
                return
            await asyncio.sleep(_READY_SECONDS / _READY_TRIES)
        raise TownError(f"the town's exchange was not up within {_READY_SECONDS:.0f} s")

    def close(self) -> None:
        """Leave; nothing is heard any more."""
        if self._manager:
            self._manager.close()
            self._manager = None

    def _on_user_event(self, manager: Manager, event: Any) -> None:
        match event.UserEvent:
            case "TownCallBegan":
                self._book.began(event.Uniqueid, event)
            case "TownCallEnded":
                self._book.ended(event.Uniqueid, event)

    def _on_digit(self, manager: Manager, event: Any) -> None:
        if event.Direction == "Received":
            self._book.digit(event.Uniqueid, event.Digit)
