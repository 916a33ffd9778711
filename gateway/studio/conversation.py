"""A talk carried out on a call: the thin edge between gateway.studio.talk and the exchange. Blocks."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from gateway.asterisk.agi import Call, CallOverError
from gateway.settings import StudioSettings
from gateway.studio import acts, talk
from gateway.studio.acts import Ask, Bye, Check, Discard, Event, Find, Keep, Keys, Record
from gateway.studio.desk import Desk
from gateway.studio.talk import Talk

T = TypeVar("T")
# Has a coroutine done by the event loop, and waits for it.
Wait = Callable[[Coroutine[Any, Any, T]], T]

KEY_SECONDS = 6.0
_AT_ONCE = 0.1


class Conversation:
    """One call from its first word to its last."""

    def __init__(self, call: Call, desk: Desk, settings: StudioSettings, beep: Path, wait: Wait[Any]) -> None:
        self._call, self._desk, self._wait, self._beep = call, desk, wait, beep
        self._settings = settings

    def hold(self) -> None:
        """Talk until one of the two hangs up; CallOverError when it is the caller."""
        studio = self._settings
        now, act = talk.begin(self._desk.language, studio.pin_digits, studio.tries_per_call)
        while not isinstance(act, Bye):
            now, act = talk.step(now, self._do(now, act))
        self._call.play(self._said(act.say, now))

    def _do(self, now: Talk, act: acts.Act) -> Event:
        match act:
            case Ask():
                return Keys(self._call.ask(self._said(act.say, now), act.most, KEY_SECONDS))
            case Check():
                return self._event(self._desk.check(act.number, act.pin))
            case Find():
                return self._event(self._desk.find(act.number, now.language))
            case Record():
                return self._record(now, act)
            case Keep():
                return self._event(self._desk.keep(act.version))
            case Discard():
                return self._event(self._desk.discard(act.version))
        raise AssertionError(f"{act} is no act of a call that goes on")

    def _event(self, asked: Coroutine[Any, Any, Event]) -> Event:
        event: Event = self._wait(asked)
        return event

    def _record(self, now: Talk, act: Record) -> Event:
        assert now.staff is not None, "nobody records before their PIN was right"
        # Any key leads straight to the tone.
        self._call.ask(self._said(act.say, now), 1, _AT_ONCE)
        self._call.play(self._beep)
        spool = self._desk.spool(now.staff, act.piece)
        try:
            self._call.record(spool.file, self._settings.longest_seconds)
        except CallOverError:
            # What was said until then waits as a draft, beside the one that it should have replaced.
            self._wait(self._desk.take(spool, cut_off=True))
            raise
        return self._event(self._desk.take(spool, act.instead_of))

    def _said(self, said: acts.Said, now: Talk) -> Path:
        sound: Path = self._wait(self._desk.said(said, now.language))
        return sound
