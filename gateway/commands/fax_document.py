"""A document to be faxed: looked at before anybody gets it, and kept with the gateway."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from gateway.documents.fax import check_size
from gateway.documents.kept_files import keep
from gateway.domain import Broadcast, Channel, FaxImage, FaxLetter, RingwellError
from gateway.rendering import fax_renderer
from gateway.settings import Settings


class FaxDocumentError(RingwellError):
    """A document cannot be faxed; the message says why."""


async def with_document(settings: Settings, wanted: Broadcast, file: Path) -> tuple[Broadcast, FaxImage]:
    """The broadcast with the document in place of its fax text, and what each fax will look like.

    Raises FaxDocumentError or DocumentError. The file is copied: it may be moved or changed afterwards.
    """
    kept, is_new = await asyncio.to_thread(_keep, settings.folder / "documents", file)
    try:
        image = await fax_renderer(settings).render(FaxLetter("", "", document=kept, to_number=""))
    except BaseException:
        # A broadcast before may still need what was there.
        if is_new:
            kept.unlink(missing_ok=True)
        raise
    texts = {name: dict(fields) for name, fields in wanted.templates.items()}
    texts[Channel.FAX.value]["document"] = str(kept)
    return replace(wanted, templates=texts), image


def _keep(folder: Path, file: Path) -> tuple[Path, bool]:
    """The copy, and whether it is a new one."""
    # Before a byte is read: it may have gigabytes.
    check_size(file)
    try:
        return keep(folder, file.read_bytes())
    except OSError as error:
        raise FaxDocumentError(f"cannot keep {file}: {error.strerror}") from error
