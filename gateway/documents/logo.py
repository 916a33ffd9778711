"""The clinic's logo, as cover pages print it."""

from __future__ import annotations

import io
from pathlib import Path

from gateway.documents.errors import DocumentError

# Of the picture that is kept: about what a fax shows of it.
_LARGEST = (640, 240)
_MOST_PIXELS = 20_000_000


def logo_of(file: Path) -> bytes:
    """A PNG in greys of a PNG, JPEG or GIF; DocumentError names what is wrong. Touches the disk."""
    # Most clinics have none.
    from PIL import Image

    try:
        with Image.open(file.expanduser(), formats=("PNG", "JPEG", "GIF")) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise DocumentError(f"setting clinic.logo: {file} is too large: make it 600 pixels wide")
            seen = picture.convert("RGBA")
    except (OSError, SyntaxError, ValueError) as error:
        why = getattr(error, "strerror", None) or "it is no PNG, JPEG or GIF"
        raise DocumentError(f"setting clinic.logo: cannot read {file}: {why}") from error
    paper = Image.new("RGBA", seen.size, "white")
    paper.alpha_composite(seen)
    grey = paper.convert("L")
    grey.thumbnail(_LARGEST)
    held = io.BytesIO()
    grey.save(held, "PNG")
    return held.getvalue()
