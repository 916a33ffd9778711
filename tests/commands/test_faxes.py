"""`ringwell faxes`: the inbox, a preview of the pages, and the proof of delivery."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pypdfium2
import pytest
from PIL import Image
from sqlalchemy import Connection, insert

from gateway.documents.proof import keep_picture, picture_of
from gateway.domain import Direct, DirectKind, State
from store import faxes, migrate
from store.engine import Store
from store.faxes import Fax
from store.schema import attempt
from tests.store.world import CLINIC, NOON, Clock, World

NUMBER = "+12025550107"


@pytest.fixture
def clinic(tmp_path: Path) -> dict[str, str]:
    own = {"RINGWELL_INSTANCE": str(tmp_path / "clinic"), "RINGWELL_CACHE": str(tmp_path / "cache")}
    (tmp_path / "clinic").mkdir()
    return os.environ | own


def says(clinic: dict[str, str], *words: str, typed: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", "faxes", *words]
    return subprocess.run(
        command, env=clinic, input=typed, capture_output=True, text=True, timeout=60, check=False
    )


def with_store(clinic: dict[str, str], work: object) -> object:
    async def done() -> object:
        async with Store(f"sqlite:///{clinic['RINGWELL_INSTANCE']}/ringwell.sqlite3") as store:
            await migrate.upgrade(store)
            return await work(store)  # type: ignore[operator]

    return asyncio.run(done())


def words_of(pdf: Path) -> str:
    document = pypdfium2.PdfDocument(pdf)
    assert len(document) == 1
    return str(document[0].get_textpage().get_text_bounded())


def test_an_empty_inbox_says_what_to_do(clinic: dict[str, str]) -> None:
    assert "give [fax.inboxes] their numbers" in says(clinic, "inbox").stdout
    assert json.loads(says(clinic, "inbox", "--json").stdout) == []
    missing = says(clinic, "save", "7", "-o", "x.pdf")
    assert (missing.returncode, missing.stderr.strip()) == (2, "ringwell: there is no fax 7")


def test_a_fax_is_saved_once_and_read_by_that(clinic: dict[str, str], tmp_path: Path) -> None:
    folder = tmp_path / "clinic" / "faxes"
    folder.mkdir()
    (folder / "a.pdf").write_bytes(b"%PDF-1.4 pages")
    fax = Fax("1.1", "desk", "+12025550108", "+12125552081", "LAB", 2, True, "a.pdf", NOON)
    notice = Direct(DirectKind.NOTICE, "", None, NOON + timedelta(days=1))
    with_store(clinic, lambda store: store.run(faxes.keep, CLINIC, fax, (), notice, NOON))
    shown = says(clinic, "inbox", "--all").stdout
    assert "desk" in shown
    assert "+12125552081" not in shown
    output = tmp_path / "saved.pdf"
    assert says(clinic, "save", "1", "-o", str(output), "--by", "ana").returncode == 0
    assert output.read_bytes() == b"%PDF-1.4 pages"
    again = says(clinic, "save", "1", "-o", str(output))
    assert again.returncode == 2
    assert "File exists" in again.stderr
    (row,) = json.loads(says(clinic, "inbox", "--all", "--json").stdout)
    assert row["read_by"] == "ana"
    assert json.loads(says(clinic, "inbox", "--json").stdout) == []


def test_a_preview_has_the_pages_that_arrive_and_their_time(clinic: dict[str, str], tmp_path: Path) -> None:
    output = tmp_path / "preview.pdf"
    text = "one\ftwo"
    done = says(clinic, "preview", "-o", str(output), "--to", "Dr. Roe", "--subject", "Referral", typed=text)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("3 pages, about ")
    shown = pypdfium2.PdfDocument(output)
    assert len(shown) == 3
    for page in shown:
        header = page.render(scale=2).to_pil().convert("L").crop((0, 0, 1200, 22))
        assert header.histogram()[0] > 50, "its header line"
    refused = says(clinic, "preview", "-o", str(output), typed=text)
    assert (refused.returncode, "choose another name" in refused.stderr) == (2, True)
    empty = says(clinic, "preview", "-o", str(tmp_path / "none.pdf"))
    assert (empty.returncode, "cannot be faxed" in empty.stderr) == (2, True)


def test_the_proof_of_a_delivered_fax_is_a_page_with_its_picture(
    clinic: dict[str, str], tmp_path: Path
) -> None:
    shelf = tmp_path / "cache" / "faxes"
    shelf.mkdir(parents=True)
    tiff = shelf / f"{'a' * 32}.tiff"
    Image.new("1", (1728, 2156), 0).save(tiff, dpi=(204, 196))
    keep_picture(tiff)
    tiff.unlink()
    with Image.open(picture_of(tiff)) as picture:
        assert picture.width * 11 == pytest.approx(picture.height * 8.5, rel=0.02), "a sheet's shape"
    ended = {"charged": True, "settled_at": NOON, "clinic": CLINIC}
    said = {"pages": 2, "station": "+1 LAB", "rate": 14400, "mode": "T38", "seconds": 41}

    def tried(conn: Connection, number: int) -> None:
        values = [
            (1, "retry", "busy", {}),
            (2, "delivered", "delivered", said | {"document": tiff.name}),
        ]
        for count, outcome, cause, evidence in values:
            row = {"number": count, "outcome": outcome, "cause": cause, "evidence": evidence}
            conn.execute(insert(attempt).values(message=number, started_at=NOON, **row, **ended))

    async def work(store: Store) -> tuple[int, int]:
        world = World(store, Clock())
        sent = await world.message(State.DELIVERED, channel="fax", address=NUMBER)
        await store.run(tried, sent)
        return sent, await world.message(State.QUEUED, channel="fax", address=NUMBER)

    sent, queued = with_store(clinic, work)  # type: ignore[misc]
    output = tmp_path / "proof.pdf"
    done = says(clinic, "proof", str(sent), "-o", str(output))
    assert done.returncode == 0, done.stderr
    told = words_of(output)
    for words in (
        NUMBER,
        "+1 LAB",
        "2, each confirmed",
        "41 seconds by T38",
        "14400 bit/s",
        "attempt 2 of 2",
        "busy",
    ):
        assert words in told
    page = pypdfium2.PdfDocument(output)[0].render().to_pil().convert("L")
    assert page.histogram()[0] > 20_000, "the black page is shown"
    refused = says(clinic, "proof", str(queued), "-o", str(tmp_path / "none.pdf"))
    assert (refused.returncode, "was not delivered" in refused.stderr) == (2, True)
    none = says(clinic, "proof", "99", "-o", str(tmp_path / "none.pdf"))
    assert "message 99 is no fax" in none.stderr


def test_the_proof_of_a_fax_in_two_parts_counts_the_pages_of_both(
    clinic: dict[str, str], tmp_path: Path
) -> None:
    tries = [
        ("retry", "fax-error", {}),
        ("retry", "pages-missing", {"pages": 3, "of_pages": 6}),
        ("delivered", "delivered", {"pages": 4, "of_pages": 4, "rate": 14400, "mode": "T38"}),
    ]

    def tried(conn: Connection, message: int) -> None:
        for number, (outcome, cause, evidence) in enumerate(tries, 1):
            row = {"number": number, "outcome": outcome, "cause": cause, "evidence": evidence}
            row |= {"message": message, "clinic": CLINIC, "started_at": NOON, "settled_at": NOON}
            conn.execute(insert(attempt).values(charged=True, **row))

    async def work(store: Store) -> int:
        sent = await World(store, Clock()).message(State.DELIVERED, channel="fax", address=NUMBER)
        await store.run(tried, sent)
        return sent

    output = tmp_path / "proof.pdf"
    done = says(clinic, "proof", str(with_store(clinic, work)), "-o", str(output))
    assert done.returncode == 0, done.stderr
    told = " ".join(words_of(output).split())
    assert "7 in 2 calls, a cover in each, each confirmed by the other side" in told
    assert "pages-missing, 3 pages arrived" in told


def test_faxes_of_the_same_pages_that_end_together_each_find_their_picture(tmp_path: Path) -> None:
    tiff = tmp_path / f"{'a' * 32}.tiff"
    Image.new("1", (1728, 2156), 0).save(tiff, dpi=(204, 196))
    with ThreadPoolExecutor(8) as at_once:
        for _ in range(8):
            list(at_once.map(keep_picture, [tiff] * 8))
    assert {file.name for file in tmp_path.iterdir()} == {tiff.name, picture_of(tiff).name}
