"""Renderers as the channels take them: what can never be rendered is told apart from machine trouble."""

from __future__ import annotations

import logging
import tomllib
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.documents.errors import BadDocumentError
from gateway.documents.fax import FaxRenderer, Sender
from gateway.documents.logo import logo_of
from gateway.domain import ContentError, FaxImage, FaxLetter, Prompt, RingwellError, Speech
from gateway.settings import Settings, cache_folder
from gateway.wording.covers import covers
from gateway.wording.names import Sayings, table_of
from voices.errors import PromptAwayError, PromptError, SpeechError, VoiceMissingError
from voices.library import Limits, VoiceLibrary
from voices.prompts import KeptPrompts


def library_of(settings: Settings, kept: KeptPrompts | None = None) -> VoiceLibrary:
    """The library of this installation; `kept` are the prompts of the studio. Close it after use."""
    voice = settings.voice
    return VoiceLibrary(
        cache_folder() / "sounds",
        voice.prompts.expanduser() if voice.prompts else None,
        voice.workers,
        models=voice.models.expanduser() if voice.models else None,
        limits=Limits(cache_bytes=voice.cache_mb * 1_000_000),
        kept=kept,
    )


log = logging.getLogger(__name__)


class NamesError(RingwellError):
    """The list of how names are said cannot be read; the message says why."""


def sayings_of(settings: Settings) -> Sayings:
    """How the clinic says names, from the file that the settings name; NamesError says what is wrong."""
    if settings.voice.names is None:
        return {}
    file = settings.voice.names.expanduser()
    try:
        tables = tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        log.warning("there is no list of names at %s (setting voice.names)", file)
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise NamesError(f"setting voice.names: cannot read {file}: {error}") from error
    for language, table in tables.items():
        entries = table.values() if isinstance(table, dict) else [table]
        if not all(isinstance(said, str) for said in entries) or not isinstance(table, dict):
            raise NamesError(f'{file}: [{language}] must hold lines like "Nguyen" = "Win"')
    return {language: table_of(table) for language, table in tables.items()}


def speech(
    library: VoiceLibrary,
) -> Callable[[tuple[Speech | Prompt, ...]], Awaitable[tuple[Path, ...]]]:
    """The library's `render`, with its lasting errors as ContentError; what is away may come back."""

    async def render(parts: tuple[Speech | Prompt, ...]) -> tuple[Path, ...]:
        try:
            return await library.render(parts)
        except PromptAwayError:
            raise
        except (PromptError, SpeechError, VoiceMissingError) as error:
            raise ContentError(str(error)) from error

    return render


def telefax(renderer: FaxRenderer) -> Callable[[FaxLetter], Awaitable[FaxImage]]:
    """The fax renderer, with an unusable document as ContentError."""

    async def render(letter: FaxLetter) -> FaxImage:
        try:
            return await renderer.render(letter)
        except BadDocumentError as error:
            raise ContentError(str(error)) from error

    return render


def fax_renderer(settings: Settings) -> FaxRenderer:
    """What turns letters of this clinic into fax pages; TemplateError or DocumentError for a wrong cover."""
    clinic, fax = settings.clinic, settings.fax
    zone = ZoneInfo(clinic.zone)
    sender = Sender(
        clinic.name,
        clinic.callback,
        fax.station_id,
        clinic.language,
        covers(fax.covers),
        clinic.address_lines,
        logo_of(Path(clinic.logo)) if clinic.logo else b"",
    )
    return FaxRenderer(
        cache_folder() / "faxes",
        sender,
        lambda: datetime.now(zone).date(),
        max_pages=fax.max_pages,
        fine=fax.resolution == "fine",
    )
