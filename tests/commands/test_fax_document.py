"""A document of the clinic's own is looked at and kept when a broadcast of faxes is created."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pypdfium2
import pytest


@pytest.fixture
def clinic(tmp_path: Path) -> dict[str, str]:
    settings = tmp_path / "ringwell.toml"
    settings.write_text(f'instance = "{tmp_path / "instance"}"\n[console]\nenabled = false\n')
    return os.environ | {"RINGWELL_CONFIG": str(settings), "RINGWELL_CACHE": str(tmp_path / "cache")}


def says(clinic: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gateway", *words]
    return subprocess.run(command, env=clinic, capture_output=True, text=True, timeout=60, check=False)


def flyer(folder: Path, pages: int) -> Path:
    document = pypdfium2.PdfDocument.new()
    for _ in range(pages):
        document.new_page(612, 792)
    file = folder / "flyer.pdf"
    document.save(file)
    document.close()
    return file


def test_the_pages_are_told_and_the_document_is_kept(tmp_path: Path, clinic: dict[str, str]) -> None:
    file = flyer(tmp_path, 3)
    done = says(
        *(clinic, "broadcast", "create", "Flyer", "--channel", "fax", "--type", "client-notice"),
        *("--fax-document", str(file), "--json"),
    )
    assert done.returncode == 0, done.stderr
    assert "4 pages" in done.stderr
    number = str(json.loads(done.stdout)["broadcast"])
    file.unlink()
    shown = json.loads(says(clinic, "broadcast", "show", number, "--json").stdout)
    kept = Path(shown["templates"]["fax"]["document"])
    assert kept.read_bytes().startswith(b"%PDF-")
    assert kept.stat().st_mode & 0o077 == 0


def kept_documents(folder: Path) -> list[Path]:
    return list((folder / "instance" / "documents").glob("*"))


def test_a_document_of_100_mb_says_what_to_do_and_none_of_it_stays(
    tmp_path: Path, clinic: dict[str, str]
) -> None:
    file = flyer(tmp_path, 1)
    with file.open("r+b") as grown:
        grown.truncate(100 << 20)
    done = says(clinic, "broadcast", "create", "Flyer", "--channel", "fax", "--fax-document", str(file))
    assert done.returncode == 2
    assert "100 MB, more than the 50 allowed: split it" in done.stderr
    assert kept_documents(tmp_path) == []


def test_what_another_broadcast_needs_stays_when_it_is_refused_later(
    tmp_path: Path, clinic: dict[str, str]
) -> None:
    words = ("broadcast", "create", "Flyer", "--channel", "fax", "--type", "client-notice")
    file = flyer(tmp_path, 3)
    assert says(clinic, *words, "--fax-document", str(file)).returncode == 0
    refused = says(clinic | {"RINGWELL_FAX__MAX_PAGES": "2"}, *words, "--fax-document", str(file))
    assert "longer than the 2 allowed" in refused.stderr
    assert len(kept_documents(tmp_path)) == 1


@pytest.mark.parametrize("octets", [None, b"no document"])
def test_a_document_that_cannot_be_faxed_is_one_line(
    tmp_path: Path, clinic: dict[str, str], octets: bytes | None
) -> None:
    file = tmp_path / "flyer.pdf"
    if octets is not None:
        file.write_bytes(octets)
    done = says(
        clinic, "broadcast", "create", "Flyer", "--channel", "fax", "--fax-document", str(file), "--json"
    )
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert kept_documents(tmp_path) == []
    assert not json.loads(says(clinic, "broadcast", "list", "--json").stdout)
