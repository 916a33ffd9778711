"""A document to be faxed: looked at before anybody gets it, and kept with the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import os
from dataclasses import replace
from pathlib import Path

from gateway.domain import Broadcast, Channel, FaxLetter, RingwellError
from gateway.lines import fax_renderer
from gateway.settings import Settings


class FaxDocumentError(RingwellError):
    """A document cannot be faxed; the message says why."""


async def with_document(settings: Settings, wanted: Broadcast, file: Path) -> tuple[Broadcast, int]:
    """The broadcast with the document in place of its fax text, and how many pages each fax will have.

    Raises FaxDocumentError or DocumentError. The file is copied: it may be moved or changed afterwards.
    """
    kept = await asyncio.to_thread(_keep, settings.folder / "documents", file)
    renderer = fax_renderer(settings)
    image = await renderer.render(FaxLetter("", "", document=kept, to_number=""))
    texts = {name: dict(fields) for name, fields in wanted.templates.items()}
    texts[Channel.FAX.value]["document"] = str(kept)
    return replace(wanted, templates=texts), image.pages


def _keep(folder: Path, file: Path) -> Path:
    try:
        octets = file.read_bytes()
    except OSError as error:
        raise FaxDocumentError(f"cannot read {file}: {error.strerror}") from error
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    kept = folder / hashlib.sha256(octets).hexdigest()
    if not kept.exists():
        draft = kept.with_suffix(".part")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as copy:
            copy.write(octets)
        draft.replace(kept)
    return kept
