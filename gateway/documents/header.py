"""The header line that the fax software (spandsp) prints above each page: drawn alike for previews.

Its words, its place and its size are spandsp's; the letters are another typeface.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

# Each letter has a square of dots; the page grows by the line. At standard resolution rows are half as many.
_CELL, _ROWS = 16, 32
_SIZE = 26
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def header_line(sender: str, station: str, at: datetime, page: int) -> str:
    """The words above a page; `at` in the time of the exchange's machine."""
    day = f"{at.day:2}-{_MONTHS[at.month - 1]}-{at.year}  {at:%H:%M}"
    return f"  {day}    {sender:<50} {station:<21}   p.{page}"


def with_header(page: Image, words: str, fine: bool) -> Image:
    """The page with the line above it."""
    # Loaded when needed, as everywhere in the gateway's own process.
    from PIL import Image, ImageDraw, ImageFont

    line = Image.new("1", (page.width, _ROWS), 1)
    pen, font = ImageDraw.Draw(line), ImageFont.load_default(_SIZE)
    for place, letter in enumerate(words):
        pen.text((place * _CELL + _CELL / 2, _ROWS - 8), letter, fill=0, font=font, anchor="ms")
    if not fine:
        line = line.resize((page.width, _ROWS // 2), Image.Resampling.NEAREST)
    whole = Image.new("1", (page.width, line.height + page.height), 1)
    whole.paste(line, (0, 0))
    whole.paste(page, (0, line.height))
    return whole
