"""PDFs as clinics have them: protected against changes, locked, and forms that were filled in."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from gateway.documents.errors import BadDocumentError
from gateway.documents.fax import LARGEST_DOCUMENT
from gateway.rendering import fax_renderer
from gateway.settings import Settings
from tests.unit.pdf_writing import locked, stream, written
from tests.unit.test_documents_fax import LETTER, faxed, ink, pages, pdf_of

_PAGE = b"/Type /Page /Parent 2 0 R /MediaBox [0 0 612 792]"
_FONT = b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"
# A black square, an inch wide and high, an inch and a half from the left and the top.
_SQUARE = b"108 612 72 72 re f"
SQUARE = [
    b"<< /Type /Catalog /Pages 2 0 R >>",
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< " + _PAGE + b" /Contents 4 0 R >>",
    stream(b"", _SQUARE),
]
# In fax dots: where the square is, and where the fields of a form are.
SQUARE_BOX = (310, 310, 500, 480)
NAME_BOX = (580, 290, 1150, 370)
TICK_BOX = (575, 425, 645, 485)


async def page_of(folder: Path, octets: bytes) -> Image.Image:
    file = folder / "document.pdf"
    file.write_bytes(octets)
    [page] = pages(await faxed(folder, replace(LETTER, document=file), cover=False))
    return page


async def test_a_pdf_that_only_its_owner_may_change_is_faxed(tmp_path: Path) -> None:
    page = await page_of(tmp_path, locked(SQUARE, user=b"", owner=b"secret"))
    assert ink(page.crop(SQUARE_BOX)) > 0.9
    assert page.tobytes() == (await page_of(tmp_path, written(SQUARE))).tobytes()


async def test_a_pdf_that_opens_with_a_password_is_refused_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BadDocumentError, match="locked with a password: save it without one"):
        await page_of(tmp_path, locked(SQUARE, user=b"opensesame", owner=b"secret"))


def form(*, appearances: bool, filled: bool = True) -> bytes:
    """A page with a name and a box to tick; programs leave the look of a field to the reader at times."""
    drawn = stream(
        b"/Type /XObject /Subtype /Form /BBox [0 0 200 22] /Resources << /Font << /F 5 0 R >> >>",
        b"/Tx BMC BT /F 16 Tf 0 g 2 5 Td (JANE EXAMPLE) Tj ET EMC",
    )
    tick = stream(b"/Type /XObject /Subtype /Form /BBox [0 0 20 20]", b"2 2 16 16 re f")
    blank = stream(b"/Type /XObject /Subtype /Form /BBox [0 0 20 20]", b"")
    look = b"/AP << /N 8 0 R >>" if appearances and filled else b""
    value = b"/V (JANE EXAMPLE)" if filled else b""
    state = b"/Yes" if filled else b"/Off"
    widget = b"/Type /Annot /Subtype /Widget /F 4 /P 3 0 R"
    name = b"<< %s /FT /Tx /T (name) %s /DA (/F 16 Tf 0 g) /Rect [206 660 406 682] %s >>"
    looks = b"/AP << /N << /Yes 9 0 R /Off 10 0 R >> >>"
    box = b"<< %s /FT /Btn /T (ok) /V %s /AS %s /Rect [206 614 226 634] " + looks + b" >>"
    catalog = (
        b"<< /Type /Catalog /Pages 2 0 R /AcroForm << /Fields [6 0 R 7 0 R] /NeedAppearances %s "
        b"/DA (/F 16 Tf 0 g) /DR << /Font << /F 5 0 R >> >> >> >>"
    )
    return written(
        [
            catalog % (b"false" if appearances else b"true"),
            SQUARE[1],
            b"<< " + _PAGE + b" /Contents 4 0 R /Annots [6 0 R 7 0 R] >>",
            SQUARE[3],
            _FONT,
            name % (widget, value, look),
            box % (widget, state, state),
            drawn,
            tick,
            blank,
        ]
    )


@pytest.mark.parametrize("appearances", [True, False])
async def test_what_was_filled_into_a_form_is_on_the_fax(tmp_path: Path, appearances: bool) -> None:
    page = await page_of(tmp_path, form(appearances=appearances))
    empty = await page_of(tmp_path, form(appearances=appearances, filled=False))
    assert ink(page.crop(SQUARE_BOX)) > 0.9
    assert ink(page.crop(NAME_BOX)) > ink(empty.crop(NAME_BOX)) + 0.03
    # PDFium draws a small tick of its own.
    assert ink(page.crop(TICK_BOX)) > (0.4 if appearances else 0.03)
    assert ink(empty.crop(TICK_BOX)) == 0


async def test_a_document_of_100_mb_is_refused_unread_with_what_to_do(tmp_path: Path) -> None:
    file = pdf_of(tmp_path, (612, 792))
    with file.open("r+b") as grown:
        grown.truncate(100 << 20)
    limit = LARGEST_DOCUMENT >> 20
    with pytest.raises(
        BadDocumentError, match=f"100 MB, more than the {limit} allowed: split it, or save it"
    ):
        await faxed(tmp_path, replace(LETTER, document=file))


@pytest.mark.parametrize("size", [(0.05, 792), (612, 0.05)])
async def test_a_page_without_a_size_is_refused_with_what_to_do(
    tmp_path: Path, size: tuple[float, float]
) -> None:
    sheet = SQUARE[2].replace(b"612 792", b"%g %g" % size)
    with pytest.raises(BadDocumentError, match="points: print it to a PDF on Letter or A4"):
        await page_of(tmp_path, written([*SQUARE[:2], sheet, SQUARE[3]]))


@pytest.mark.parametrize(("resolution", "dpi"), [("fine", 196), ("standard", 98)])
async def test_the_resolution_of_the_settings_is_that_of_faxes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, resolution: str, dpi: int
) -> None:
    monkeypatch.setenv("RINGWELL_CACHE", str(tmp_path))
    settings = Settings.model_validate({"fax": {"resolution": resolution}})
    image = await fax_renderer(settings).render(LETTER)
    with Image.open(image.tiff) as opened:
        tags = opened.tag_v2  # type: ignore[attr-defined]
        assert (tags[282], tags[283]) == (204, dpi)
        assert opened.height == pytest.approx(11 * dpi, abs=8)


async def test_the_letterhead_of_the_clinic_is_on_the_cover(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGWELL_CACHE", str(tmp_path))
    Image.new("L", (200, 200), 0).save(tmp_path / "logo.gif")
    clinic = {"address": "12 Harbor Street; Springfield", "logo": str(tmp_path / "logo.gif")}
    image = await fax_renderer(Settings.model_validate({"clinic": clinic})).render(LETTER)
    cover, _ = pages(image)
    assert ink(cover.crop((185, 175, 305, 285))) == 1
    second_line = (360, 255, 700, 300)
    assert ink(cover.crop(second_line)) > 0.03
    plain = await fax_renderer(Settings()).render(LETTER)
    assert ink(pages(plain)[0].crop(second_line)) == 0
