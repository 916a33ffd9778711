"""Names the way people say them, and what cannot be said."""

from __future__ import annotations

import pytest

from gateway.wording import names
from gateway.wording.names import SlotError

OWN = {
    "en": names.table_of({"Nguyen": "Win", "Siobhan O'Shea": "Shivawn O Shay", "李": "Lee", "MRI": "M R I"}),
    "es": names.table_of({"Smith": "Esmit"}),
}


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Rosa Costa", "Rosa Costa"),
        ("ROSA COSTA", "Rosa Costa"),
        ("MARY O'BRIEN", "Mary O'Brien"),
        ("Mary O’Brien", "Mary O'Brien"),
        ("Anna Smith-Jones", "Anna Smith Jones"),
        ("Costa, Rosa", "Rosa Costa"),
        ("COSTA, ROSA MARIA", "Rosa Maria Costa"),
        ("Dr. Ito", "Doctor Ito"),
        ("Dr Grace Okafor, MD", "Doctor Grace Okafor"),
        ("Okafor, Grace, M.D.", "Grace Okafor"),
        ("Grace Okafor MD PhD", "Grace Okafor"),
        ("Minh Do", "Minh Do"),
        ("MINH DO", "Minh Do"),
        ("Mrs. Keller", "Missus Keller"),
        ("Martin King Jr.", "Martin King junior"),
        ("King, Jr.", "King junior"),
        ("Henry Ford III", "Henry Ford the third"),
        ("John F. Miller", "John F Miller"),
        ("J.R. Ewing", "J R Ewing"),
        ('William "Bill" Gray', "William Bill Gray"),
        ("Tara (new patient)", "Tara new patient"),
        ("José Núñez", "José Núñez"),
        ("Łukasz Żak", "Łukasz Żak"),
        ("Tuan Nguyen", "Tuan Win"),
        ("tuan NGUYEN", "tuan Win"),
        ("siobhan  o'shea", "Shivawn O Shay"),
        ("李", "Lee"),
    ],
)
def test_a_name_is_said_the_way_people_say_it(written: str, said: str) -> None:
    assert names.say_name(written, "en", OWN) == said


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Dra. Elena Lopez", "doctora Elena Lopez"),
        ("Sr. Costa", "señor Costa"),
        ("Ana Smith", "Ana Esmit"),
        ("JOSÉ NÚÑEZ", "José Núñez"),
    ],
)
def test_a_name_is_said_in_the_listeners_language(written: str, said: str) -> None:
    assert names.say_name(written, "es", OWN) == said


def test_words_of_a_service_are_said_as_the_list_says() -> None:
    assert names.say_text("Knee MRI", "en", OWN) == "Knee M R I"
    assert names.say_text("Knee MRI", "fr", OWN) == "Knee MRI"


@pytest.mark.parametrize(
    ("value", "language", "complaint"),
    [
        ("", "en", "<ClientName> has no value"),
        (" - ", "en", "<ClientName> has no value"),
        ("x" * 5000, "en", "<ClientName> has 5000 characters, more than 200"),
        ("Анна Каренина", "en", "<ClientName> has Cyrillic letters, which no voice for 'en' can read"),
        ("李小龙", "en", "<ClientName> has Chinese letters"),
        ("مريم", "es", "<ClientName> has Arabic letters"),
        ("Rosa 李", "en", "<ClientName> has Chinese letters"),
    ],
)
def test_a_slot_that_cannot_be_said_is_named_without_its_value(
    value: str, language: str, complaint: str
) -> None:
    with pytest.raises(SlotError, match=complaint) as caught:
        names.checked("ClientName", value, value, language)
    assert not value.strip(" -") or value not in str(caught.value)


@pytest.mark.parametrize(
    ("value", "language"),
    [("Анна", "ru"), ("Dr. Łukasz Żak", "en"), ("Keʻalohi", "en"), ("1ª planta", "es"), ("Ñandú", "en")],
)
def test_letters_that_a_voice_reads_are_let_through(value: str, language: str) -> None:
    assert names.checked("ClientName", value, value, language) == value
