"""The pages of a letter: its cover, and its text. Workers only."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator

from PIL import Image
from pypdfium2 import PdfPage

from gateway.documents.errors import BadDocumentError, too_long
from gateway.documents.job import PAGES, Cover
from gateway.documents.sheet import BOTTOM, INNER_WIDTH, MARGIN, PAGE_HEIGHT, TOP, Sheets, printable

_SIZE, _LEADING = 12.0, 16.0
_HEADING = 15.0
LINES = int((PAGE_HEIGHT - TOP - BOTTOM) / _LEADING)
LONGEST_TEXT = 1_000_000

# A logo is as high as two lines of the letterhead, and no wider than a third of the page.
_LOGO_HIGH, _LOGO_WIDE = 48.0, 160.0


def set_text(sheets: Sheets, subject: str, text: str, most: int) -> None:
    """Add the pages of a text with its subject above; BadDocumentError beyond `most` pages."""
    if len(text) + len(subject) > LONGEST_TEXT:
        raise BadDocumentError(f"a letter of {len(text)} characters is too long to fax: split it")
    if not (text.strip() or subject.strip()):
        raise BadDocumentError("a letter without a word cannot be faxed")
    lines = list(_lines(sheets, subject, text))
    pages = [lines[start : start + LINES] for start in range(0, len(lines), LINES)]
    if len(pages) > most:
        raise BadDocumentError(too_long(len(pages), most))
    for held in pages:
        page = sheets.page()
        for place, (line, bold) in enumerate(held, 1):
            if line:
                sheets.put(page, line, MARGIN, TOP + place * _LEADING, _HEADING if bold else _SIZE, bold)
        page.gen_content()


def _lines(sheets: Sheets, subject: str, text: str) -> Iterator[tuple[str, bool]]:
    used = 0
    if subject.strip():
        for line in sheets.wrapped(" ".join(printable(subject).split()), _HEADING, bold=True):
            used += 1
            yield line, True
        used += 1
        yield "", False
    sections = printable(text.replace("\r\n", "\n").replace("\r", "\n")).strip("\n").split("\f")
    for number, section in enumerate(sections):
        if number:
            # A form feed starts a new page.
            for _ in range(-used % LINES):
                used += 1
                yield "", False
        for paragraph in section.split("\n"):
            for line in sheets.wrapped(paragraph.rstrip(), _SIZE):
                used += 1
                yield line, False


def set_cover(sheets: Sheets, cover: Cover, pages: int) -> None:
    """Add the cover page: thin lines and little ink, since black areas take long to send."""
    page = sheets.page()
    down = _set_letterhead(sheets, page, cover) + 44
    sheets.put(page, _one_line(cover.heading), MARGIN, down, 30, bold=True)
    sheets.rule(page, down + 18)
    down += 50
    for name, value in cover.rows:
        sheets.put(page, _one_line(name), MARGIN, down, 13)
        for line in sheets.wrapped(_one_line(value.replace(PAGES, str(pages))), 14, bold=True, width=360):
            sheets.put(page, line, MARGIN + 110, down, 14, bold=True)
            down += 24
    sheets.rule(page, down + 4)
    sheets.put(page, _one_line(cover.notice_heading), MARGIN, down + 36, 14, bold=True)
    down += 60
    for paragraph in cover.notice:
        for line in sheets.wrapped(printable(paragraph.replace(PAGES, str(pages))), 12):
            sheets.put(page, line, MARGIN, down, 12)
            down += 17
        down += 7
    page.gen_content()


def _set_letterhead(sheets: Sheets, page: PdfPage, cover: Cover) -> float:
    """The logo and the lines beside it; how far down they reach."""
    left, down = MARGIN, TOP + 14
    if cover.logo:
        with Image.open(io.BytesIO(base64.b64decode(cover.logo)), formats=("PNG",)) as logo:
            scale = min(_LOGO_HIGH / logo.height, _LOGO_WIDE / logo.width)
            sheets.picture(page, logo, MARGIN, TOP, logo.width * scale)
            left += logo.width * scale + 14
    for number, line in enumerate(cover.letterhead):
        first = number == 0
        for part in sheets.wrapped(_one_line(line), 14 if first else 11, first, INNER_WIDTH + MARGIN - left):
            sheets.put(page, part, left, down, 14 if first else 11, bold=first)
            down += 16
    return max(down, TOP + _LOGO_HIGH) if cover.logo else down


def _one_line(value: str) -> str:
    return " ".join(printable(value[:200]).split())
