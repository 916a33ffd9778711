"""Call-backs as the daemon takes them: a talk over AGI, then the dialplan plays the message and its menu."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any

from gateway.asterisk import variables
from gateway.asterisk.address import Address
from gateway.asterisk.agi import Call
from gateway.asterisk.ami import Ami, AmiError
from gateway.asterisk.backs import Backs
from gateway.callback import talk
from gateway.callback.desk import Desk
from gateway.callback.talk import Ask, Bye, Check, Checked, Keys, Noted, OptOut, Play, ToDesk
from gateway.settings import Settings
from gateway.studio.server import Server
from store.callback import LastMessage
from store.engine import StoreAwayError

log = logging.getLogger(__name__)

KEY_SECONDS = 8.0
# How often to look without being told, and how soon again after a failure.
_LOOK_SECONDS = 15.0
_AGAIN_SECONDS = 1.0


class CallBack:
    """Runs until cancelled."""

    def __init__(self, settings: Settings, desk: Desk, ami: Ami, address: Address) -> None:
        self._settings, self._desk = settings, desk
        host = settings.asterisk.gateway
        self._server = Server(address, settings.callback.calls, KEY_SECONDS, self._hold, "callback", host)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._backs = Backs(ami)

    async def run(self) -> None:
        """Take calls."""
        self._loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._desk.prepare())
            group.create_task(self._server.run())
            group.create_task(self._take_keys())

    # --- the talk; blocks, in a thread of its own ---

    def _hold(self, call: Call) -> None:
        caller = self._desk.number(call.caller)
        opt_out = self._is_opt_out_line(call.dialled)
        front_desk = bool(self._settings.voice.front_desk)
        now, act = talk.begin(caller, opt_out, front_desk, self._settings.callback.tries_per_call)
        found: LastMessage | None = None
        while isinstance(act, Ask | Check | OptOut):
            event: talk.Event
            match act:
                case Ask():
                    event = Keys(call.ask(self._wait(self._desk.said(act.say)), act.most, KEY_SECONDS))
                case Check():
                    found, allowed = self._wait(self._desk.find(act.number, act.birthday))
                    event = Checked(found is not None, allowed)
                case OptOut():
                    self._wait(self._desk.opt_out(act.number))
                    event = Noted()
            now, act = talk.step(now, event)
        self._end(call, act, found, now.number)

    def _is_opt_out_line(self, dialled: str) -> bool:
        """However the provider writes the number: with its country, without it, with or without a plus."""
        line = self._settings.callback.opt_out_number
        same = dialled == line.removeprefix("+")
        return bool(dialled and line) and (same or self._desk.known_as(dialled) == self._desk.known_as(line))

    def _end(self, call: Call, act: Play | ToDesk | Bye, found: LastMessage | None, number: str) -> None:
        match act:
            case Play() if found is not None:
                self._play(call, found, number)
            case ToDesk():
                call.play(self._wait(self._desk.said(act.say)))
                call.set(variables.NEXT, variables.NEXT_DESK)
            case Bye():
                call.play(self._wait(self._desk.said(act.say)))

    def _play(self, call: Call, found: LastMessage, number: str) -> None:
        """Hand the call to the dialplan with everything that a call of ours has."""
        values = self._wait(self._desk.message(found))
        if values is None:
            last = (talk.Line.NOT_FOUND, talk.Line.GOODBYE)
            call.play(self._wait(self._desk.said(last)))
            return
        fixed = {
            variables.ANSWER_SECONDS: str(self._settings.voice.answer_seconds),
            variables.BACK_NUMBER: self._desk.known_as(number),
            variables.NEXT: variables.NEXT_MESSAGE,
        }
        for name, value in (values | fixed).items():
            call.set(name, value)

    def _wait(self, doing: Coroutine[Any, Any, Any]) -> Any:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result()

    # --- keys of the message's menu: the exchange keeps them until they are written down ---

    async def _take_keys(self) -> None:
        """Also those of call-backs that ended while this gateway was away."""
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._backs.ended.wait()
            self._backs.ended.clear()
            try:
                for back in await self._backs.waiting():
                    await self._desk.pressed(back)
                    await self._backs.taken(back)
            except (AmiError, StoreAwayError) as error:
                log.debug("keys of call-backs are taken later: %s", error)
                await asyncio.sleep(_AGAIN_SECONDS)
                self._backs.ended.set()
