"""Pages of a fax of ours as pictures for a screen."""

from __future__ import annotations

import io
from pathlib import Path

from gateway.documents.errors import DocumentError

_DOTS = 864


def page_png(tiff: Path, number: int) -> bytes:
    """A page (from 1) of a file that was rendered here, as PNG. Blocks; DocumentError when there is none."""
    from PIL import Image

    try:
        with Image.open(tiff) as pages:
            pages.seek(number - 1)
            page = pages.convert("L")
            across, down = (float(one) for one in pages.info.get("dpi", (204, 196)))
        height = round(_DOTS * (page.height / down) / (page.width / across))
        held = io.BytesIO()
        page.resize((_DOTS, height), Image.Resampling.LANCZOS).save(held, "PNG")
        return held.getvalue()
    except (OSError, EOFError, SyntaxError, ValueError) as error:
        raise DocumentError(f"the page cannot be shown ({type(error).__name__})") from error
