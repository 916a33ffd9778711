"""The rest of a fax: its cover with a note, and the pages that the other side does not have yet."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.documents.errors import RenderingError
from gateway.documents.tiff import TiffWriter, count_pages
from gateway.domain import FaxImage
from gateway.wording.composing import fill
from gateway.wording.covers import SHIPPED

if TYPE_CHECKING:
    from PIL.Image import Image

_RESOLUTION = 283
_FINE = 150
# From the bottom, where covers leave room; in points of the page's width.
_NOTE_ABOVE, _NOTE_SIZE = 0.09, 44


def rest_of(whole: FaxImage, done: int) -> FaxImage:
    """What is missing of a fax when the first `done` pages after its cover arrived. Touches the disk."""
    file = whole.tiff.with_name(f"{whole.tiff.stem}-after-{done}.tif")
    try:
        if not file.exists():
            draft = file.with_suffix(f".{os.getpid()}")
            _write(whole, done, draft)
            draft.replace(file)
        return FaxImage(file, count_pages(file))
    except OSError as error:
        raise RenderingError(f"the rest of a fax cannot be written: {error.strerror}") from error


def _write(whole: FaxImage, done: int, file: Path) -> None:
    # Loaded when needed: most faxes arrive whole.
    from PIL import Image

    with Image.open(whole.tiff) as pages:
        fine = float(pages.tag_v2[_RESOLUTION]) > _FINE  # type: ignore[attr-defined]
        kept = range(done + 1, whole.pages)
        with TiffWriter(file, len(kept) + 1, fine) as written:
            cover = pages.convert("1")
            words = whole.continued or SHIPPED["en"].continued
            _note(cover, fill(words, {"First": str(done + 1), "Last": str(whole.pages - 1)}))
            written.add(cover)
            for number in kept:
                pages.seek(number)
                written.add(pages.convert("1"))


def _note(cover: Image, words: str) -> None:
    from PIL import ImageDraw, ImageFont

    # The typeface that Pillow brings has no accents.
    words = "".join(one for one in unicodedata.normalize("NFKD", words) if one.isascii())
    place = (cover.width // 10, int(cover.height * (1 - _NOTE_ABOVE)))
    ImageDraw.Draw(cover).text(place, words, fill=0, font=ImageFont.load_default(_NOTE_SIZE))
