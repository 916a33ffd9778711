"""The town's SMSC: smpp34's server, households that get texts, receipts and answers.

What is owed to a clinic (receipts, answers) waits while its binds are away and goes out at the next one, as
with a real SMSC. Nothing is owed to one bind alone: any bind of the same system id may carry it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import stat
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import smpp34

from gateway.town.coding import read_segment
from gateway.town.households import PATIENCE, TextHabit, e164, patience_class, text_habit
from gateway.town.ledger import Entry, Ledger
from gateway.town.texts import ENROUTE, TextBook, from_household, receipt

log = logging.getLogger(__name__)

RECEIPT_SECONDS = 0.3
LATE_SECONDS = 6.0
# How long a response waits that its receipt overtakes.
_OVERTAKEN_SECONDS = 0.2
REPLY_SECONDS = 0.5
_WINDOW = 64
_ANSWER_SECONDS = 10.0


@dataclass(slots=True)
class _Account:
    """The binds of one system id."""

    binds: dict[str, smpp34.Esme] = field(default_factory=dict)
    bound: asyncio.Event = field(default_factory=asyncio.Event)
    window: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_WINDOW))

    def add(self, bind: smpp34.Esme) -> None:
        self.binds[bind.session_id] = bind
        if bind.can_receive:
            self.bound.set()

    def remove(self, session: str) -> None:
        self.binds.pop(session, None)
        if not any(bind.can_receive for bind in self.binds.values()):
            self.bound.clear()

    async def receiver(self) -> smpp34.Esme:
        """A bind that takes deliver_sm; waits while there is none."""
        await self.bound.wait()
        return next(bind for bind in self.binds.values() if bind.can_receive)


@dataclass(frozen=True, slots=True)
class _Aftermath:
    """What an accepted segment causes: a receipt where asked for, an answer once the text is whole."""

    account: _Account
    entry: Entry
    message_id: str
    text: str
    habit: TextHabit
    receipt: bool
    complete: bool


class Smsc:
    """Listens on loopback while running; any system id and password may bind."""

    def __init__(self, ledger: Ledger, port: int, seed: int = 0, pace: float = 1.0) -> None:
        self.port = port
        self._ledger = ledger
        self._book = TextBook(ledger)
        self._seed = seed
        self._pace = pace
        # Texts that were turned away once; they are taken when they come again.
        self._turned_away: set[tuple[str, str]] = set()
        self._accounts: dict[str, _Account] = {}
        # Kept after the bind is gone: what it submitted last may still be on its way through smpp34.
        self._owners: dict[str, _Account] = {}
        self._sessions: set[str] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: smpp34.Server | None = None
        self._pump: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen; also after a pause."""
        self._server = smpp34.Server("127.0.0.1", self.port, system_id="town", inbound_capacity=4096)
        await self._server.start()
        self._pump = asyncio.create_task(self._serve(self._server))
        self._pump.add_done_callback(_say_why)

    async def pause(self) -> None:
        """Go away without a word: refuse new connections and cut those that are open."""
        if not self._server or not self._pump:
            return
        await self._server.stop()
        _cut_connections(self.port)
        # smpp34 aborts the interpreter if a session is still ending when Python exits: wait for them.
        with suppress(TimeoutError):
            async with asyncio.timeout(2):
                await self._idle.wait()
        self._pump.cancel()
        await asyncio.wait([self._pump])
        self._server = self._pump = None

    async def stop(self) -> None:
        """Pause, and forget what is owed."""
        await self.pause()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, server: smpp34.Server) -> None:
        while True:
            match await server.next():
                case smpp34.Esme() as bind:
                    account = self._accounts.setdefault(bind.system_id, _Account())
                    account.add(bind)
                    self._owners[bind.session_id] = account
                    self._sessions.add(bind.session_id)
                    self._idle.clear()
                case smpp34.Unbound() as gone:
                    if owner := self._owners.get(gone.session_id):
                        owner.remove(gone.session_id)
                    self._sessions.discard(gone.session_id)
                    if not self._sessions:
                        self._idle.set()
                case smpp34.SubmitSmEvent() as submit:
                    self._take(submit)

    def _take(self, submit: smpp34.SubmitSmEvent) -> None:
        """Write the text down, answer the submit, and owe what the household causes."""
        address, source = e164(submit.destination_addr), submit.source_addr
        habit = text_habit(address)
        tlvs = {tlv.tag: tlv.value for tlv in submit.tlvs}
        segment = read_segment(submit.short_message, submit.esm_class, submit.data_coding, tlvs)
        if habit.first and (address, segment.text) not in self._turned_away:
            self._turned_away.add((address, segment.text))
            self._book.turned_away(address, source, segment)
            submit.reject(habit.first)
            return
        entry, message_id = self._book.record(address, source, segment, habit)
        if habit.status:
            submit.reject(habit.status)
            return
        wants_receipt = bool(habit.receipt) and bool(submit.registered_delivery & 0x03)
        account, complete = self._owners[submit.session_id], entry.segments == entry.parts
        if habit.comes == "before":
            asyncio.get_running_loop().call_later(_OVERTAKEN_SECONDS, submit.accept, message_id)
        else:
            submit.accept(message_id)
        self._spawn(_Aftermath(account, entry, message_id, segment.text, habit, wants_receipt, complete))

    def _spawn(self, after: _Aftermath) -> None:
        if not after.receipt and not (after.habit.reply and after.complete):
            return
        task = asyncio.create_task(self._settle(after))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _settle(self, after: _Aftermath) -> None:
        stretch = self._pace * PATIENCE[patience_class(self._seed, int(after.entry.address[-2:]))]
        entry = after.entry
        if after.receipt:
            await self._tell(after, stretch)
            entry = replace(entry, receipt=after.habit.receipt)
        if after.habit.reply and after.complete:
            await asyncio.sleep(REPLY_SECONDS * stretch)
            await self._deliver(after.account, from_household(entry, after.habit.reply))
            entry = replace(entry, reply=after.habit.reply)
        if after.complete:
            self._ledger.write(entry)

    async def _tell(self, after: _Aftermath, stretch: float) -> None:
        """The receipt, when and as often as this household's come."""
        habit = after.habit
        wait = {"before": 0.0, "late": LATE_SECONDS * stretch}.get(habit.comes, RECEIPT_SECONDS * stretch)
        states = [ENROUTE] * (habit.comes == "enroute") + [habit.receipt] * (1 + (habit.comes == "twice"))
        for state in states:
            await asyncio.sleep(wait)
            pdu = receipt(after.entry, after.message_id, after.text, state, habit)
            await self._deliver(after.account, pdu)

    async def _deliver(self, account: _Account, pdu: dict[str, Any]) -> None:
        """Hand over until a bind has acknowledged it; a lost acknowledgement means a second copy."""
        while True:
            bind = await account.receiver()
            try:
                async with account.window, asyncio.timeout(_ANSWER_SECONDS):
                    answer = await bind.deliver_sm(**pdu)
                if answer.is_success:
                    return
            except (smpp34.SmppError, TimeoutError):
                log.debug("a bind went away before it acknowledged")
            await asyncio.sleep(0.2)


def _say_why(pump: asyncio.Task[None]) -> None:
    if not pump.cancelled() and (error := pump.exception()):
        log.error("the SMSC stopped serving", exc_info=error)


def _cut_connections(port: int) -> None:
    """Shut every accepted connection of this port; smpp34 has no such call, so the sockets are found."""
    for end in _own_sockets():
        with end, suppress(OSError):
            if end.family == socket.AF_INET and end.getsockname()[1] == port and end.getpeername():
                end.shutdown(socket.SHUT_RDWR)


def _own_sockets() -> list[socket.socket]:
    found = []
    for name in os.listdir("/proc/self/fd"):
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(name)).st_mode):
                found.append(socket.socket(fileno=os.dup(int(name))))
    return found
