"""What cover pages say is the clinic's to choose, as long as it says enough and nothing about health."""

from __future__ import annotations

import pytest

from gateway.settings import FaxCover, FaxSettings
from gateway.wording import TemplateError
from gateway.wording.covers import SHIPPED, cover_in, cover_words, covers

KNOWN = {
    "ClientName": "Rosa",
    "Practice": "Clinic",
    "CallBack": "+1 202 555 0100",
    "Date": "today",
    "Pages": "3",
}


@pytest.mark.parametrize("language", list(SHIPPED))
def test_the_covers_that_ship_can_be_used_as_they_are(language: str) -> None:
    found = covers({language: SHIPPED[language]})
    words = cover_words(found[language], KNOWN)
    assert "Clinic" in [value for _, value in words.rows]
    assert "+1\u00a0202\u00a0555\u00a00100" in words.notice[-1]
    assert found[language].continued


def test_words_of_the_settings_take_the_place_of_shipped_ones_and_the_rest_stays() -> None:
    found = covers({"en": FaxCover(notice_heading="Private"), "fr": FaxCover(heading="Télécopie")})
    assert found["en"].notice_heading == "Private"
    assert found["en"].details == SHIPPED["en"].details
    assert cover_in(found, "fr", "en")[1].heading == "Télécopie"
    assert cover_in(found, "de", "es") == ("es", SHIPPED["es"])
    assert cover_in(found, "", "pt") == ("en", found["en"])


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (FaxCover(heading="About <Service>"), "en.heading: <Service> is not one of <ClientName>"),
        (FaxCover(notice="For <Clinician>. Call <CallBack>"), "en.notice: <Clinician> is not one of"),
        (FaxCover(notice="[prompt:hello] <CallBack>"), r"en.notice: \[prompt:hello\] is not one of"),
        (FaxCover(notice="Please destroy it."), "en.notice: must say <CallBack>"),
        (FaxCover(details="To: <ClientName>"), "en.details: must say <Practice>"),
        (FaxCover(details=SHIPPED["en"].details + "\nWelcome"), "en.details: write 'name: value'"),
        (FaxCover(details=SHIPPED["en"].details + "\nA: b" * 9), "10 lines at most"),
        (FaxCover(notice="<CallBack> " * 200), "shorten it"),
        (FaxCover(continued="After <Pages>"), "en.continued: <Pages> is not one of <First>, <Last>"),
    ],
)
def test_a_cover_that_says_too_little_or_too_much_is_refused(wrong: FaxCover, words: str) -> None:
    with pytest.raises(TemplateError, match=words):
        covers({"en": wrong})


def test_the_header_line_has_letters_that_the_fax_software_knows() -> None:
    assert FaxSettings(header="Clínica Peña").header_line == "Clinica Pena"
    assert FaxSettings(header="“Doe’s” – A").header_line == '"Doe\'s" - A'
    assert FaxSettings(header="Клиника 1").header_line == "??????? 1"
