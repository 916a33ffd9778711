"""Sheets of US Letter that words are set on, in the two typefaces that PDFium brings. Workers only."""

from __future__ import annotations

import ctypes
import unicodedata
from collections.abc import Iterator
from functools import cache
from types import TracebackType
from typing import Self

import pypdfium2
from PIL.Image import Image
from pypdfium2 import raw

from gateway.documents.errors import BadDocumentError

# Points, 72 to the inch. The top is left free: the fax software prints its header line there.
PAGE_WIDTH, PAGE_HEIGHT = 612.0, 792.0
MARGIN, TOP, BOTTOM = 63.0, 60.0, 60.0
INNER_WIDTH = PAGE_WIDTH - 2 * MARGIN
_FACES = {False: b"Helvetica", True: b"Helvetica-Bold"}
# Letters without accents that Unicode does not take apart, and other kinds of common signs.
_ALIKE = str.maketrans("łŁđĐıħĦŧŦ−‐‑‒―‛′″", "lLdDihHtT----—''\"", "\u00ad\u200b\u200c\u200d\u2060\ufeff")


def printable(text: str) -> str:
    """The text in letters that can be printed: others lose their accents, or BadDocumentError."""
    return "".join(map(_printable, unicodedata.normalize("NFC", text).translate(_ALIKE)))


@cache
def _printable(mark: str) -> str:
    if mark in "\n\f" or _has_glyph(mark):
        return mark
    if mark == "\t":
        return "    "
    plain = unicodedata.normalize("NFKD", mark)
    folded = "".join(part for part in plain if not unicodedata.combining(part))
    if folded and all(map(_has_glyph, folded)):
        return folded
    if unicodedata.category(mark) == "Cc":
        raise BadDocumentError("a letter to fax holds a control character")
    raise BadDocumentError(
        f"a letter to fax holds a sign that cannot be printed ({unicodedata.name(mark, hex(ord(mark)))}): "
        "send it as a PDF"
    )


def _has_glyph(mark: str) -> bool:
    try:
        mark.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return unicodedata.category(mark) != "Cc"


class Sheets:
    """A document that is being set, page after page; text must be `printable`."""

    def __init__(self) -> None:
        self.document = pypdfium2.PdfDocument.new()
        self._fonts = {
            bold: raw.FPDFText_LoadStandardFont(self.document.raw, name) for bold, name in _FACES.items()
        }
        self._widths: dict[tuple[str, bool], float] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for font in self._fonts.values():
            raw.FPDFFont_Close(font)
        self.document.close()

    def page(self) -> pypdfium2.PdfPage:
        """A new page at the end; call `gen_content` on it when everything is set."""
        return self.document.new_page(PAGE_WIDTH, PAGE_HEIGHT)

    def put(
        self, page: pypdfium2.PdfPage, words: str, x: float, down: float, size: float, bold: bool = False
    ) -> None:
        """Set a line with its baseline `down` points below the top."""
        line = raw.FPDFPageObj_CreateTextObj(self.document.raw, self._fonts[bold], size)
        coded = ctypes.create_string_buffer(words.encode("utf-16-le") + b"\0\0")
        raw.FPDFText_SetText(line, ctypes.cast(coded, ctypes.POINTER(ctypes.c_ushort)))
        raw.FPDFPageObj_Transform(line, 1, 0, 0, 1, x, PAGE_HEIGHT - down)
        raw.FPDFPage_InsertObject(page.raw, line)

    def rule(self, page: pypdfium2.PdfPage, down: float) -> None:
        """A thin line from margin to margin."""
        path = raw.FPDFPageObj_CreateNewPath(MARGIN, PAGE_HEIGHT - down)
        raw.FPDFPath_LineTo(path, PAGE_WIDTH - MARGIN, PAGE_HEIGHT - down)
        raw.FPDFPageObj_SetStrokeWidth(path, 0.75)
        raw.FPDFPageObj_SetStrokeColor(path, 0, 0, 0, 255)
        raw.FPDFPath_SetDrawMode(path, 0, True)
        raw.FPDFPage_InsertObject(page.raw, path)

    def picture(self, page: pypdfium2.PdfPage, picture: Image, x: float, down: float, wide: float) -> None:
        """Set a picture of this width with its upper edge `down` points below the top."""
        image = pypdfium2.PdfImage.new(self.document)
        image.set_bitmap(pypdfium2.PdfBitmap.from_pil(picture))
        high = wide * picture.height / picture.width
        image.set_matrix(pypdfium2.PdfMatrix().scale(wide, high).translate(x, PAGE_HEIGHT - down - high))
        page.insert_obj(image)

    def width(self, words: str, size: float, bold: bool = False) -> float:
        """How wide a line becomes, in points."""
        return sum(self._advance(mark, bold) for mark in words) * size

    def _advance(self, mark: str, bold: bool) -> float:
        if (mark, bold) not in self._widths:
            found = ctypes.c_float()
            raw.FPDFFont_GetGlyphWidth(self._fonts[bold], ord(mark), 1.0, ctypes.byref(found))
            self._widths[mark, bold] = found.value
        return self._widths[mark, bold]

    def wrapped(
        self, text: str, size: float, bold: bool = False, width: float = INNER_WIDTH
    ) -> Iterator[str]:
        """The lines of one paragraph; words that are wider than a line are broken."""
        line = ""
        for word in text.split(" "):
            longer = f"{line} {word}" if line else word
            if self.width(longer, size, bold) <= width:
                line = longer
                continue
            if line:
                yield line
            *full, line = self._broken(word, size, bold, width)
            yield from full
        yield line

    def _broken(self, word: str, size: float, bold: bool, width: float) -> list[str]:
        parts, part, used = [], "", 0.0
        for mark in word:
            advance = self._advance(mark, bold) * size
            if part and used + advance > width:
                parts.append(part)
                part, used = "", 0.0
            part, used = part + mark, used + advance
        return [*parts, part]
