"""Dates, times and telephone numbers the way people say them."""

from __future__ import annotations

from datetime import datetime

import pytest

from gateway.wording import spoken


def at(hour: int, minute: int = 0, month: int = 11, day: int = 24) -> datetime:
    return datetime(2026, month, day, hour, minute)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("month", "day", "english", "spanish"),
    [
        (1, 1, "Thursday, January first", "jueves, primero de enero"),
        (2, 2, "Monday, February second", "lunes, dos de febrero"),
        (3, 3, "Tuesday, March third", "martes, tres de marzo"),
        (5, 12, "Tuesday, May twelfth", "martes, doce de mayo"),
        (6, 20, "Saturday, June twentieth", "sábado, veinte de junio"),
        (8, 21, "Friday, August twenty-first", "viernes, veintiuno de agosto"),
        (9, 30, "Wednesday, September thirtieth", "miércoles, treinta de septiembre"),
        (12, 31, "Thursday, December thirty-first", "jueves, treinta y uno de diciembre"),
    ],
)
def test_a_date_is_said_in_words(month: int, day: int, english: str, spanish: str) -> None:
    moment = at(9, month=month, day=day)
    assert spoken.say_date(moment, "en") == english
    assert spoken.say_date(moment, "es") == spanish


@pytest.mark.parametrize(
    ("hour", "minute", "english", "spanish"),
    [
        (0, 0, "twelve midnight", "las doce de la noche"),
        (0, 20, "twelve twenty A M", "las doce y veinte de la madrugada"),
        (1, 5, "one oh five A M", "la una y cinco de la madrugada"),
        (8, 0, "eight A M", "las ocho de la mañana"),
        (9, 30, "nine thirty A M", "las nueve y media de la mañana"),
        (10, 15, "ten fifteen A M", "las diez y cuarto de la mañana"),
        (11, 45, "eleven forty-five A M", "las once y cuarenta y cinco de la mañana"),
        (12, 0, "twelve noon", "las doce del mediodía"),
        (12, 30, "twelve thirty P M", "las doce y media de la tarde"),
        (13, 0, "one P M", "la una de la tarde"),
        (15, 50, "three fifty P M", "las tres y cincuenta de la tarde"),
        (20, 1, "eight oh one P M", "las ocho y uno de la noche"),
        (23, 59, "eleven fifty-nine P M", "las once y cincuenta y nueve de la noche"),
    ],
)
def test_a_time_is_said_in_words(hour: int, minute: int, english: str, spanish: str) -> None:
    assert spoken.say_time(at(hour, minute), "en") == english
    assert spoken.say_time(at(hour, minute), "es") == spanish


def test_every_minute_and_day_can_be_said() -> None:
    for language in ("en", "es"):
        times = {spoken.say_time(at(hour, minute), language) for hour in range(24) for minute in range(60)}
        assert len(times) == 24 * 60
        assert len({spoken.say_date(at(9, month=12, day=day), language) for day in range(1, 32)}) == 31
        assert not any(character.isdigit() for said in times for character in said)


def test_other_languages_get_the_long_forms_of_their_country() -> None:
    assert spoken.say_date(at(9), "de") == "Dienstag, 24 November"
    assert spoken.say_time(at(15, 30), "de") == "15:30"


@pytest.mark.parametrize(
    ("number", "country", "language", "said"),
    [
        ("+12125550100", "US", "en", "2 1 2, 5 5 5, 0 1 0 0"),
        ("(212) 555-0100", "US", "en", "2 1 2, 5 5 5, 0 1 0 0"),
        ("212-555-0100 ext. 42", "US", "en", "2 1 2, 5 5 5, 0 1 0 0, extension 4 2"),
        ("212-555-0100 ext. 42", "US", "es", "2 1 2, 5 5 5, 0 1 0 0, extensión 4 2"),
        ("+34912345678", "ES", "es", "9 1 2, 3 4, 5 6, 7 8"),
        ("+34912345678", "US", "en", "plus 3 4, 9 1 2, 3 4, 5 6, 7 8"),
        ("+12125550100", "MX", "es", "más 1, 2 1 2, 5 5 5, 0 1 0 0"),
        ("+442079460123", "GB", "en", "0 2 0, 7 9 4 6, 0 1 2 3"),
        ("911", "US", "en", "9 1 1"),
        ("call 5", "US", "en", "5"),
    ],
)
def test_a_telephone_number_is_said_in_the_groups_of_its_country(
    number: str, country: str, language: str, said: str
) -> None:
    assert spoken.say_number(number, country, language) == said


def test_figures_are_said_one_by_one() -> None:
    assert spoken.say_digits("Room 204") == "2 0 4"
