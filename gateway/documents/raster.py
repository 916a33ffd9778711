"""Pages of a PDF as fax pages: any size is fitted to the width, two colours. Workers only."""

from __future__ import annotations

import pypdfium2
from PIL import Image
from PIL.Image import Dither, Resampling

from gateway.documents.errors import BadDocumentError
from gateway.documents.tiff import FINE_DPI, STANDARD_DPI, WIDTH, X_DPI

# Fax machines take long pages, but not endless ones: 14.5 inches, a little more than Legal.
LONGEST_INCHES = 14.5
# Greys beyond these are paper or ink, so that letters have clean edges; those between are dithered.
_INK, _PAPER = 96, 200
_GREYS = [min(255, max(0, round((grey - _INK) * 255 / (_PAPER - _INK)))) for grey in range(256)]
_EDGE = 150
_SHARP = [255 if grey > _EDGE else 0 for grey in range(256)]


def fax_page(page: pypdfium2.PdfPage, fine: bool, dithered: bool) -> Image.Image:
    """A page in black and white, 1728 wide."""
    width, height = page.get_size()
    if not (0.1 < width < 1e6 and 0.1 < height < 1e6):
        raise BadDocumentError(
            f"a page of the PDF measures {width:g} by {height:g} points: print it to a PDF on Letter or A4"
        )
    scale = min(WIDTH / width, LONGEST_INCHES * X_DPI / height)
    dpi = FINE_DPI if fine else STANDARD_DPI
    columns, rows = max(1, round(width * scale)), max(1, round(height * scale * dpi / X_DPI))
    grey = page.render(scale=scale, grayscale=True, draw_annots=True).to_pil().convert("L")
    grey = grey.resize((min(columns, WIDTH), rows), Resampling.BOX if not fine else Resampling.LANCZOS)
    if dithered:
        return dithered_sheet(grey)
    return _sheet(grey).point(_SHARP).convert("1", dither=Dither.NONE)


def dithered_sheet(grey: Image.Image) -> Image.Image:
    """A picture in greys, at most 1728 wide, as a fax page whose greys are dots."""
    return _sheet(grey).point(_GREYS).convert("1", dither=Dither.FLOYDSTEINBERG)


def _sheet(grey: Image.Image) -> Image.Image:
    sheet = Image.new("L", (WIDTH, grey.height), 255)
    sheet.paste(grey, ((WIDTH - grey.width) // 2, 0))
    return sheet
