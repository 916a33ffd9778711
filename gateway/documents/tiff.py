"""TIFF-F, the file format of fax pages: many pages, two colours, CCITT Group 4."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, BinaryIO, Self

if TYPE_CHECKING:
    from PIL.Image import Image

WIDTH = 1728
X_DPI, FINE_DPI, STANDARD_DPI = 204, 196, 98
_SHORT, _LONG, _RATIONAL = 3, 4, 5
_STRIP_SIZE = 279
# Measured between two exchanges by T.38: agreeing at the start, then on each page.
_BITS_PER_SECOND, _CALL_SECONDS, _PAGE_SECONDS = 14_400, 10, 3
_GROUP_4, _WHITE_IS_ZERO, _ONE_OF_MANY, _INCH = 4, 0, 2, 2


class TiffWriter:
    """Appends pages to a file; holds one page in memory at a time.

    Pillow writes bilevel images as black-is-zero, which fax software need not read, so that the
    directories are made here and Pillow only compresses.
    """

    def __init__(self, path: Path, pages: int, fine: bool) -> None:
        self._path, self._pages = path, pages
        self._dpi = FINE_DPI if fine else STANDARD_DPI
        self._done = 0

    def __enter__(self) -> Self:
        self._file: BinaryIO = self._path.open("wb")
        # Little-endian; the offset of the first directory is filled in with the first page.
        self._file.write(struct.pack("<2sHI", b"II", 42, 0))
        self._link = 4
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, page: Image) -> None:
        """Append a page: mode "1", 1728 wide, black ink on white."""
        strip = _group_4(page)
        place = self._file.tell()
        self._file.write(strip + b"\0" * (len(strip) % 2))
        resolutions = self._file.tell()
        self._file.write(struct.pack("<4I", X_DPI, 1, self._dpi, 1))
        directory = self._file.tell()
        self._file.write(self._directory(page.height, place, len(strip), resolutions))
        self._file.seek(self._link)
        self._file.write(struct.pack("<I", directory))
        self._file.seek(0, io.SEEK_END)
        self._link = self._file.tell() - 4
        self._done += 1

    def _directory(self, height: int, place: int, size: int, resolutions: int) -> bytes:
        entries: list[tuple[int, int, int, int]] = [
            (254, _LONG, 1, _ONE_OF_MANY),
            (256, _LONG, 1, WIDTH),
            (257, _LONG, 1, height),
            (258, _SHORT, 1, 1),
            (259, _SHORT, 1, _GROUP_4),
            (262, _SHORT, 1, _WHITE_IS_ZERO),
            (266, _SHORT, 1, 1),
            (273, _LONG, 1, place),
            (277, _SHORT, 1, 1),
            (278, _LONG, 1, height),
            (279, _LONG, 1, size),
            (282, _RATIONAL, 1, resolutions),
            (283, _RATIONAL, 1, resolutions + 8),
            (293, _LONG, 1, 0),
            (296, _SHORT, 1, _INCH),
            (297, _SHORT, 2, self._done | self._pages << 16),
        ]
        packed = b"".join(struct.pack("<HHII", *entry) for entry in entries)
        return struct.pack("<H", len(entries)) + packed + struct.pack("<I", 0)


def _group_4(page: Image) -> bytes:
    from PIL import Image as Images
    from PIL import ImageChops

    if page.mode != "1" or page.width != WIDTH:
        raise ValueError(f"a page of {page.width} in mode {page.mode} is no fax page")
    held = io.BytesIO()
    ImageChops.invert(page).save(held, "TIFF", compression="group4", tiffinfo={278: page.height})
    with Images.open(held) as encoded:
        tags = encoded.tag_v2  # type: ignore[attr-defined]
        (place,), (size,) = tags[273], tags[279]
    return held.getvalue()[place : place + size]


def count_pages(path: Path) -> int:
    """How many pages a file of ours holds."""
    return len(_page_sizes(path))


def line_seconds(path: Path) -> int:
    """About how long a file of ours takes on a good line, at 14,400 bit/s."""
    sizes = _page_sizes(path)
    return round(_CALL_SECONDS + _PAGE_SECONDS * len(sizes) + sum(sizes) * 8 / _BITS_PER_SECOND)


def _page_sizes(path: Path) -> list[int]:
    """The compressed octets of each page."""
    sizes = []
    with path.open("rb") as file:
        file.seek(4)
        while link := struct.unpack("<I", file.read(4))[0]:
            file.seek(link)
            entries = file.read(12 * struct.unpack("<H", file.read(2))[0])
            tags = {tag: value for tag, _, _, value in struct.iter_unpack("<HHII", entries)}
            sizes.append(tags[_STRIP_SIZE])
    return sizes
