"""A message as an invented recipient gets it: a text with its segments, a letter, pages, a call."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway import wording
from gateway.console.previews import Previews
from gateway.domain import (
    Channel,
    ContentError,
    FaxLetter,
    Mail,
    MessageType,
    Parts,
    Prompt,
    Script,
    Speech,
    Text,
)
from gateway.example import example, said_of, versions
from gateway.lengths import Length, length_of
from gateway.proving import fax_folder
from gateway.rendering import fax_renderer, sayings_of
from gateway.settings import Settings
from voices import wav
from voices.library import VoiceLibrary

# Parts begin with the marks that end what was before them.
_BEFORE_MARK = re.compile(r" (?=[.,;:!?])")
_FAX = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, slots=True)
class Version:
    """What one listener of a call hears: its parts, and the sound of all of them once it was made."""

    name: str
    words: tuple[str, ...]
    seconds: float = 0.0
    sound: str = ""
    trouble: str = ""

    @property
    def told(self) -> str:
        """All its words as one text."""
        return _BEFORE_MARK.sub("", " ".join(self.words))


@dataclass(frozen=True, slots=True)
class Sample:
    """What is shown; of each channel what it has. `whole`: pages and sounds were made."""

    channel: Channel
    text: str = ""
    length: Length | None = None
    trouble: str = ""
    subject: str = ""
    letter: str = ""
    fax: str = ""
    pages: int = 0
    versions: tuple[Version, ...] = ()
    whole: bool = False


class Samples:
    """Makes them, by the settings in force."""

    def __init__(self, settings: Settings, library: VoiceLibrary, previews: Previews) -> None:
        self._settings, self._library, self._previews = settings, library, previews

    async def of(
        self,
        texts: Mapping[str, Mapping[str, str]],
        type: MessageType,
        channel: Channel,
        columns: Sequence[str] = (),
        whole: bool = False,
    ) -> Sample:
        """The message on a channel; pages and sounds only when asked for: they take a moment.

        RingwellError says why it cannot be had.
        """
        language = self._settings.clinic.language
        known = example(texts, type, self._settings, language, columns=columns)
        content = wording.compose(known, channel, self._settings.clinic, sayings_of(self._settings))
        match content:
            case Text(body=body):
                return self._text(body)
            case Mail():
                return await self._mail(content)
            case FaxLetter():
                return await self._fax(content, whole)
            case Script():
                return await self._call(content, whole)
        raise ContentError("this cannot be shown")

    def _text(self, body: str) -> Sample:
        try:
            return Sample(Channel.SMS, body, length_of(body, self._settings))
        except ContentError as error:
            return Sample(Channel.SMS, body, trouble=str(error))

    async def _mail(self, mail: Mail) -> Sample:
        page = mail.html.encode()
        name = await asyncio.to_thread(self._previews.keep, page, "html", lambda part: _write(part, page))
        return Sample(Channel.EMAIL, mail.text, subject=mail.subject, letter=name)

    async def _fax(self, fax: FaxLetter, whole: bool) -> Sample:
        if not whole:
            return Sample(Channel.FAX, fax.text, subject=fax.subject)
        image = await fax_renderer(self._settings).render(fax)
        return Sample(Channel.FAX, fax.text, None, "", fax.subject, "", image.tiff.stem, image.pages)

    async def _call(self, script: Script, whole: bool) -> Sample:
        found = [
            await self._version(name, parts) if whole else Version(name, tuple(map(_words, parts)))
            for name, parts in versions(script)
        ]
        return Sample(Channel.VOICE, versions=tuple(found), whole=whole)

    async def _version(self, name: str, parts: Parts) -> Version:
        said = [await said_of(self._library, name, part) for part in parts]
        words = tuple(one.words for one in said)
        if trouble := next((one.trouble for one in said if one.trouble), ""):
            return Version(name, words, trouble=trouble)
        return Version(name, words, sum(one.seconds for one in said), await self._sound(parts))

    async def _sound(self, parts: Parts) -> str:
        files = await self._library.render(parts)
        told = "\n".join(file.name for file in files).encode()
        return await asyncio.to_thread(self._previews.keep, told, "wav", lambda part: wav.join(files, part))

    @staticmethod
    def fax_file(name: str) -> Path | None:
        """A fax that was rendered, by the name in its address."""
        file = fax_folder() / f"{name}.tiff"
        return file if _FAX.fullmatch(name) and file.is_file() else None


def _words(part: Speech | Prompt) -> str:
    return part.text if isinstance(part, Speech) else f"[prompt:{part.name}]"


def _write(part: Path, octets: bytes) -> None:
    part.write_bytes(octets)
