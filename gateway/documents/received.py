"""A fax that came in becomes a PDF."""

from __future__ import annotations

import io
import os
import struct
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from warnings import catch_warnings, filterwarnings

from gateway.documents.errors import BadDocumentError, RenderingError
from gateway.documents.tiff import FINE_DPI, X_DPI

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

# More pages than any machine sends in the time that a call is given.
MOST_PAGES = 1000
_WHAT = "a fax that came in"
# What Pillow raises for files that are cut off or scribbled on.
_DAMAGED = (OSError, EOFError, SyntaxError, ValueError, LookupError, TypeError, UserWarning, struct.error)

# Changes a page, given its number from 1.
Dress = Callable[["Image", int], "Image"]


@dataclass(frozen=True, slots=True)
class Kept:
    """Pages that are in the PDF; not `whole`: the file ended in the middle of another one."""

    pages: int
    whole: bool


def keep_as_pdf(tiff: Path, pdf: Path, dress: Dress = lambda page, number: page) -> Kept:
    """Write the pages of a TIFF-F, each `dress`ed, as a PDF that is whole or not there. Touches the disk.

    Raises BadDocumentError for a file without readable pages, RenderingError for what may pass: a disk that
    does not give or take it, too many files open.
    """
    part = pdf.with_suffix(".part")
    try:
        octets = _octets(tiff)
        pdf.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        part.unlink(missing_ok=True)
        part.touch(mode=0o600)
        with catch_warnings():
            # A directory that is cut off is but a warning, and looks like the last one.
            filterwarnings("error", category=UserWarning, module=r"PIL\.TiffImagePlugin")
            kept = _append(octets, part, dress)
        with part.open("rb") as written:
            os.fsync(written.fileno())
        part.replace(pdf)
    except OSError as error:
        raise RenderingError(f"{_WHAT} cannot be kept: {error.strerror}") from error
    except MemoryError as error:
        raise RenderingError(f"{_WHAT} cannot be kept: there is no memory left") from error
    finally:
        with suppress(OSError):
            part.unlink()
    return kept


def _octets(tiff: Path) -> bytes:
    """All of the file: once it is read, whatever fails is the file's fault and not the disk's.

    A line brings some 15 MB in an hour.
    """
    try:
        return tiff.read_bytes()
    except FileNotFoundError as error:
        raise BadDocumentError(f"{_WHAT} is not there") from error


def _append(octets: bytes, pdf: Path, dress: Dress) -> Kept:
    # Loaded when needed: faxes that come in are few.
    from PIL import Image

    try:
        file = Image.open(io.BytesIO(octets), formats=("TIFF",))
    except _DAMAGED as error:
        raise BadDocumentError(f"{_WHAT} cannot be read ({type(error).__name__})") from error
    with file:
        # One at a time: a page takes four megabytes in memory.
        for number in range(MOST_PAGES):
            try:
                page = _page(file, number)
            except _DAMAGED as error:
                if number:
                    return Kept(number, whole=False)
                raise BadDocumentError(f"{_WHAT} cannot be read ({type(error).__name__})") from error
            if page is None:
                return Kept(number, whole=True)
            # Pages of standard resolution have half as many lines as dots.
            dpi = tuple(float(one) for one in file.info.get("dpi", (X_DPI, FINE_DPI)))
            dress(page, number + 1).save(pdf, "PDF", append=number > 0, dpi=dpi)
    return Kept(MOST_PAGES, whole=False)


def _page(file: ImageFile, number: int) -> Image | None:
    """One page, None after the last; what is damaged raises."""
    try:
        file.seek(number)
    except EOFError:
        return None
    return file.convert("1")
