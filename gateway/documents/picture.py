"""Pictures (PNG, JPEG, TIFF) as fax pages; looked at before they are decoded. Workers only."""

from __future__ import annotations

import io
from collections.abc import Iterator

from PIL import Image, ImageOps, UnidentifiedImageError
from PIL.Image import Resampling

from gateway.documents.errors import BadDocumentError
from gateway.documents.raster import LONGEST_INCHES, dithered_sheet
from gateway.documents.tiff import FINE_DPI, STANDARD_DPI, WIDTH, X_DPI

_KINDS = ("PNG", "JPEG", "TIFF")
# Legal at 600 dpi has 43 million; in colour that is what the worker's memory holds.
MOST_PIXELS = 50_000_000
_MOST_FRAMES = 500


class Picture:
    """A picture file that is open; TIFF may hold several pages."""

    def __init__(self, data: bytes) -> None:
        """Raises BadDocumentError for what is no picture, or one too large to be decoded."""
        # Our own limit below is told in words; Pillow's would be a warning.
        Image.MAX_IMAGE_PIXELS = None
        try:
            self._image = Image.open(io.BytesIO(data), formats=_KINDS)
        except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
            raise BadDocumentError(
                "the document to fax cannot be read: it is no PDF, PNG, JPEG or TIFF; save it as a PDF"
            ) from error

    def __len__(self) -> int:
        count: int = getattr(self._image, "n_frames", 1)
        return min(count, _MOST_FRAMES)

    def pages(self, fine: bool) -> Iterator[Image.Image]:
        """Each page in black and white, 1728 wide."""
        for number in range(len(self)):
            try:
                self._image.seek(number)
                self._check_size()
                yield _page(self._image, fine)
            except (OSError, ValueError, SyntaxError) as error:
                raise BadDocumentError(
                    f"page {number + 1} of the picture to fax is damaged: scan or save it again"
                ) from error

    def _check_size(self) -> None:
        width, height = self._image.size
        if width * height > MOST_PIXELS:
            raise BadDocumentError(
                f"the picture to fax has {width} by {height} pixels: scan it at 300 dpi, or make it smaller"
            )


def _page(image: Image.Image, fine: bool) -> Image.Image:
    if image.format == "JPEG":
        # Decoded at a fraction of its size, which is all that a fax shows.
        image.draft("L", (WIDTH, WIDTH))
    grey = ImageOps.exif_transpose(_on_white(image))
    if grey.width > grey.height * 1.2:
        grey = grey.rotate(90, expand=True)
    scale = min(WIDTH / grey.width, LONGEST_INCHES * X_DPI / grey.height)
    dpi = FINE_DPI if fine else STANDARD_DPI
    size = max(1, round(grey.width * scale)), max(1, round(grey.height * scale * dpi / X_DPI))
    return dithered_sheet(grey.resize(size, Resampling.BOX if grey.width > size[0] else Resampling.BICUBIC))


def _on_white(image: Image.Image) -> Image.Image:
    """In greys; what is transparent is paper."""
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("LA")
        paper = Image.new("L", seen.size, 255)
        paper.paste(seen.getchannel("L"), mask=seen.getchannel("A"))
        paper.info = dict(image.info)
        return paper
    if image.mode.startswith("I"):
        # 16 bits a pixel: Pillow would cut what is above 255 off.
        return image.convert("I").point(lambda grey: grey * (1 / 256)).convert("L")
    return image.convert("L")
