"""Pictures as fax pages: upright, on white paper, and never more than a process of its own can hold."""

from __future__ import annotations

import io
import struct
import zlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from gateway.documents import fax
from gateway.documents.errors import BadDocumentError
from tests.unit.test_documents_fax import LETTER, faxed, ink, pages


def picture(mode: str = "L", size: tuple[int, int] = (850, 1100)) -> Image.Image:
    """White paper with a black square in its upper left quarter."""
    image = Image.new("L", size, 255)
    ImageDraw.Draw(image).rectangle((size[0] // 10, size[1] // 10, size[0] // 4, size[1] // 4), fill=0)
    return image.convert(mode)


async def body(folder: Path, octets: bytes) -> list[Image.Image]:
    """The pages after the cover."""
    file = folder / "document"
    file.write_bytes(octets)
    return pages(await faxed(folder, replace(LETTER, document=file)))[1:]


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    held = io.BytesIO()
    image.save(held, kind, **options)
    return held.getvalue()


def is_upright(page: Image.Image) -> bool:
    width, height = page.size
    quarters = [
        ink(page.crop((x, y, x + width // 2, y + height // 2)))
        for x in (0, width // 2)
        for y in (0, height // 2)
    ]
    return quarters[0] > 0.05 and max(quarters[1:]) < 0.005


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        ("L", "PNG"),
        ("RGB", "PNG"),
        ("P", "PNG"),
        ("1", "PNG"),
        ("RGB", "JPEG"),
        ("CMYK", "JPEG"),
        ("1", "TIFF"),
        ("RGB", "TIFF"),
    ],
)
async def test_every_kind_of_picture_is_a_page(tmp_path: Path, mode: str, kind: str) -> None:
    [page] = await body(tmp_path, saved(picture(mode), kind))
    assert page.width == 1728
    assert is_upright(page)


async def test_sixteen_bits_a_pixel_keep_their_greys(tmp_path: Path) -> None:
    grey = Image.new("I;16", (850, 1100), 150 * 256)
    [page] = await body(tmp_path, saved(grey, "PNG"))
    assert 0.3 < ink(page) < 0.7


async def test_what_is_transparent_is_paper(tmp_path: Path) -> None:
    glass = Image.new("RGBA", (850, 1100), (0, 0, 0, 0))
    glass.paste((0, 0, 0, 255), (85, 110, 212, 275))
    [page] = await body(tmp_path, saved(glass, "PNG"))
    assert is_upright(page)


async def test_a_photo_taken_sideways_comes_upright(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: rotate by 90 degrees
    lying = picture().rotate(90, expand=True)
    [page] = await body(tmp_path, saved(lying, "JPEG", exif=exif.tobytes()))
    assert is_upright(page)


async def test_every_page_of_a_tiff_is_sent(tmp_path: Path) -> None:
    octets = saved(picture(), "TIFF", save_all=True, append_images=[picture(size=(600, 800)), picture()])
    assert len(await body(tmp_path, octets)) == 3


async def test_a_colour_scan_at_600_dpi_is_a_page(tmp_path: Path) -> None:
    [page] = await body(tmp_path, saved(picture("RGB", (5100, 6600)), "JPEG"))
    assert is_upright(page)


def huge_png(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says to be this large."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1_000_000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


async def test_a_picture_of_30000_pixels_a_side_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    with pytest.raises(BadDocumentError, match="30000 by 30000 pixels: scan it at 300 dpi"):
        await body(tmp_path, huge_png(30_000, 30_000))


async def test_a_picture_that_ends_too_early_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadDocumentError, match="damaged"):
        await body(tmp_path, huge_png(5_000, 5_000))
    with pytest.raises(BadDocumentError, match=r"damaged|no PDF"):
        await body(tmp_path, saved(picture(), "JPEG")[:600])


async def test_a_document_of_100_mb_is_refused_unread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "large.pdf"
    with file.open("wb") as sparse:
        sparse.truncate(100 << 20)
    monkeypatch.setattr(fax, "_asked", None)
    with pytest.raises(BadDocumentError, match="100 MB, more than the 50 allowed"):
        await faxed(tmp_path, replace(LETTER, document=file))
