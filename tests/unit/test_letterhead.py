"""A mail's HTML is what mail programs show alike: tables, styles in place, nothing fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path

import hypothesis
import pytest
from hypothesis import strategies as st

from gateway import wording
from gateway.channels.email_logo import LONGEST, logo_part
from gateway.domain import LOGO, Channel, Mail
from gateway.settings import Clinic, SettingsError
from gateway.wording.mail import contrast, letter, letter_text, readable_on
from tests.unit.factory import facts

CLINIC = Clinic(
    name="Harbor Street Clinic & Sons",
    callback="+1 (202) 555-0100",
    address="1 Harbor Street; Springfield, MA 01101",
    logo="/etc/ringwell/logo.png",
)
BODY = "Dear Rosa <b>Costa</b>,\n\nwe expect you.\nCome early & rested.\n\nHarbor Street Clinic & Sons"
# What mail programs show, all of them (caniemail.com); what they strip is not here.
TAGS = {*("html", "head", "meta", "title", "body", "table", "tr", "td", "p", "br", "span", "a", "img")}
STYLES = {
    *("margin", "padding", "background-color", "color", "width", "max-width", "height", "display", "border"),
    *("font-family", "font-size", "font-weight", "line-height"),
}
_EMPTY = {"meta", "br", "img"}


class Page(HTMLParser):
    """Reads a page as strictly as a mail program does not."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self.contrasts: list[float] = []
        self._open: list[tuple[str, str, str]] = []
        self.feed(page)
        self.close()
        assert not self._open, "every element is closed"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        assert len(given) == len(attrs), "no attribute twice"
        self.tags.append((tag, given))
        _, ground, ink = self._open[-1] if self._open else ("", "", "")
        style = styles(given)
        ground, ink = style.get("background-color", ground), style.get("color", ink)
        if tag not in _EMPTY:
            self._open.append((tag, ground, ink))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop()[0] == tag

    def handle_data(self, data: str) -> None:
        tag, ground, ink = self._open[-1] if self._open else ("", "", "")
        if data.strip() and tag != "title":
            self.words += data.split()
            self.contrasts.append(contrast(ground, ink))


def styles(given: dict[str, str]) -> dict[str, str]:
    pairs = [part.split(":", 1) for part in given.get("style", "").split(";") if part]
    return {name.strip(): value.strip() for name, value in pairs}


def page(clinic: Clinic = CLINIC, body: str = BODY, language: str = "en") -> Page:
    return Page(letter("Your visit", body, clinic, language))


def test_the_layout_is_made_of_tables_and_fits_every_window():
    found = page()
    assert {tag for tag, _ in found.tags} <= TAGS
    for tag, given in found.tags:
        if tag == "table":
            assert given["role"] == "presentation"
            assert given["width"] == "100%" or int(given["width"]) <= 600
        assert set(styles(given)) <= STYLES
        assert not {name for name in given if name.startswith("on")}
        assert not {"class", "id"} & set(given)
    widths = [styles(given)["max-width"] for tag, given in found.tags if "max-width" in styles(given)]
    assert "600px" in widths


def test_nothing_is_fetched_and_nothing_runs():
    found = page()
    for tag, given in found.tags:
        assert tag not in ("script", "style", "link", "iframe", "form", "object")
        assert not {"background", "srcset", "action"} & set(given)
        assert given.get("src", f"cid:{LOGO}") == f"cid:{LOGO}"
        assert given.get("href", "tel:").startswith("tel:")
        assert "url(" not in given.get("style", "")


def test_it_says_its_language_and_what_its_pictures_show():
    tags = page(language="es").tags
    assert next(given for tag, given in tags if tag == "html")["lang"] == "es"
    [image] = [given for tag, given in tags if tag == "img"]
    assert image["alt"] == CLINIC.name
    assert not [tag for tag, _ in page(Clinic()).tags if tag == "img"], "no logo, no picture"


