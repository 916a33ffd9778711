"""Tables as files: CSV, XLSX and PDF, written row by row in flat memory, with cells that no program runs."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

import xlsxwriter

from gateway.console.pdf_table import PdfTable

# What a spreadsheet takes for the beginning of a formula.
_RUN = ("=", "+", "-", "@", "\t", "\r")
# As many as the format has, without its heading.
_MOST_IN_SHEET = 1_048_575


def harmless(cell: object) -> str:
    """A cell as text that a spreadsheet shows and does not run."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(_RUN) else text


class Sheet(Protocol):
    """Takes rows one after the other; complete once it is left."""

    def __enter__(self) -> Self:
        """Begin the file."""
        ...

    def __exit__(self, *_: object) -> None:
        """End it."""
        ...

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Write more rows."""
        ...


class Csv(AbstractContextManager["Csv"]):
    """Comma-separated, with the mark by which Excel knows UTF-8."""

    def __init__(self, path: Path, heads: Sequence[str], title: str) -> None:
        self._file = path.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self.add([heads])

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Write more rows."""
        self._writer.writerows([harmless(cell) for cell in row] for row in rows)


class Xlsx(AbstractContextManager["Xlsx"]):
    """A workbook; another sheet begins where one is full."""

    def __init__(self, path: Path, heads: Sequence[str], title: str) -> None:
        options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
        # Its own files lie beside it: in the folder of the instance, and nowhere else.
        self._book = xlsxwriter.Workbook(path, {**options, "tmpdir": str(path.parent)})
        self._heads = heads
        self._bold = self._book.add_format({"bold": True})
        self._begin()

    def _begin(self) -> None:
        self._sheet = self._book.add_worksheet()
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, self._heads, self._bold)
        self._row = 1

    def __exit__(self, *_: object) -> None:
        self._book.close()

    def add(self, rows: Sequence[Sequence[object]]) -> None:
        """Write more rows; numbers stay numbers."""
        for row in rows:
            if self._row > _MOST_IN_SHEET:
                self._begin()
            for column, cell in enumerate(row):
                if isinstance(cell, int):
                    self._sheet.write_number(self._row, column, cell)
                else:
                    self._sheet.write_string(self._row, column, harmless(cell))
            self._row += 1


KINDS: Mapping[str, Callable[[Path, Sequence[str], str], Sheet]] = {
    "csv": Csv,
    "xlsx": Xlsx,
    "pdf": PdfTable,
}
MEDIA_TYPES: Mapping[str, str] = {
    "csv": "text/csv",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pdf": "application/pdf",
}
# The rows that a kind takes at most; others take all.
MOST: Mapping[str, int] = {"pdf": 5000}
