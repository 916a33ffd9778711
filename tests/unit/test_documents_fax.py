"""Letters as fax pages: TIFF-F that fax software takes, readable, repeatable, and within limits."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path

import psutil
import pypdfium2
import pytest
from PIL import Image, ImageDraw

from gateway.documents import fax
from gateway.documents.continued import rest_of
from gateway.documents.errors import BadDocumentError, DocumentError, RenderingError
from gateway.documents.fax import FaxRenderer, Sender, render_fax
from gateway.documents.job import Cover
from gateway.documents.letter import set_cover
from gateway.documents.logo import logo_of
from gateway.documents.sheet import Sheets
from gateway.documents.shelf import KEEP_SECONDS, SWEEP_SECONDS
from gateway.domain import FaxImage, FaxLetter
from tests.unit.pdf_writing import stream, written

SENDER = Sender("Harbor Street Clinic", "+1 202 555 0100", "+1 202 555 0101")
DAY = date(2026, 11, 24)
LETTER = FaxLetter("Rosa Costa", "Reminder", "Dear Rosa,\n\nplease call us.", to_number="+12125558000")


async def faxed(folder: Path, letter: FaxLetter = LETTER, **changes: object) -> FaxImage:
    wanted = {"sender": SENDER, "sent_on": DAY, "cache": folder / "faxes"} | changes
    return await render_fax(letter, **wanted)  # type: ignore[arg-type]


async def test_letters_are_for_nobody_else_on_this_machine(tmp_path: Path) -> None:
    for folder in (tmp_path / "new", tmp_path / "old"):
        if folder.name == "old":
            folder.mkdir(mode=0o755)
        image = await faxed(tmp_path, cache=folder)
        assert stat.S_IMODE(image.tiff.parent.stat().st_mode) == 0o700


def pages(image: FaxImage) -> list[Image.Image]:
    with Image.open(image.tiff) as opened:
        return [page.copy() for page in _frames(opened)]


def _frames(opened: Image.Image) -> Iterator[Image.Image]:
    for number in range(getattr(opened, "n_frames", 1)):
        opened.seek(number)
        yield opened


def ink(page: Image.Image) -> float:
    """The black part of a page."""
    return page.convert("L").histogram()[0] / (page.width * page.height)


def pdf_of(folder: Path, *sizes: tuple[float, float], ink_at: float = 0.25) -> Path:
    """Pages of these sizes in points, each with a black square as wide as a tenth of it."""
    document = pypdfium2.PdfDocument.new()
    for width, height in sizes:
        page = document.new_page(width, height)
        side = width / 10
        box = pypdfium2.raw.FPDFPageObj_CreateNewRect(width * ink_at, height * 0.8, side, side)
        pypdfium2.raw.FPDFPath_SetDrawMode(box, 2, False)
        pypdfium2.raw.FPDFPage_InsertObject(page.raw, box)
        page.gen_content()
    file = folder / "letter.pdf"
    document.save(file)
    document.close()
    return file


@pytest.mark.parametrize(("fine", "dpi", "rows"), [(True, 196, 2149), (False, 98, 1074)])
async def test_a_fax_is_one_tiff_f_with_all_its_pages(tmp_path, fine, dpi, rows):
    image = await faxed(tmp_path, fine=fine)
    assert image.pages == 2
    with Image.open(image.tiff) as opened:
        assert opened.n_frames == 2
        for number, page in enumerate(_frames(opened)):
            tags = page.tag_v2
            assert (page.mode, page.size) == ("1", (1728, rows))
            assert (tags[282], tags[283], tags[296]) == (204, dpi, 2)
            # Group 4, white is zero, one strip, page n of 2.
            assert (tags[259], tags[262], tags[258], tags[277]) == (4, 0, (1,), 1)
            assert len(tags[273]) == 1
            assert tags[278] == rows
            assert tags[297] == (number, 2)


async def test_the_cover_names_both_sides_and_costs_little_to_send(tmp_path):
    """What it says is proved by what changes it: each field must."""
    first = await faxed(tmp_path)
    cover, body = pages(first)
    assert 0.002 < ink(cover) < 0.025
    assert 0.0005 < ink(body) < 0.02
    # 14,400 bit/s: the two pages within 12 seconds.
    assert first.tiff.stat().st_size < 12 * 14_400 / 8
    covers = [cover]
    for change in (
        {"letter": replace(LETTER, to_name="Rosa Diaz")},
        {"letter": replace(LETTER, to_number="+12125558001")},
        {"sender": replace(SENDER, clinic="Other Clinic")},
        {"sender": replace(SENDER, callback="+1 202 555 0199")},
        {"sender": replace(SENDER, station="+1 202 555 0199")},
        {"sent_on": date(2026, 11, 25)},
        {"letter": replace(LETTER, text="x\n" * 60)},
    ):
        covers.append(pages(await faxed(tmp_path, **change))[0])
    assert len({page.tobytes() for page in covers}) == len(covers)


def words_on(cover: Cover) -> str:
    with Sheets() as sheets:
        set_cover(sheets, cover, 3)
        text = sheets.document[0].get_textpage().get_text_bounded()
    return " ".join(text.split())


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ("To Rosa Costa", "November 24, 2026", "3 (this one included)", "by mistake", "Call +1")),
        ("es", ("Para Rosa Costa", "24 de noviembre de 2026", "3 (incluida esta)", "por error", "al +1")),
        ("fr", ("To Rosa Costa",)),
    ],
)
def test_the_cover_speaks_the_language_of_the_letter(language: str, words: tuple[str, ...]) -> None:
    sender = replace(SENDER, letterhead=("12 Harbor Street", "Springfield"))
    cover, _ = fax._cover(replace(LETTER, language=language, to_name="Rosa Costa"), sender, DAY)
    told = words_on(cover)
    for part in (*words, "Harbor Street Clinic 12 Harbor Street Springfield Fax", LETTER.to_number):
        assert part in told
    assert "<" not in told


def test_a_cover_without_a_number_leaves_its_line_out() -> None:
    cover, _ = fax._cover(replace(LETTER, to_number=""), SENDER, DAY)
    assert [name for name, _ in cover.rows] == ["To", "From", "Phone", "Fax", "Date", "Pages"]


async def test_the_logo_of_the_settings_is_on_the_cover(tmp_path: Path) -> None:
    picture = Image.new("RGBA", (300, 300), (0, 0, 0, 0))
    ImageDraw.Draw(picture).rectangle((0, 0, 300, 300), fill=(0, 60, 80, 255))
    picture.save(tmp_path / "logo.png")
    cover, _ = pages(await faxed(tmp_path, sender=replace(SENDER, logo=logo_of(tmp_path / "logo.png"))))
    assert ink(cover.crop((185, 175, 305, 285))) == 1
    (tmp_path / "logo.png").write_bytes(b"BM and more")
    with pytest.raises(DocumentError, match=r"clinic\.logo: cannot read .*: it is no PNG, JPEG or GIF"):
        logo_of(tmp_path / "logo.png")
    with pytest.raises(DocumentError, match=r"clinic\.logo: cannot read .*: No such file"):
        logo_of(tmp_path / "gone.png")


async def test_nothing_of_the_letter_itself_stands_on_the_cover(tmp_path):
    cover, _ = pages(await faxed(tmp_path))
    other = pages(await faxed(tmp_path, replace(LETTER, subject="Oncology", text="Your biopsy")))[0]
    assert cover.tobytes() == other.tobytes()


async def test_a_fax_may_go_without_a_cover(tmp_path):
    with_cover, without = await faxed(tmp_path), await faxed(tmp_path, cover=False)
    assert without.pages == 1
    assert pages(with_cover)[1].tobytes() == pages(without)[0].tobytes()


async def test_a_long_text_is_wrapped_within_the_margins_and_paged(tmp_path):
    text = "A sentence that is said again. " * 300 + "\n\n" + "W" * 400
    image = await faxed(tmp_path, replace(LETTER, text=text))
    assert image.pages >= 4
    for page in pages(image)[1:]:
        left, top, right, bottom = page.convert("L").point(lambda grey: 255 - grey).getbbox()
        assert left >= 150
        assert right <= 1728 - 150
        # The fax software prints its header line above.
        assert top >= 120
        assert bottom <= 2149 - 100


async def test_a_form_feed_starts_a_new_page(tmp_path):
    assert (await faxed(tmp_path, replace(LETTER, text="one\ftwo\fthree"))).pages == 4


async def test_names_keep_the_accents_that_can_be_printed_and_lose_the_others(tmp_path):
    async def body(text: str) -> bytes:
        return pages(await faxed(tmp_path, FaxLetter("x", "", text), cover=False))[0].tobytes()

    assert await body("José Peña") != await body("Jose Pena")
    assert await body("Łukasz Ğ ﬁ\u202fx") == await body("Lukasz G fi x")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("Дорогая Роза", "CYRILLIC CAPITAL LETTER DE.*send it as a PDF"),
        ("a\x07b", "control character"),
        ("", "without a word"),
        ("x\n" * 6000, r"143 pages is longer than the 99"),
    ],
)
async def test_a_text_that_cannot_be_faxed_says_why(tmp_path, text, complaint):
    with pytest.raises(BadDocumentError, match=complaint):
        await faxed(tmp_path, FaxLetter("Rosa", "", text))
    assert not list((tmp_path / "faxes").glob("*.tiff"))
    assert not list((tmp_path / "faxes").glob(".*.part"))


@pytest.mark.parametrize(
    ("size", "rows", "square"),
    [
        ((612, 792), 2149, 173),
        ((595, 842), 2349, 173),
        ((792, 612), 1283, 173),
        ((200, 200), 1660, 173),
        ((5000, 7000), 2324, 173),
        # Longer than fax machines take: made smaller as a whole.
        ((400, 4000), 2842, 30),
    ],
)
async def test_a_pdf_of_any_size_is_fitted_to_the_width(tmp_path, size, rows, square):
    image = await faxed(tmp_path, replace(LETTER, document=pdf_of(tmp_path, size)))
    page = pages(image)[1]
    left, top, right, bottom = page.convert("L").point(lambda grey: 255 - grey).getbbox()
    assert page.size == (1728, pytest.approx(rows, abs=2))
    assert right - left == pytest.approx(square, abs=2)
    assert bottom - top == pytest.approx(square * 196 / 204, abs=2)


async def test_a_rotated_page_comes_upright(tmp_path):
    file = pdf_of(tmp_path, (612, 792))
    document = pypdfium2.PdfDocument(file)
    document[0].set_rotation(90)
    turned = tmp_path / "turned.pdf"
    document.save(turned)
    document.close()
    assert pages(await faxed(tmp_path, replace(LETTER, document=turned)))[1].height == pytest.approx(
        1283, abs=2
    )


async def test_greys_are_dithered_and_letters_stay_sharp(tmp_path):
    picture = Image.new("L", (612, 792), 255)
    ImageDraw.Draw(picture).rectangle((100, 100, 300, 300), fill=148)
    ImageDraw.Draw(picture).rectangle((400, 100, 500, 200), fill=40)
    picture.save(tmp_path / "photo.pdf", resolution=72)
    page = pages(await faxed(tmp_path, replace(LETTER, document=tmp_path / "photo.pdf")))[1]
    assert 0.3 < ink(page.crop((350, 350, 750, 750))) < 0.7
    assert ink(page.crop((1160, 310, 1380, 500))) == 1
    assert ink(page.crop((1450, 600, 1700, 2000))) == 0


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "no PDF, PNG, JPEG or TIFF; save it as a PDF"),
        (b"GIF89a", "no PDF, PNG, JPEG or TIFF; save it as a PDF"),
        (
            b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog >>\nendobj\ntrailer << /Root 1 0 R >>",
            "no page|Print it to a new one",
        ),
    ],
)
async def test_a_bad_pdf_says_so(tmp_path, data, complaint):
    (tmp_path / "bad.pdf").write_bytes(data)
    with pytest.raises(BadDocumentError, match=complaint):
        await faxed(tmp_path, replace(LETTER, document=tmp_path / "bad.pdf"))


async def test_a_pdf_that_is_missing_or_no_file_says_so(tmp_path):
    with pytest.raises(BadDocumentError, match=r"No such file.*gone\.pdf"):
        await faxed(tmp_path, replace(LETTER, document=tmp_path / "gone.pdf"))
    os.mkfifo(tmp_path / "pipe.pdf")
    with pytest.raises(BadDocumentError, match="not a file"):
        await faxed(tmp_path, replace(LETTER, document=tmp_path / "pipe.pdf"))


async def test_a_pdf_with_too_many_pages_is_refused_before_it_is_rendered(tmp_path):
    file = pdf_of(tmp_path, *[(100, 100)] * 5)
    with pytest.raises(
        BadDocumentError, match="6 pages is longer than the 5 allowed: split it, or raise max_pages"
    ):
        await faxed(tmp_path, replace(LETTER, document=file), max_pages=5)
    image = await faxed(tmp_path, replace(LETTER, document=file), max_pages=6)
    with pytest.raises(
        BadDocumentError, match="6 pages is longer than the 5 allowed: split it, or raise max_pages"
    ):
        await faxed(tmp_path, replace(LETTER, document=file), max_pages=5)
    assert image.pages == 6


async def test_a_pdf_that_takes_all_memory_takes_that_of_its_own_process_alone(tmp_path):
    # Forms that draw one another ten times each, eight deep: a hundred million rectangles.
    forms = [b"/F Do " * 10] * 8 + [b"0 0 600 700 re f " * 10]
    (tmp_path / "bomb.pdf").write_bytes(written_pdf(forms))
    with pytest.raises(BadDocumentError, match=r"more time or memory.*: split it, or save it at 300 dpi"):
        await faxed(tmp_path, replace(LETTER, document=tmp_path / "bomb.pdf"))
    assert not list((tmp_path / "faxes").glob(".*.part"))
    assert (await faxed(tmp_path)).pages == 2


async def test_a_pdf_that_takes_for_ever_is_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr(fax, "CPU_SECONDS", 1)
    (tmp_path / "slow.pdf").write_bytes(slow_pdf())
    with pytest.raises(BadDocumentError, match=r"more time or memory.*: split it, or save it at 300 dpi"):
        await faxed(tmp_path, replace(LETTER, document=tmp_path / "slow.pdf"))
    assert (await faxed(tmp_path)).pages == 2


def slow_pdf() -> bytes:
    """The whole page painted half transparent forty thousand times."""
    return written_pdf([b"/F Do " * 200, b"/G gs " + b"0 0 612 792 re f " * 200])


def written_pdf(forms: list[bytes]) -> bytes:
    """One page that draws the first form as /F, each form the next one."""
    state = b"/ExtGState << /G << /ca 0.5 >> >>"
    objects = [b"<< /Type /Catalog /Pages 2 0 R >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>"]
    page = b"/Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
    objects.append(b"<< " + page + b" /Resources << /XObject << /F 5 0 R >> >> >>")
    objects.append(stream(b"", b"/F Do"))
    for number, content in enumerate(forms, 6):
        last = number == 5 + len(forms)
        inner = state + (b"" if last else b"/XObject << /F %d 0 R >>" % number)
        form = b"/Type /XObject /Subtype /Form /BBox [0 0 612 792] /Resources << " + inner + b" >>"
        objects.append(stream(form, content))
    return written(objects)


async def test_the_same_letter_is_rendered_once_and_names_tell_nothing(tmp_path):
    first = await faxed(tmp_path)
    inode = first.tiff.stat().st_ino
    assert await faxed(tmp_path) == first
    assert first.tiff.stat().st_ino == inode
    assert "osta" not in first.tiff.name
    assert first.tiff.is_absolute()
    assert (await faxed(tmp_path, cache=tmp_path / "elsewhere")).tiff.name != first.tiff.name


async def test_a_fax_that_a_power_cut_emptied_is_rendered_again(tmp_path):
    first = await faxed(tmp_path)
    first.tiff.write_bytes(b"")
    assert await faxed(tmp_path) == first


async def test_the_same_content_gives_the_same_bytes_wherever_it_is_rendered(tmp_path):
    one, two = await faxed(tmp_path), await faxed(tmp_path, cache=tmp_path / "elsewhere")
    assert one.tiff.read_bytes() == two.tiff.read_bytes()


async def test_a_pdf_that_changed_is_another_fax(tmp_path):
    letter = replace(LETTER, document=pdf_of(tmp_path, (612, 792)))
    before = await faxed(tmp_path, letter)
    pdf_of(tmp_path, (612, 792), ink_at=0.5)
    assert (await faxed(tmp_path, letter)).tiff != before.tiff


async def test_faxes_that_nobody_uses_any_more_are_removed(tmp_path):
    old, kept = await faxed(tmp_path), await faxed(tmp_path, cover=False)
    other = tmp_path / "faxes" / "notes.tiff"
    other.touch()
    for file, age in {
        old.tiff: KEEP_SECONDS,
        kept.tiff: KEEP_SECONDS,
        other: KEEP_SECONDS,
        tmp_path / "faxes" / "swept": SWEEP_SECONDS,
    }.items():
        os.utime(file, (time.time() - age - 60,) * 2)
    assert await faxed(tmp_path, cover=False) == kept
    await faxed(tmp_path, replace(LETTER, to_name="Somebody Else"))
    assert not old.tiff.exists()
    assert kept.tiff.exists()
    assert other.exists()


async def test_a_cache_that_cannot_be_used_is_said(tmp_path):
    (tmp_path / "faxes").write_text("in the way")
    with pytest.raises(RenderingError, match="cannot be used: File exists"):
        await faxed(tmp_path)


def children() -> set[psutil.Process]:
    """The processes of this one; other tests may have left a database running."""
    return set(psutil.Process().children())


async def test_a_caller_that_gives_up_leaves_no_process(tmp_path):
    (tmp_path / "slow.pdf").write_bytes(slow_pdf())
    task = asyncio.create_task(faxed(tmp_path, replace(LETTER, document=tmp_path / "slow.pdf")))
    others = children()
    while not children() - others:
        await asyncio.sleep(0.01)
        assert not task.done()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not children() - others


async def test_a_renderer_does_one_letter_at_a_time(tmp_path):
    renderer = FaxRenderer(tmp_path, SENDER, lambda: DAY)
    most, others = 0, children()
    letters = [replace(LETTER, to_name=f"Person {number}") for number in range(4)]
    tasks = [asyncio.create_task(renderer.render(letter)) for letter in letters]
    while not all(task.done() for task in tasks):
        most = max(most, len(children() - others))
        await asyncio.sleep(0.01)
    assert len({task.result().tiff for task in tasks}) == 4
    assert most == 1


async def test_the_letter_is_not_in_the_arguments_of_a_process(tmp_path, monkeypatch):
    seen: list[str] = []
    started = asyncio.create_subprocess_exec

    async def noted(*command: str, **more: object):
        seen.extend(command)
        return await started(*command, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", noted)
    await faxed(tmp_path)
    assert seen == list(fax._COMMAND)
    assert seen[0] == sys.executable


def test_widths_are_those_of_the_letters():
    with Sheets() as sheets:
        assert sheets.width("iii", 12) < sheets.width("WWW", 12)
        assert list(sheets.wrapped("aaa bbb", 12, width=sheets.width("aaa bb", 12))) == ["aaa", "bbb"]
        assert list(sheets.wrapped("", 12)) == [""]
        broken = list(sheets.wrapped("W" * 100, 12, width=100))
        assert "".join(broken) == "W" * 100
        assert all(sheets.width(line, 12) <= 100 for line in broken)


async def test_the_rest_of_a_fax_is_its_cover_with_a_note_and_the_pages_that_are_missing(
    tmp_path: Path,
) -> None:
    whole = await faxed(tmp_path, replace(LETTER, text="one\ftwo, longer\fthree, the longest of all"))
    rest = rest_of(whole, 2)
    assert (whole.pages, rest.pages) == (4, 2)
    with Image.open(whole.tiff) as before, Image.open(rest.tiff) as after:
        assert after.tag_v2[283] == before.tag_v2[283]  # type: ignore[attr-defined]
        cover, told = before.convert("1"), after.convert("1")
        assert told.size == cover.size
        assert _black(told) > _black(cover), "the note is on the cover"
        before.seek(3)
        after.seek(1)
        assert after.convert("1").tobytes() == before.convert("1").tobytes()
    assert rest_of(whole, 2) == rest, "written once"


async def test_a_rest_without_its_whole_is_an_error_with_words(tmp_path: Path) -> None:
    whole = await faxed(tmp_path)
    whole.tiff.unlink()
    with pytest.raises(RenderingError, match="the rest of a fax"):
        rest_of(whole, 0)


def _black(page: Image.Image) -> int:
    return page.convert("L").histogram()[0]
