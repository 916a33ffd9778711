"""The town's exchange: an Asterisk of its own, with the households in its dialplan."""

from __future__ import annotations

import asyncio
import socket
from dataclasses import asdict
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined

from gateway.asterisk.instance import Identity, Instance, free_port
from gateway.asterisk.runtime import Runtime
from gateway.town import sounds
from gateway.town.calls import CallBook
from gateway.town.ears import Ears
from gateway.town.households import (
    PATIENCE,
    QUICK_STAYS,
    TELEPHONES,
    TELEPHONES_OF,
    VOICEMAIL_SECONDS,
)
from gateway.town.phones import Phones

AMI_USER, PHONES_USER = "town", "phones"

# A telephone that is waiting sends silence; without it answering-machine detection hears no pause.
_TELEPHONE_OPTIONS = "\n[options](+)\ntransmit_silence = yes\n"


class Exchange:
    """Answers SIP on loopback while running."""

    def __init__(
        self, folder: Path, runtime: Runtime, book: CallBook, *, seed: int = 0, pace: float = 1.0
    ) -> None:
        self._folder = folder
        self._seed, self._pace = seed, pace
        self._book = book
        self._ears = Ears(book)
        self._instance = Instance(folder / "exchange", runtime)
        self._phones_port = 0

    @property
    def sip_port(self) -> int:
        """Where clinics call; the same after a pause."""
        return self._instance.identity().sip_port

    @property
    def phones_port(self) -> int:
        """Where the clinic's own telephones call from and are called; the same after a pause."""
        if not self._phones_port:
            self._phones_port = free_port(socket.SOCK_DGRAM)
        return self._phones_port

    def phones(self) -> Phones:
        """The clinic's own telephones, to be opened while this runs."""
        identity = self._instance.identity()
        return Phones(self._folder / "phones", identity.ami_port, PHONES_USER, identity.secret)

    @property
    def pid(self) -> int:
        """The process of the exchange; 0 while it is away."""
        return self._instance.pid() or 0

    async def start(self) -> None:
        """Start Asterisk and listen to it; also after a pause."""
        # A town that was killed leaves its exchange behind, with calls that nobody writes down.
        await self._instance.stop()
        identity = self._instance.identity()
        await asyncio.to_thread(self._configure, identity)
        await self._instance.start()
        await self._ears.open(identity.ami_port, AMI_USER, identity.secret)

    async def pause(self) -> None:
        """Stop Asterisk at once: calls that are up are cut."""
        self._ears.close()
        await self._instance.stop()
        await self._book.cut()

    def _configure(self, identity: Identity) -> None:
        for name in ("calls", "voicemail", "faxes"):
            (self._folder / name).mkdir(exist_ok=True)
        self._instance.configure(_render(self._values(identity)))
        with self._instance.config.open("a") as main_file:
            main_file.write(_TELEPHONE_OPTIONS)

    def _values(self, identity: Identity) -> dict[str, object]:
        return asdict(identity) | {
            "ami_user": AMI_USER,
            "phones_user": PHONES_USER,
            "phones_port": self.phones_port,
            "folder": self._folder,
            "sounds": sounds.prepare(),
            "seed": self._seed,
            "pace": self._pace,
            "patience": PATIENCE,
            "telephones": TELEPHONES,
            "telephones_of": TELEPHONES_OF,
            "quick_stays": QUICK_STAYS,
            "voicemail_seconds": VOICEMAIL_SECONDS,
        }


def _render(values: dict[str, object]) -> dict[str, str]:
    """Every configuration file; placeholders are `<< name >>`, for `${…}` belongs to Asterisk."""
    environment = Environment(
        loader=PackageLoader("gateway.town", "dialplan"),
        variable_start_string="<<",
        variable_end_string=">>",
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # these are not web pages, and no value comes from outside
    )
    return {name: environment.get_template(name).render(values) for name in environment.list_templates()}
