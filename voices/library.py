"""Script parts in, telephone-rate WAV files out; each rendered once."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gateway.domain import Prompt, Speech
from voices.cache import SoundCache
from voices.errors import RenderError
from voices.installed import Voice, fingerprint, installed_voices, voice_for
from voices.jobs import Convert, Job, Speak
from voices.phrasing import cleaned
from voices.prompts import KeptPrompts, PromptFolder, Recording
from voices.workers import Workers

# Part of every address: raise it when the same words would sound different.
_RENDERING = 1
# Addresses remembered, so that a known text costs a look-up instead of a hash.
_REMEMBERED = 50_000
_SWEEP_EVERY = 500


@dataclass(frozen=True, slots=True)
class Limits:
    """What one text may ask for, and how much disk the sounds may take."""

    characters: int = 1000
    seconds: float = 30.0
    cache_bytes: int = 2_000_000_000


class VoiceLibrary:
    """`models`: where downloaded voices are; `kept`: what the studio recorded, which goes before the folder.

    Use it in one event loop.
    """

    def __init__(
        self,
        cache: Path,
        prompts: Path | None = None,
        workers: int = 1,
        *,
        models: Path | None = None,
        limits: Limits | None = None,
        kept: KeptPrompts | None = None,
    ) -> None:
        self._limits, self._models = limits or Limits(), models
        self._cache = SoundCache(cache.expanduser().absolute(), self._limits.cache_bytes)
        self._prompts, self._kept = PromptFolder(prompts), kept or KeptPrompts()
        self._workers = Workers(workers, self._limits.seconds)
        self._voices: dict[str, tuple[Voice, str]] = {}
        self._addresses: dict[Speech, Path] = {}
        self._reading = asyncio.Lock()
        self._running: dict[Path, asyncio.Task[Any]] = {}
        self._sweeping: asyncio.Task[int] | None = None
        self._rendered = 0

    @property
    def worker_pids(self) -> list[int]:
        """The rendering processes that run now."""
        return self._workers.pids

    async def render(self, parts: tuple[Speech | Prompt, ...]) -> tuple[Path, ...]:
        """A file for each part, in order; a VoiceError says which part cannot be had and why."""
        self._cache.open()
        files = []
        missing: dict[Path, Job] = {}
        for part in parts:
            file, job = await (self._speech(part) if isinstance(part, Speech) else self._prompt(part))
            if job is not None:
                missing[file] = job
            files.append(file)
        if missing:
            await asyncio.gather(*(self._once(file, job) for file, job in missing.items()))
        return tuple(files)

    async def _speech(self, part: Speech) -> tuple[Path, Job | None]:
        file = self._addresses.get(part)
        if file is not None and self._cache.has(file):
            return file, None
        text = cleaned(part.text, self._limits.characters)
        voice, version = await self._voice(part.language)
        file = self._cache.address("speech", _RENDERING, voice.name, version, text)
        self._remember(part, file)
        return file, None if self._cache.has(file) else Speak(str(voice.model), text, str(file))

    async def _prompt(self, part: Prompt) -> tuple[Path, Job | None]:
        if (kept := self._kept.find(part.name, part.language)) is not None:
            return kept, None
        recording = self._prompts.known(part.name) or await self._examined(part.name)
        if not recording.digest:
            return recording.file.absolute(), None
        file = self._cache.address("prompt", _RENDERING, recording.digest)
        job = Convert(str(recording.file), recording.digest, str(file))
        return file, None if self._cache.has(file) else job

    async def _examined(self, name: str) -> Recording:
        # Many calls that start together read the file once.
        async with self._reading:
            if (known := self._prompts.known(name)) is not None:
                return known
            return await asyncio.to_thread(self._prompts.examine, name)

    async def _voice(self, language: str) -> tuple[Voice, str]:
        async with self._reading:
            if language not in self._voices:
                voices = await asyncio.to_thread(installed_voices, self._models)
                voice = voice_for(language, voices, self._models)
                self._voices[language] = voice, await asyncio.to_thread(fingerprint, voice)
            return self._voices[language]

    def _remember(self, part: Speech, file: Path) -> None:
        if len(self._addresses) >= _REMEMBERED:
            del self._addresses[next(iter(self._addresses))]
        self._addresses[part] = file

    def _once(self, file: Path, job: Job) -> Coroutine[Any, Any, None]:
        """Join whoever renders this file already; a caller that gives up leaves it to the others."""
        task = self._running.get(file)
        if task is None:
            task = asyncio.create_task(self._workers.do(job))
            self._running[file] = task
            task.add_done_callback(lambda done: self._done(file, done))
        return _joined(task)

    def _done(self, file: Path, task: asyncio.Task[Any]) -> None:
        del self._running[file]
        # Asked for here too, in case every caller has gone.
        if not task.cancelled() and task.exception() is None:
            if self._rendered % _SWEEP_EVERY == 0 and self._sweeping is None:
                self._sweeping = asyncio.create_task(asyncio.to_thread(self._cache.sweep))
                self._sweeping.add_done_callback(self._swept)
            self._rendered += 1

    def _swept(self, task: asyncio.Task[int]) -> None:
        self._sweeping = None
        if not task.cancelled():
            task.result()

    async def close(self) -> None:
        """Stop rendering; what was being rendered fails with RenderError."""
        tasks = [*self._running.values(), *([self._sweeping] if self._sweeping else [])]
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._workers.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def _joined(task: asyncio.Task[Any]) -> None:
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        if task.cancelled():
            raise RenderError("rendering has been closed") from None
        raise
