"""What a filter shows as a file: complete, harmless, watched while made, and for whoever asked alone."""

from __future__ import annotations

import asyncio
import csv
import io
import stat
import zipfile
from pathlib import Path

import httpx
import pypdfium2
import pytest

from gateway.console import exports
from gateway.console.app import create_app
from gateway.console.door import Door
from gateway.console.pdf_table import PdfTable
from gateway.console.sheets import Csv, Xlsx, harmless
from gateway.domain import Channel
from gateway.settings import Settings
from store import accounts, audit
from store.accounts import Details
from store.engine import Store
from tests.console.conftest import come_in
from tests.console.console_day import CLINIC, Day, busy_day


async def _made(browser: httpx.AsyncClient, kind: str, query: str = "") -> str:
    """The address of an export that is done."""
    answer = await browser.post(f"/history/export{query}", data={"kind": kind})
    assert answer.status_code == 303, answer.text
    address: str = answer.headers["location"]
    async with asyncio.timeout(20):
        while not (await browser.get(f"{address}/state")).json()["over"]:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    return address


async def test_everything_that_the_filter_shows_is_in_the_file(
    browser: httpx.AsyncClient, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    await busy_day(day)
    monkeypatch.setattr(exports, "PAGE", 5)
    address = await _made(browser, "csv", "?channel=voice")
    assert "24 rows" in (await browser.get(address)).text
    file = await browser.get(f"{address}/file")
    assert file.headers["content-disposition"] == 'attachment; filename="history-2026-03-10.csv"'
    head, *lines = csv.reader(io.StringIO(file.content.decode("utf-8-sig")))
    assert head[:3] == ["Number", "Recipient", "Channel"]
    assert [int(line[0]) for line in lines] == list(range(24, 0, -1))
    assert lines[0][3].startswith("'+1 202 •••")
    assert "+1202555" not in file.text
    actions = [line.action for line in await day.store.read(audit.lines, CLINIC, audit.Wanted(), 9)]
    assert actions[:2] == ["export-fetched", "history-exported"]


async def test_a_workbook_and_a_pdf_have_the_same_rows(
    browser: httpx.AsyncClient, day: Day, monkeypatch: pytest.MonkeyPatch
) -> None:
    await busy_day(day)
    book = (await browser.get(await _made(browser, "xlsx") + "/file")).content
    with zipfile.ZipFile(io.BytesIO(book)) as parts:
        sheet = parts.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 34
    assert "<f>" not in sheet
    monkeypatch.setitem(exports.MOST, "pdf", 10)  # type: ignore[index]
    address = await _made(browser, "pdf")
    assert "5,000 rows at most" in (await browser.get(address)).text
    document = pypdfium2.PdfDocument((await browser.get(f"{address}/file")).content)
    text = document[0].get_textpage().get_text_range()
    assert "Riverside Family Practice" in text
    assert text.count("Flu clinic") + text.count("Referral") == 9


async def test_a_file_is_its_users_alone_and_readable_by_nobody_else(
    browser: httpx.AsyncClient,
    day: Day,
    store: Store,
    settings: Settings,
    door: Door,
) -> None:
    await busy_day(day)
    address = await _made(browser, "csv")
    (file,) = (settings.folder / "exports").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    other = await store.run(accounts.add, CLINIC, Details("bob", "Bob", 1), day.clock())
    app = browser._transport
    async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1:8480") as client:
        await come_in(client, door, other)
        for path in ("", "/state", "/file"):
            assert (await client.get(address + path)).status_code == 404
    # A gateway that starts removes what an earlier one left.
    create_app(store, settings, door)
    assert not file.exists()


async def test_files_are_removed_after_an_hour(
    browser: httpx.AsyncClient, day: Day, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await day.broadcast("Texts", Channel.SMS, 1)
    address = await _made(browser, "csv")
    monkeypatch.setattr(exports, "KEEP_SECONDS", -1)
    assert (await browser.get(address)).status_code == 404
    assert list((settings.folder / "exports").iterdir()) == []


@pytest.mark.parametrize("begin", ["=", "+", "-", "@", "\t", "\r"])
def test_no_cell_is_run_by_a_spreadsheet(begin: str) -> None:
    assert harmless(f"{begin}cmd") == f"'{begin}cmd"
    assert harmless("plain") == "plain"


def test_hostile_cells_stay_cells(tmp_path: Path) -> None:
    row = ["=1+1", 'a"b,c', "łódź (x) \\ 漢", None, 7]
    for number, kind in enumerate((Csv, Xlsx, PdfTable)):
        path = tmp_path / str(number)
        with kind(path, ["A", "B", "C", "D", "E"], "Title") as sheet:
            sheet.add([row] * 150)
        assert path.stat().st_size > 500
    document = pypdfium2.PdfDocument(tmp_path / "2")
    assert len(document) == 3
    assert "?ódz (x)" in document[1].get_textpage().get_text_range()
