"""How loud a telephone-rate recording is from moment to moment, as a drawing."""

from __future__ import annotations

import sys
from array import array
from pathlib import Path

from voices import wav

COLUMNS, HEIGHT = 240, 48
_LOUDEST = 32768
_QUIET = 0.05


def peaks(file: Path, columns: int = COLUMNS) -> list[float]:
    """The loudest sample of each column, from 0 to 1; WavError when the file cannot be played. Blocks."""
    with file.open("rb") as opened:
        found = wav.read_format(opened)
        if not found.is_telephone:
            raise wav.WavError("is not a telephone-rate file")
        opened.seek(found.start)
        samples = array("h", opened.read(found.size // 2 * 2))
    if sys.byteorder == "big":
        samples.byteswap()
    step = max(1, -(-len(samples) // columns))
    parts = (samples[at : at + step] for at in range(0, len(samples), step))
    return [max(max(part), -min(part)) / _LOUDEST for part in parts]


def svg(loudness: list[float], colour: str) -> str:
    """A drawing of peaks around a middle line."""
    middle = HEIGHT / 2
    # As high as there is room: how loud it is in all is told in figures. What is silent stays flat.
    most = max([_QUIET, *loudness])
    lines = " ".join(
        f"M{column + 0.5:g} {middle - half:.1f}V{middle + half:.1f}"
        for column, peak in enumerate(loudness)
        for half in [max(0.5, peak / most * (middle - 1))]
    )
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" preserveAspectRatio="none" '
        f'viewBox="0 0 {COLUMNS} {HEIGHT}">'
        f'<path d="{lines}" stroke="{colour}" fill="none"/></svg>'
    )
