"""What an administrator does with prompts: uploads, versions, rolling back, asking staff. No telephone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from gateway.domain import RingwellError
from gateway.settings import Settings
from gateway.studio.recordings import Recordings
from store import pins, prompts
from store.engine import Store
from store.pins import StaffRow
from store.prompts import PromptEntry, Take, Version
from voices.errors import RecordingError
from voices.findings import Mastered

_NAME = re.compile(r"[\w-]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{2}")


class UnknownPromptError(RingwellError):
    """There is no such prompt, version or member of staff; the message names it."""


def check_name(name: str) -> None:
    """Raise UnknownPromptError for what no prompt can be called."""
    if not _NAME.fullmatch(name):
        raise UnknownPromptError(f"{name[:64]!r} is no name of a prompt: use letters, digits, - and _")


@dataclass(frozen=True, slots=True)
class Uploaded:
    """A file that became a version; `kept`: it is played from now on."""

    prompt: int
    version: int
    mastered: Mastered
    kept: bool


class Shelf:
    """The prompts of a clinic."""

    def __init__(self, store: Store, settings: Settings) -> None:
        self._store, self._settings, self._clinic = store, settings, settings.clinic.id

    async def define(self, name: str, title: str = "", wording: str = "") -> int:
        """The number of a prompt, made if it is new."""
        check_name(name)
        return await self._store.run(prompts.define, self._clinic, name, title, wording, self._store.clock())

    async def upload(
        self, file: Path, name: str, language: str, author: str, label: str = "", instead: bool = True
    ) -> Uploaded:
        """A file becomes a version, which is played from now on unless `instead` is False.

        One with findings waits as a draft: somebody who knows of them keeps it.
        """
        if not _LANGUAGE.fullmatch(language):
            raise UnknownPromptError(f"{language[:20]!r} is no language: use two letters such as en")
        recordings = Recordings.of(self._settings)
        try:
            made = await recordings.make(file)
        except RecordingError as error:
            raise RecordingError(f"{file.name} {error}") from error
        finally:
            await recordings.close()
        if not made.mastered.usable:
            raise RecordingError(f"{file.name} holds nothing but silence")
        take = Take(
            source=prompts.UPLOAD,
            staff=None,
            author=author,
            seconds=made.mastered.seconds,
            recorded_loudness=made.mastered.recorded_loudness,
            loudness=made.mastered.loudness,
            findings=tuple(made.mastered.findings),
            audio=made.audio,
            original=made.original,
        )
        number = await self.define(name)
        now = self._store.clock()
        version = await self._store.run(prompts.add_draft, self._clinic, number, language, take, now)
        if label:
            await self._store.run(prompts.describe, self._clinic, version, label)
        kept = instead and not made.mastered.findings
        if kept:
            await self._store.run(prompts.keep, self._clinic, version, now)
        return Uploaded(number, version, made.mastered, kept)

    async def prompt(self, name: str) -> PromptEntry:
        """A prompt by its name or its number."""
        found = await self._store.read(prompts.named, self._clinic, name)
        if found is None and name.isascii() and name.isdigit() and len(name) < 10:
            found = await self._store.read(prompts.numbered, self._clinic, int(name))
        if found is None:
            raise UnknownPromptError(f"there is no prompt {name[:64]!r}: 'ringwell prompts list' shows them")
        return found

    async def version(self, number: int) -> Version:
        """One version."""
        found = await self._store.read(prompts.version, self._clinic, number)
        if found is None:
            raise UnknownPromptError(f"there is no version {number}: 'ringwell prompts versions' shows them")
        return found

    async def draft(self, prompt: PromptEntry, number: int) -> Version:
        """A version of this prompt that is not kept yet."""
        found = await self.version(number)
        if found.prompt != prompt.id or found.state != prompts.DRAFT:
            raise UnknownPromptError(
                f"prompt {prompt.name} has no draft {number}: 'ringwell prompts versions {prompt.name}' "
                "shows what it has, and 'ringwell prompts rollback' plays what was kept"
            )
        return found

    async def keep(self, draft: Version) -> None:
        """A draft is played from now on."""
        if not await self._store.run(prompts.keep, self._clinic, draft.id, self._store.clock()):
            raise UnknownPromptError(f"draft {draft.id} is not there any more")

    async def played(self, prompt: PromptEntry, language: str) -> Version:
        """The version of a prompt that is played."""
        for version in await self._store.read(prompts.versions, self._clinic, prompt.id):
            if version.active and version.language == language:
                return version
        raise UnknownPromptError(f"prompt {prompt.name} is not recorded in '{language}'")

    async def roll_back(self, prompt: PromptEntry, language: str, to: int | None = None) -> Version:
        """An earlier version is played again: the one before, or the one with this number."""
        every = await self._store.read(prompts.versions, self._clinic, prompt.id)
        kept = [one for one in every if one.state == prompts.KEPT and one.language == language]
        if to is None:
            now = next((place for place, one in enumerate(kept) if one.active), -1)
            earlier = kept[now + 1 : now + 2]
        else:
            earlier = [one for one in every if one.id == to and one.state == prompts.KEPT]
        if not earlier:
            wanted = f"version {to}" if to is not None else f"earlier version in '{language}'"
            raise UnknownPromptError(f"prompt {prompt.name} has no {wanted} that was kept")
        await self._store.run(prompts.activate, self._clinic, earlier[0].id)
        return earlier[0]

    async def label(self, version: int, label: str) -> None:
        """Give a version a name."""
        if not await self._store.run(prompts.describe, self._clinic, version, label):
            raise UnknownPromptError(f"there is no version {version}")

    async def staff(self, who: str) -> StaffRow:
        """A member of staff by user number or by the id of the practice system."""
        everybody = await self._store.read(pins.staff_list, self._clinic)
        for same in (lambda one: one.number == who, lambda one: one.external_id == who):
            if found := next(filter(same, everybody), None):
                return found
        raise UnknownPromptError(
            f"there is no member of staff {who[:40]!r}: 'ringwell staff list' shows them"
        )

    async def ask(self, who: str, prompt: PromptEntry, language: str = "") -> StaffRow:
        """Ask somebody to record a prompt the next time they dial the studio."""
        row = await self.staff(who)
        now = self._store.clock()
        tongue = language or row.language
        await self._store.run(prompts.ask, self._clinic, prompt.id, tongue, row.staff, now)
        return row
