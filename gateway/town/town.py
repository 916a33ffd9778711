"""The town as one thing: start it, break a part of it, mend it, stop it."""

from __future__ import annotations

import asyncio
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gateway.asterisk.instance import free_port
from gateway.asterisk.provision import require
from gateway.settings import cache_folder
from gateway.town.calls import CallBook
from gateway.town.control import Control
from gateway.town.errors import TownError
from gateway.town.exchange import Exchange
from gateway.town.ledger import Ledger
from gateway.town.mail import MailServer
from gateway.town.phones import Phones
from gateway.town.smsc import Smsc

ADDRESS_FILE = "town.json"
LEDGER_FILE = "ledger.jsonl"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the town listens on 127.0.0.1, and its processes; the content of `town.json`."""

    sip: int
    phones: int
    smpp: int
    smtp: int
    control: int
    pid: int
    exchange_pid: int


class Part(Protocol):
    """A server of the town that can go away and come back on the same port."""

    async def start(self) -> None: ...

    async def pause(self) -> None: ...


def read_address(folder: Path) -> Address | None:
    """Where the town of this folder listens; None while it is not ready."""
    try:
        return Address(**json.loads((folder / ADDRESS_FILE).read_text()))
    except FileNotFoundError:
        return None


class Town:
    """A rehearsal world in `folder`, up from `async with` on.

    `seed` shifts who is patient, `pace` scales every delay of the households (0.2 is hasty), `keep` keeps the
    recordings of ordinary calls too. `returns` is the port where the clinic takes mail that comes back.
    """

    def __init__(
        self, folder: Path, *, seed: int = 0, pace: float = 1.0, keep: bool = False, returns: int = 0
    ) -> None:
        self.folder = folder.absolute()
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / ADDRESS_FILE).unlink(missing_ok=True)
        runtime = require(cache_folder())
        self._ledger = Ledger(self.ledger)
        book = CallBook(self._ledger, keep)
        self._exchange = Exchange(self.folder, runtime, book, seed=seed, pace=pace)
        self._smsc = Smsc(self._ledger, free_port(), seed=seed, pace=pace)
        self._mail = MailServer(self._ledger, returns=returns, pace=pace)
        self._control = Control(self.pause, self.resume)
        self._parts: dict[str, Part] = {"exchange": self._exchange, "smsc": self._smsc, "mail": self._mail}

    @property
    def ledger(self) -> Path:
        """The file that `read_ledger` reads."""
        return self.folder / LEDGER_FILE

    @property
    def address(self) -> Address:
        """Where to reach it."""
        return Address(
            sip=self._exchange.sip_port,
            phones=self._exchange.phones_port,
            smpp=self._smsc.port,
            smtp=self._mail.port,
            control=self._control.port,
            pid=os.getpid(),
            exchange_pid=self._exchange.pid,
        )

    def phones(self) -> Phones:
        """The telephones inside the clinic, to be opened with `async with`."""
        return self._exchange.phones()

    async def pause(self, part: str) -> None:
        """Take `exchange`, `smsc` or `mail` away, as an outage does: connections are cut."""
        await self._part(part).pause()

    async def resume(self, part: str) -> None:
        """Bring it back on the same port."""
        await self._part(part).start()

    async def __aenter__(self) -> Self:
        try:
            for part in self._parts.values():
                await part.start()
            await self._control.start()
            await asyncio.to_thread(self._announce)
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    async def _stop(self) -> None:
        await asyncio.to_thread((self.folder / ADDRESS_FILE).unlink, missing_ok=True)
        await self._exchange.pause()
        await self._control.stop()
        await self._mail.stop()
        await self._smsc.stop()
        self._ledger.close()

    def _part(self, name: str) -> Part:
        if name not in self._parts:
            raise TownError(f"the town has no '{name}'; it has {', '.join(self._parts)}")
        return self._parts[name]

    def _announce(self) -> None:
        draft = self.folder / f"{ADDRESS_FILE}.part"
        draft.write_text(json.dumps(asdict(self.address)) + "\n")
        os.replace(draft, self.folder / ADDRESS_FILE)
