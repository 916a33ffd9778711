"""A table as a PDF of text in the letters that every reader has; written page by page."""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path

# A4 across, in points; Courier is 0.6 of its size wide.
_WIDTH, _HEIGHT, _MARGIN = 842, 595, 28
_SIZE, _LEADING = 7.0, 10.0
_COLUMNS = int((_WIDTH - 2 * _MARGIN) / (0.6 * _SIZE))
_LINES = int((_HEIGHT - 2 * _MARGIN) / _LEADING) - 3
_CATALOG, _PAGES, _REGULAR, _BOLD = 1, 2, 3, 4


class PdfTable(AbstractContextManager["PdfTable"]):
    """Rows under their heads, on as many pages as they need."""

    def __init__(self, path: Path, heads: Sequence[str], title: str) -> None:
        self._file = path.open("wb")
        self._title, self._heads = title, heads
        self._places: dict[int, int] = {}
        self._pages: list[int] = []
        self._rows: list[Sequence[object]] = []
        self._next = _BOLD + 1
        self._widths = _shares(len(heads))
        self._file.write(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Write more rows."""
        self._rows += rows
        while len(self._rows) > _LINES:
            self._page(self._rows[:_LINES])
            del self._rows[:_LINES]

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._page(self._rows)
            self._end()

    def _page(self, rows: Sequence[Sequence[object]]) -> None:
        number = len(self._pages) + 1
        lines = [
            f"BT /B {_SIZE + 2} Tf {_MARGIN} {_HEIGHT - _MARGIN - _SIZE} Td {_LEADING} TL".encode(),
            b"(" + _text(f"{self._title} · {number}") + b") Tj T* T* /B " + f"{_SIZE} Tf".encode(),
            b"(" + _text(self._line(self._heads)) + b") Tj T* " + f"/R {_SIZE} Tf".encode(),
            *(b"(" + _text(self._line(row)) + b") Tj T*" for row in rows),
            b"ET",
        ]
        packed = zlib.compress(b"\n".join(lines))
        content = self._object(
            f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n".encode() + packed + b"\nendstream"
        )
        fonts = f"<< /Font << /R {_REGULAR} 0 R /B {_BOLD} 0 R >> >>"
        page = f"<< /Type /Page /Parent {_PAGES} 0 R /MediaBox [0 0 {_WIDTH} {_HEIGHT}]"
        self._pages.append(self._object(f"{page} /Resources {fonts} /Contents {content} 0 R >>".encode()))

    def _line(self, row: Sequence[object]) -> str:
        cells = ("" if cell is None else " ".join(str(cell).split()) for cell in row)
        return " ".join(_cut(cell, width) for cell, width in zip(cells, self._widths, strict=False))

    def _object(self, body: bytes, number: int | None = None) -> int:
        if number is None:
            number, self._next = self._next, self._next + 1
        self._places[number] = self._file.tell()
        self._file.write(f"{number} 0 obj\n".encode() + body + b"\nendobj\n")
        return number

    def _end(self) -> None:
        kids = " ".join(f"{number} 0 R" for number in self._pages)
        self._object(f"<< /Type /Catalog /Pages {_PAGES} 0 R >>".encode(), _CATALOG)
        self._object(f"<< /Type /Pages /Kids [{kids}] /Count {len(self._pages)} >>".encode(), _PAGES)
        for number, name in ((_REGULAR, "Courier"), (_BOLD, "Courier-Bold")):
            font = f"<< /Type /Font /Subtype /Type1 /BaseFont /{name} /Encoding /WinAnsiEncoding >>"
            self._object(font.encode(), number)
        start = self._file.tell()
        table = "".join(f"{self._places[number]:010} 00000 n \n" for number in range(1, self._next))
        self._file.write(f"xref\n0 {self._next}\n0000000000 65535 f \n{table}".encode())
        self._file.write(f"trailer\n<< /Size {self._next} /Root {_CATALOG} 0 R >>\n".encode())
        self._file.write(f"startxref\n{start}\n%%EOF\n".encode())


def _shares(columns: int) -> list[int]:
    """How many letters each column has: the last but one is for sentences."""
    if columns < 4:
        return [_COLUMNS // max(columns, 1) - 1] * columns
    narrow = (_COLUMNS - columns) // (columns + 3)
    widths = [narrow] * columns
    widths[0], widths[-2] = max(narrow - 2, 8), narrow * 3
    return widths


def _cut(text: str, width: int) -> str:
    return text.ljust(width) if len(text) <= width else text[: width - 1] + "…"


def _text(line: str) -> bytes:
    """In the encoding of the letters; one that they lack loses its accents or becomes a question mark."""
    known = "".join(c if _is_known(c) else unicodedata.normalize("NFKD", c)[0] for c in line)
    encoded = known.encode("cp1252", "replace")
    return encoded.replace(b"\\", b"\\\\").replace(b"(", b"\\(").replace(b")", b"\\)")


def _is_known(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True
