"""The proof that a fax was delivered: one page as PDF, with a picture of the first page that arrived."""

from __future__ import annotations

import io
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from gateway.documents.errors import BadDocumentError, DocumentError

if TYPE_CHECKING:
    from PIL.Image import Image
    from pypdfium2 import PdfPage

    from gateway.documents.sheet import Sheets

# Of the picture, in dots and on the sheet, in points.
_DOTS = 480
_PICTURE_WIDTH = 240.0
_LABEL_WIDTH = 120.0
_GAP = 17.0
# PDFium is not made for threads.
_ONE = threading.Lock()


@dataclass(frozen=True, slots=True)
class Proof:
    """What it says: the clinic, a heading, lines of a name and a value; `picture`: a PNG where one is."""

    clinic: str
    heading: str
    lines: Sequence[tuple[str, str]]
    picture: Path | None = None
    no_picture: str = ""


def picture_of(tiff: Path) -> Path:
    """Where the picture of a fax's first page is kept."""
    return tiff.with_suffix(".png")


def keep_picture(tiff: Path) -> None:
    """Keep a small picture of the first page for the proof. Touches the disk; raises DocumentError."""
    from PIL import Image

    file = picture_of(tiff)
    # Two faxes of the same pages may end at the same moment.
    draft = file.with_name(f".{file.stem}.{secrets.token_hex(4)}.part")
    try:
        with Image.open(tiff) as pages:
            page = pages.convert("L")
            across, down = (float(one) for one in pages.info.get("dpi", (204, 196)))
        height = round(_DOTS * (page.height / down) / (page.width / across))
        page.resize((_DOTS, height), Image.Resampling.LANCZOS).save(draft, "PNG", optimize=True)
        draft.replace(file)
    except (OSError, SyntaxError, ValueError) as error:
        raise DocumentError(f"the picture of a fax cannot be kept ({type(error).__name__})") from error


def proof_pdf(proof: Proof) -> bytes:
    """The page as PDF; blocks for some milliseconds."""
    from gateway.documents.sheet import Sheets

    with _ONE, Sheets() as sheets:
        _set(sheets, proof)
        held = io.BytesIO()
        sheets.document.save(held)
        return held.getvalue()


def _set(sheets: Sheets, proof: Proof) -> None:
    from gateway.documents.sheet import INNER_WIDTH, MARGIN, TOP

    page = sheets.page()
    down = TOP + 20
    sheets.put(page, _safe(proof.clinic), MARGIN, down, 16, bold=True)
    down += 26
    sheets.put(page, _safe(proof.heading), MARGIN, down, 13)
    down += 10
    sheets.rule(page, down)
    down += 24
    for name, value in proof.lines:
        sheets.put(page, _safe(name), MARGIN, down, 11, bold=True)
        for line in sheets.wrapped(_safe(value), 11, width=INNER_WIDTH - _LABEL_WIDTH):
            sheets.put(page, line, MARGIN + _LABEL_WIDTH, down, 11)
            down += _GAP
    down += 12
    picture = _opened(proof.picture)
    if picture is None:
        sheets.put(page, _safe(proof.no_picture), MARGIN, down, 11)
    else:
        _place(sheets, page, picture, down)
    page.gen_content()


def _opened(file: Path | None) -> Image | None:
    from PIL import Image

    if file is None or not file.exists():
        return None
    with Image.open(file) as picture:
        return picture.convert("L")


def _place(sheets: Sheets, page: PdfPage, picture: Image, down: float) -> None:
    from gateway.documents.sheet import BOTTOM, MARGIN, PAGE_HEIGHT

    tall = _PICTURE_WIDTH * picture.height / picture.width
    scale = min(1.0, (PAGE_HEIGHT - BOTTOM - down) / tall)
    sheets.picture(page, picture, MARGIN, down, _PICTURE_WIDTH * scale)


def _safe(words: str) -> str:
    """In letters that can be printed; a name in another script gives way, the proof is still one."""
    from gateway.documents.sheet import printable

    try:
        return printable(words.replace("\n", " "))
    except BadDocumentError:
        return "".join(mark if mark.isascii() and mark.isprintable() else "?" for mark in words)
