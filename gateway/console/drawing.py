"""A QR code as SVG, without scripts or styles of its own."""

from __future__ import annotations

import segno
from markupsafe import Markup


def qr_code(text: str) -> Markup:
    """The drawing; dark on light, so that every camera reads it in dark mode too."""
    drawing = segno.make(text, error="m").svg_inline(scale=5, dark="#000", light="#fff", border=4)
    return Markup(drawing)