@pytest.mark.parametrize("colour", ["#0b3b4f", "#ffffff", "#000000", "#ffcc00", "#767676", "#7f7f7f"])
def test_every_word_is_read_easily_and_dark_mode_can_turn_its_colours(colour: str):
    found = page(CLINIC.model_copy(update={"colour": colour}))
    assert min(found.contrasts) >= 4.5
    assert {"name": "color-scheme", "content": "light dark"} in [given for _, given in found.tags]
    for _, given in found.tags:
        style = styles(given)
        assert "background-color" not in style or "color" in style, "a ground without its ink"
        assert given.get("bgcolor", style.get("background-color")) == style.get("background-color")


@hypothesis.given(st.integers(0, 0xFFFFFF))
def test_a_letterhead_of_any_colour_can_be_read(colour: int):
    assert contrast(f"#{colour:06x}", readable_on(f"#{colour:06x}")) >= 4.5


def test_it_is_small_and_its_lines_are_short():
    usual = letter("Your visit", BODY, CLINIC, "en")
    assert len(usual.encode()) < 4_000
    assert max(map(len, usual.split("\n"))) < 998
    assert len(letter("Your visit", "Long words, many of them.\n\n" * 800, CLINIC, "en").encode()) < 100_000


def test_the_letterhead_names_the_clinic_with_its_address_and_number():
    words = " ".join(page().words)
    for told in (CLINIC.name, "1 Harbor Street", "Springfield, MA 01101", CLINIC.callback):
        assert told in words
    [link] = [given["href"] for tag, given in page().tags if tag == "a"]
    assert link == "tel:+12025550100"


@pytest.mark.parametrize("body", [BODY, "Please call us."])
def test_the_text_says_the_same(body: str):
    plain = letter_text(body, CLINIC)
    assert set(page(body=body).words) <= set(plain.split())
    assert plain.count(CLINIC.name) == 1


def test_what_comes_from_data_stays_words():
    evil = '"><script>alert(1)</script><img src=x onerror=y>'
    clinic = Clinic(name=f"Clinic {evil}", callback='1 "><script>', address=f"a {evil}")
    found = Page(letter(evil, evil, clinic, 'en"><script>'))
    assert {tag for tag, _ in found.tags} <= TAGS
    assert not [given for _, given in found.tags if "onerror" in given or given.get("src", "") == "x"]


def test_a_reminder_carries_the_letterhead_in_both_parts():
    mail = wording.compose(facts(), Channel.EMAIL, CLINIC)
    assert isinstance(mail, Mail)
    assert set(Page(mail.html).words) <= set(mail.text.split())
    assert mail.text.endswith("1 Harbor Street\nSpringfield, MA 01101\n+1 (202) 555-0100")
    assert mail.invitation is not None
    assert mail.invitation.location == "1 Harbor Street, Springfield, MA 01101"


# --- the logo ---

PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 3000


def test_a_logo_travels_within_the_mail(tmp_path: Path):
    file = tmp_path / "logo.png"
    file.write_bytes(PNG)
    head, _, body = logo_part(str(file)).partition(b"\r\n\r\n")
    assert f"Content-ID: <{LOGO}>".encode() in head
    assert b"Content-Type: image/png" in head
    assert b"inline" in head
    assert max(map(len, body.split(b"\r\n"))) <= 76
    assert logo_part("") == b""


@pytest.mark.parametrize(
    ("octets", "words"),
    [
        (b"<svg onload=alert(1)>", "no PNG"),
        (b"", "no PNG"),
        (PNG + b"x" * LONGEST, "at most"),
        (None, "cannot read"),
    ],
)
def test_a_logo_that_cannot_travel_is_refused_with_its_reason(
    tmp_path: Path, octets: bytes | None, words: str
):
    file = tmp_path / "logo"
    if octets is not None:
        file.write_bytes(octets)
    with pytest.raises(SettingsError, match=re.escape(words)):
        logo_part(str(file))
