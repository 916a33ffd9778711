"""The pages of a letter: its cover, and its text. Workers only."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace

from gateway.documents.errors import BadDocumentError
from gateway.documents.job import Cover
from gateway.documents.sheet import BOTTOM, MARGIN, PAGE_HEIGHT, TOP, Sheets, printable

_SIZE, _LEADING = 12.0, 16.0
_HEADING = 15.0
LINES = int((PAGE_HEIGHT - TOP - BOTTOM) / _LEADING)
LONGEST_TEXT = 1_000_000

_NOTICE = (
    "The pages that follow may hold health information that the law protects. They are meant only for "
    "the person named above.",
    "If this fax reached you by mistake, please do not read, copy or pass it on. Call {callback} at once "
    "so that it does not happen again, and destroy every page.",
)


def set_text(sheets: Sheets, subject: str, text: str, most: int) -> None:
    """Add the pages of a text with its subject above; BadDocumentError beyond `most` pages."""
    if len(text) + len(subject) > LONGEST_TEXT:
        raise BadDocumentError(f"a letter of {len(text)} characters is too long to fax")
    if not (text.strip() or subject.strip()):
        raise BadDocumentError("a letter without a word cannot be faxed")
    lines = list(_lines(sheets, subject, text))
    pages = [lines[start : start + LINES] for start in range(0, len(lines), LINES)]
    if len(pages) > most:
        raise BadDocumentError(f"a letter of {len(pages)} pages is longer than the {most} that are allowed")
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
    cover = replace(cover, **{field.name: _one_line(getattr(cover, field.name)) for field in fields(cover)})
    page = sheets.page()
    sheets.put(page, "Fax", MARGIN, TOP + 40, 30, bold=True)
    sheets.rule(page, TOP + 58)
    down = TOP + 90
    for name, value in _rows(cover, pages):
        sheets.put(page, name, MARGIN, down, 13)
        for line in sheets.wrapped(value, 14, bold=True, width=360):
            sheets.put(page, line, MARGIN + 110, down, 14, bold=True)
            down += 24
    sheets.rule(page, down + 4)
    sheets.put(page, "Confidential", MARGIN, down + 36, 14, bold=True)
    down += 60
    # A telephone number stays on one line.
    callback = cover.callback.replace(" ", "\u00a0")
    for paragraph in _NOTICE:
        for line in sheets.wrapped(paragraph.format(callback=callback), 12):
            sheets.put(page, line, MARGIN, down, 12)
            down += 17
        down += 7
    page.gen_content()


def _rows(cover: Cover, pages: int) -> Iterator[tuple[str, str]]:
    yield "To", cover.to_name
    if cover.to_number:
        yield "Fax", cover.to_number
    yield "From", cover.clinic
    if cover.callback:
        yield "Phone", cover.callback
    if cover.station:
        yield "Fax", cover.station
    yield "Date", cover.sent_on
    yield "Pages", f"{pages} (this one included)"


def _one_line(value: str) -> str:
    return " ".join(printable(value[:200]).split())
