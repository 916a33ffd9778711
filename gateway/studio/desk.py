"""What a studio call needs of the store and of the recordings."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.domain import Speech
from gateway.settings import Settings
from gateway.studio import acts, guidance, locks, pins
from gateway.studio.acts import Done, Found, Line, Locked, Piece, Playback, Taken, Welcome, Wrong
from gateway.studio.recordings import Recordings
from store import pins as tries
from store import prompts
from store.engine import Store
from store.prompts import PromptEntry, Take, Version
from voices import wav
from voices.errors import RecordingError, VoiceError
from voices.findings import Finding
from voices.library import VoiceLibrary

log = logging.getLogger(__name__)

# Each takes 19 MB and a processor for 30 ms.
_PINS_AT_ONCE = 2
_SAID_SECONDS = 3600.0
_SPOOL = re.compile(r"(\d+)-(\d+)-([a-z]{2})-[0-9a-f]{16}\.wav")


@dataclass(frozen=True, slots=True)
class Spool:
    """A file that the exchange records into: for whom and what is in its name, in numbers alone."""

    file: Path
    staff: int
    prompt: int
    language: str


class Desk:
    """One for all calls."""

    def __init__(
        self, store: Store, settings: Settings, library: VoiceLibrary, recordings: Recordings
    ) -> None:
        self._store, self._library, self._recordings = store, library, recordings
        self._settings, self._clinic = settings.studio, settings.clinic.id
        self.language = settings.clinic.language
        self._spool = (settings.folder / "studio").absolute()
        self._said = self._spool / "said"
        self._comparing = asyncio.Semaphore(_PINS_AT_ONCE)
        # Files that a call records into, files that could not be read, languages without a voice.
        self._live: set[str] = set()
        self._unusable: set[str] = set()
        self._voiceless: set[str] = set()

    # --- who it is ---

    async def check(self, number: str, pin: str) -> Welcome | Wrong | Locked:
        """Whether number and PIN match; counted before they are compared, as slow for a number of nobody."""
        now = self._store.clock()
        if not (number.isdigit() and pin.isdigit()):
            await self._matches(pin, None)
            return Wrong()
        begun = await self._store.run(
            tries.begin_try, self._clinic, number, locks.judge(self._settings, now), now
        )
        right = await self._matches(pin, begun.user.pin_hash if begun.user else None)
        if begun.id is None:
            log.warning("studio: a user number is locked after wrong PINs")
            return Locked()
        await self._store.run(tries.end_try, self._clinic, number, begun.id, right)
        if begun.user is None or not right:
            return Wrong()
        return await self._welcome(begun.user.staff, begun.user.language)

    async def _matches(self, pin: str, pin_hash: str | None) -> bool:
        async with self._comparing:
            return await asyncio.to_thread(pins.matches, pin, pin_hash)

    async def _welcome(self, staff: int, language: str) -> Welcome:
        drafts = await self._store.read(prompts.drafts_of, self._clinic, staff)
        tasks = await self._store.read(prompts.tasks_of, self._clinic, staff)
        known = {entry.id: entry for entry in await self._store.read(prompts.catalogue, self._clinic)}
        return Welcome(
            staff,
            language,
            tuple(_draft(one, known[one.prompt]) for one in drafts if one.prompt in known),
            tuple(_piece(task.prompt, task.language) for task in tasks),
        )

    async def find(self, number: int, language: str) -> Found:
        """The prompt with this number, to be recorded in the caller's language."""
        entry = await self._store.read(prompts.numbered, self._clinic, number)
        return Found(_piece(entry, language) if entry else None)

    # --- what is recorded ---

    def spool(self, staff: int, piece: Piece) -> Spool:
        """A new file for the exchange to record into."""
        self._spool.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = f"{staff}-{piece.number}-{piece.language}-{secrets.token_hex(8)}.wav"
        self._live.add(name)
        return Spool(self._spool / name, staff, piece.number, piece.language)

    async def take(self, spool: Spool, instead_of: int | None = None, cut_off: bool = False) -> Taken:
        """What was recorded becomes a draft; nothing does when nobody spoke."""
        try:
            return await self._taken(spool, instead_of, cut_off)
        finally:
            # Whatever is still there now is found by `recover`.
            self._live.discard(spool.file.name)

    async def _taken(self, spool: Spool, instead_of: int | None, cut_off: bool) -> Taken:
        try:
            await asyncio.to_thread(wav.mend, spool.file)
            made = await self._recordings.make(spool.file)
        except (RecordingError, wav.WavError) as error:
            log.info("studio: a recording %s", error)
            return self._nothing(spool)
        if not made.mastered.usable:
            return self._nothing(spool)
        findings = (*made.mastered.findings, *((Finding.CUT_OFF,) if cut_off else ()))
        take = Take(
            source=prompts.PHONE,
            staff=spool.staff,
            author="",
            seconds=made.mastered.seconds,
            recorded_loudness=made.mastered.recorded_loudness,
            loudness=made.mastered.loudness,
            findings=tuple(findings),
            audio=made.audio,
            original=made.original,
        )
        now = self._store.clock()
        where = (self._clinic, spool.prompt, spool.language)
        version = await self._store.run(prompts.add_draft, *where, take, now, instead_of)
        entry = await self._store.read(prompts.numbered, self._clinic, spool.prompt)
        spool.file.unlink(missing_ok=True)
        piece = _piece(entry or PromptEntry(spool.prompt, "", "", ""), spool.language)
        return Taken(acts.Draft(version, piece, made.audio, take.findings))

    def _nothing(self, spool: Spool) -> Taken:
        spool.file.unlink(missing_ok=True)
        return Taken(None)

    async def recover(self) -> int:
        """What a call or an earlier life of the gateway left in the spool becomes drafts; how many."""
        found = 0
        for file in sorted(self._spool.glob("*.wav")):
            name = _SPOOL.fullmatch(file.name)
            if name is None or file.name in self._live | self._unusable:
                continue
            spool = Spool(file, int(name[1]), int(name[2]), name[3])
            try:
                found += (await self.take(spool, cut_off=True)).draft is not None
            except VoiceError as error:
                self._unusable.add(file.name)
                log.error("studio: a recording that was left in %s cannot be used: %s", self._spool, error)
        return found

    async def keep(self, version: int) -> Done:
        """A draft becomes what is played."""
        return Done(await self._store.run(prompts.keep, self._clinic, version, self._store.clock()))

    async def discard(self, version: int) -> Done:
        """A draft goes."""
        return Done(await self._store.run(prompts.discard, self._clinic, version))

    # --- what is said ---

    async def said(self, said: acts.Said, language: str) -> Path:
        """One file of all that is said; a title that cannot be voiced is left out, and told of in the log."""
        files: list[Path] = []
        for part in said:
            if isinstance(part, Playback):
                files.append(self._recordings.audio(part.audio))
            else:
                files += await self._line(part, language)
        address = hashlib.sha256("\n".join(map(str, files)).encode()).hexdigest()[:32]
        joined = self._said / f"{address}.wav"
        await asyncio.to_thread(wav.join, files, joined)
        return joined

    def sweep(self) -> None:
        """Forget what was said a while ago. Blocks."""
        for file in self._said.glob("*.wav"):
            if time.time() - file.stat().st_mtime > _SAID_SECONDS:
                file.unlink(missing_ok=True)

    async def _line(self, line: Line, language: str) -> Sequence[Path]:
        tongues = dict.fromkeys((language, self.language, guidance.FALLBACK))
        for tongue in tongues:
            try:
                return await self._voiced(guidance.spoken(line, tongue))
            except VoiceError as error:
                if (why := f"{tongue}: {error}") not in self._voiceless:
                    self._voiceless.add(why)
                    log.warning("studio: something cannot be said in %s", why)
        return ()

    async def _voiced(self, speech: Speech) -> Sequence[Path]:
        return await self._library.render((speech,))

    async def prepare(self) -> None:
        """Voice all that is fixed before anybody calls."""
        for language in guidance.TEXTS:
            try:
                for speech in guidance.everything(language):
                    await self._voiced(speech)
            except VoiceError as error:
                log.info("studio: no guidance in %s: %s", language, error)


def _piece(entry: PromptEntry, language: str) -> Piece:
    return Piece(entry.id, entry.title or entry.name, entry.wording, language)


def _draft(version: Version, entry: PromptEntry) -> acts.Draft:
    take = version.take
    return acts.Draft(version.id, _piece(entry, version.language), take.audio, take.findings)
