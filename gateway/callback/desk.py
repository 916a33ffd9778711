"""What a call-back needs of the store, the voices and the rest of the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import phonenumbers

from gateway import wording
from gateway.asterisk import variables
from gateway.asterisk.backs import Back
from gateway.asterisk.results import KeyPress
from gateway.callback import words
from gateway.callback.limits import Limits
from gateway.callback.talk import Line
from gateway.channels.voice import Named, by_path, rendered, sound_variables
from gateway.domain import Channel, ContentError, Event, Parts, Reply, ReplyKind, Script
from gateway.rendering import speech
from gateway.settings import Settings
from gateway.wording import Sayings, SlotError
from store import broadcasts, callback, facts
from store.callback import LastMessage
from store.engine import Store
from voices import wav
from voices.errors import VoiceError
from voices.library import VoiceLibrary

log = logging.getLogger(__name__)

_ACTIONS = frozenset(kind.value for kind in ReplyKind)

Record = Callable[[Sequence[Event]], Awaitable[None]]


class Desk:
    """One for all calls."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        library: VoiceLibrary,
        sayings: Sayings,
        record: Record,
        named: Named = by_path,
    ) -> None:
        """`record` writes replies down as those of other calls are; `named`: as with calls."""
        self._named = named
        self._store, self._library, self._sayings, self._record = store, library, sayings, record
        self._settings, self._clinic = settings.callback, settings.clinic
        self._said = (settings.folder / "callback").absolute()
        self._limits = Limits(settings.callback.tries_per_hour, settings.callback.tries_per_day)

    # --- who it is ---

    def number(self, caller: str) -> str:
        """A caller's number as the store writes it; empty where it is withheld or is none."""
        try:
            parsed = phonenumbers.parse(caller, self._clinic.country)
        except phonenumbers.NumberParseException:
            return ""
        if not phonenumbers.is_possible_number(parsed):
            return ""
        return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)

    def known_as(self, number: str) -> str:
        """The one way to write a number, however it was dialled or entered."""
        return self.number(number) or number

    async def find(self, number: str, digits: str) -> tuple[LastMessage | None, bool]:
        """The last message for somebody born on that day, and whether this number may still try."""
        now = self._store.clock()
        # Counted as it is looked up: one number can be entered in many ways.
        known = self.known_as(number)
        if not self._limits.may_try(known, now):
            log.warning("callback: a number tried too many birthdays")
            return None, False
        born = words.birthday(digits, self._clinic.country)
        since = now - timedelta(days=self._settings.days)
        # The same look for what is no day at all: nothing is to be learnt from the time it takes.
        month, day = born or (0, 0)
        found = await self._store.read(callback.last_message, self._clinic.id, known, month, day, since)
        if found is None:
            self._limits.failed(known, now)
        return found, True

    # --- what is done ---

    async def opt_out(self, number: str) -> None:
        """Nobody contacts this number any more, also when nobody is known by it yet."""
        now = datetime.now(UTC)
        await self._record([Reply(Channel.VOICE, ReplyKind.OPT_OUT, self.known_as(number), now, "9")])

    async def pressed(self, back: Back) -> None:
        """The keys of the message's own menu; the same told twice are the same. Raises StoreAwayError."""
        now = datetime.now(UTC)
        await self._record(
            [
                Reply(Channel.VOICE, _kind(press), back.number, press.at or now, press.key, back.attempt)
                for press in back.keys
            ]
        )

    # --- what is played ---

    async def message(self, found: LastMessage) -> Mapping[str, str] | None:
        """The variables that the dialplan plays the message from; None when it cannot be said any more."""
        order = await self._store.read(broadcasts.find, self._clinic.id, found.broadcast)
        if order is None:
            return None
        wanted = [(order, found.recipient, found.appointment)]
        page = await self._store.read(facts.load, self._clinic.id, wanted)
        visit = page.facts[0].appointment
        if visit is not None and visit.status != "booked":
            return None
        try:
            script = wording.compose(page.facts[0], Channel.VOICE, self._clinic, self._sayings)
            assert isinstance(script, Script)
            sounds = await rendered(script, speech(self._library))
            return sound_variables(sounds, self._named) | {variables.ATTEMPT: found.attempt}
        except (SlotError, ContentError, VoiceError) as error:
            log.warning("callback: message %d cannot be said: %s", found.message, error)
            return None

    async def said(self, lines: Sequence[Line]) -> Path:
        """One file of all that is said."""
        clinic = self._clinic
        files: list[Path] = []
        for line in lines:
            told: Parts = (words.spoken(line, clinic.name, clinic.country, clinic.language),)
            files += await self._library.render(told)
        address = hashlib.sha256("\n".join(map(str, files)).encode()).hexdigest()[:32]
        joined = self._said / f"{address}.wav"
        await asyncio.to_thread(wav.join, files, joined)
        return joined

    async def prepare(self) -> None:
        """Voice what is fixed before anybody calls."""
        clinic = self._clinic
        for line in Line:
            told: Parts = (words.spoken(line, clinic.name, clinic.country, clinic.language),)
            try:
                await self._library.render(told)
            except VoiceError as error:
                log.error("callback: callers cannot be spoken to: %s", error)
                return


def _kind(press: KeyPress) -> ReplyKind:
    return ReplyKind(press.action) if press.action in _ACTIONS else ReplyKind.OTHER
