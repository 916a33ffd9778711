"""Sounds before they are needed: of a broadcast when it is created, and of calls soon before their time."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from gateway import wording
from gateway.domain import Channel, Facts, Prompt, Script, Speech
from gateway.link import StoreLink
from gateway.settings import Clinic, Settings
from gateway.wording import Sayings, SlotError
from store import ahead, facts, ids
from store.ahead import Soon, Stretch
from voices import wav
from voices.errors import VoiceError
from voices.library import VoiceLibrary

log = logging.getLogger(__name__)

Part = Speech | Prompt
PAGE = 200
LOOK_SECONDS = 20.0
# Of a broadcast that is larger, the gateway renders the rest before its time.
MOST_PARTS = 50_000


class Needs:
    """What the calls of a broadcast play: each sound once, the longest calls, and what cannot be said."""

    def __init__(self, clinic: Clinic, sayings: Sayings) -> None:
        self._clinic, self._sayings = clinic, sayings
        self.parts: dict[Part, None] = {}
        self.unusable: Counter[str] = Counter()
        self.longest: dict[str, tuple[Part, ...]] = {}
        self.shortest: dict[str, tuple[Part, ...]] = {}

    def add(self, known: Facts) -> str:
        """Count one call in; why it cannot be made, or nothing."""
        try:
            script = wording.compose(known, Channel.VOICE, self._clinic, self._sayings)
        except SlotError as error:
            self.unusable[str(error)] += 1
            return str(error)
        assert isinstance(script, Script)
        if len(self.parts) < MOST_PARTS:
            self.parts.update(dict.fromkeys(everything(script)))
        for version, parts in (("person", script.person), ("machine", script.machine)):
            self.longest[version] = max(self.longest.get(version, parts), parts, key=_length)
            self.shortest[version] = min(self.shortest.get(version, parts), parts, key=_length)
        return ""


def everything(script: Script) -> Iterable[Part]:
    """Every part that a call may play."""
    yield from (*script.person, *script.machine, *script.other)
    if script.desk is not None:
        yield from (*script.desk.announcement, *script.desk.connecting, *script.desk.away)


def _length(parts: Sequence[Part]) -> int:
    return sum(len(part.text) if isinstance(part, Speech) else 40 for part in parts)


async def render_all(
    library: VoiceLibrary, parts: Iterable[Part], workers: int, done: Callable[[], None] = lambda: None
) -> Counter[str]:
    """Render these parts with so many at once; how many failed for which reason."""
    waiting, failed = iter(parts), Counter[str]()

    async def work() -> None:
        for part in waiting:
            try:
                await library.render((part,))
            except VoiceError as error:
                failed[str(error)] += 1
            done()

    async with asyncio.TaskGroup() as group:
        for _ in range(workers):
            group.create_task(work())
    return failed


async def seconds(library: VoiceLibrary, parts: tuple[Part, ...]) -> float:
    """How long these parts play; VoiceError when one cannot be had."""
    files = await library.render(parts)
    return await asyncio.to_thread(_sum, files)


def _sum(files: Iterable[Path]) -> float:
    return sum(wav.seconds(file) for file in files)


class Ahead:
    """Renders what calls will play, up to an hour before their time; what comes later is left to them.

    One message after the other, so that a call that is due waits behind no more than one of them.
    """

    def __init__(
        self, link: StoreLink, settings: Settings, library: VoiceLibrary, sayings: Sayings | None = None
    ) -> None:
        self._link, self._clinic, self._library = link, settings.clinic, library
        self._sayings = sayings or {}
        self._before = timedelta(minutes=settings.voice.ahead_minutes)
        self._seen: tuple[datetime, int] | None = None
        self._told: set[str] = set()

    async def run(self) -> None:
        """Look again and again until cancelled."""
        while self._before:
            await self.look()
            await asyncio.sleep(LOOK_SECONDS)

    async def look(self) -> int:
        """Render what has come within reach since the last look; how many messages that was."""
        store, now = self._link.store, self._link.store.clock()
        until = now + self._before
        following = await self._link.patiently(lambda: store.read(ids.upcoming, self._clinic.id, "message"))
        stretch = Stretch(now, until, *(self._seen or (now, 1)))
        last: tuple[datetime, int] | None = None
        count = 0
        while page := await self._page(stretch, last):
            for known in await self._facts(page):
                await self._render(known)
            last, count = (page[-1].due_at, page[-1].id), count + len(page)
        self._seen = until, following
        return count

    async def _page(self, stretch: Stretch, last: tuple[datetime, int] | None) -> list[Soon]:
        return await self._link.patiently(
            lambda: self._link.store.read(ahead.soon, self._clinic.id, Channel.VOICE, stretch, last, PAGE)
        )

    async def _facts(self, page: Sequence[Soon]) -> list[Facts]:
        store, clinic = self._link.store, self._clinic.id
        orders = await self._link.patiently(
            lambda: store.read(facts.broadcasts, clinic, {item.broadcast for item in page})
        )
        asked = [(orders[item.broadcast], item.recipient, item.appointment) for item in page]
        return (await self._link.patiently(lambda: store.read(facts.load, clinic, asked))).facts

    async def _render(self, known: Facts) -> None:
        # What cannot be rendered is told with its message when that is due; here it is said once.
        try:
            script = wording.compose(known, Channel.VOICE, self._clinic, self._sayings)
            assert isinstance(script, Script)
            await self._library.render(tuple(everything(script)))
        except (SlotError, VoiceError) as error:
            if str(error) not in self._told:
                self._told.add(str(error))
                log.warning("a call of broadcast %d cannot be rendered: %s", known.broadcast.id, error)
        await asyncio.sleep(0)
