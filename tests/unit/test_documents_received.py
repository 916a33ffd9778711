"""Faxes that came in as PDF: what the disk does not give now may pass, what is cut off is said to be."""

from __future__ import annotations

import errno
import os
from datetime import date
from pathlib import Path

import pypdfium2
import pytest

from gateway.documents import received
from gateway.documents.errors import BadDocumentError, RenderingError
from gateway.documents.fax import Sender, render_fax
from gateway.documents.received import Kept, keep_as_pdf
from gateway.documents.tiff import count_pages
from gateway.domain import FaxLetter

LETTER = FaxLetter("Front desk", "", "One page.\fAnother.\fA third.")


@pytest.fixture
async def tiff(tmp_path: Path) -> Path:
    image = await render_fax(
        LETTER,
        sender=Sender("Lab", "1", "1"),
        sent_on=date(2026, 1, 5),
        cache=tmp_path / "cache",
        cover=False,
    )
    assert count_pages(image.tiff) == 3
    return image.tiff


def test_all_pages_are_kept(tiff: Path, tmp_path: Path) -> None:
    pdf = tmp_path / "kept" / "fax.pdf"
    assert keep_as_pdf(tiff, pdf) == Kept(3, whole=True)
    assert len(pypdfium2.PdfDocument(pdf)) == 3
    assert pdf.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("fault", [errno.EMFILE, errno.EACCES, errno.EIO, errno.ENOMEM])
def test_a_disk_that_does_not_give_the_file_now_may_give_it_later(
    tiff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: int
) -> None:
    def refuse(path: Path) -> bytes:
        raise OSError(fault, os.strerror(fault))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(RenderingError, match=os.strerror(fault)):
        keep_as_pdf(tiff, tmp_path / "fax.pdf")
    assert not (tmp_path / "fax.pdf").exists()


def test_a_disk_that_fills_in_the_middle_keeps_no_half_pdf(
    tiff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from PIL.Image import Image

    save = Image.save

    def fill(page: Image, file: Path, *args: object, **more: object) -> None:
        if more.get("append"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        save(page, file, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Image, "save", fill)
    with pytest.raises(RenderingError, match="No space left"):
        keep_as_pdf(tiff, tmp_path / "fax.pdf")
    assert not list(tmp_path.glob("fax.*"))


def test_a_file_that_is_cut_off_is_kept_as_far_as_it_goes_and_is_not_whole(
    tiff: Path, tmp_path: Path
) -> None:
    octets = tiff.read_bytes()
    found = set()
    for cut in range(8, len(octets), 97):
        tiff.write_bytes(octets[:cut])
        try:
            kept = keep_as_pdf(tiff, tmp_path / "fax.pdf")
        except BadDocumentError:
            continue
        assert not kept.whole, cut
        assert len(pypdfium2.PdfDocument(tmp_path / "fax.pdf")) == kept.pages
        found.add(kept.pages)
    assert found == {1, 2}


@pytest.mark.parametrize("octets", [b"", b"II*\0", b"no fax at all", b"II*\0\xff\xff\xff\x7f"])
def test_what_holds_no_page_can_never_be_kept(tmp_path: Path, octets: bytes) -> None:
    (tmp_path / "bad.tif").write_bytes(octets)
    with pytest.raises(BadDocumentError, match="cannot be read"):
        keep_as_pdf(tmp_path / "bad.tif", tmp_path / "fax.pdf")
    with pytest.raises(BadDocumentError, match="is not there"):
        keep_as_pdf(tmp_path / "gone.tif", tmp_path / "fax.pdf")


def test_more_pages_than_any_machine_sends_are_not_whole(
    tiff: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(received, "MOST_PAGES", 2)
    assert keep_as_pdf(tiff, tmp_path / "fax.pdf") == Kept(2, whole=False)
