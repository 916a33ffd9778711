"""A call-back as a table: what is said and asked, step by step."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gateway.callback import words
from gateway.callback.limits import Limits
from gateway.callback.talk import (
    Act,
    Ask,
    Bye,
    Check,
    Checked,
    Event,
    Keys,
    Line,
    Noted,
    OptOut,
    Play,
    ToDesk,
    begin,
    step,
)
from tests.unit.factory import NOON

NUMBER = "+12125550042"


def told(*events: Event, number: str = NUMBER, opt_out: bool = False, desk: bool = False) -> Act:
    """The act after these events."""
    talk, act = begin(number, opt_out, desk, tries=3)
    for event in events:
        talk, act = step(talk, event)
    return act


def test_whoever_is_found_hears_the_message() -> None:
    assert told() == Ask((Line.WELCOME, Line.ENTER_BIRTHDAY), 4)
    assert told(Keys("0305")) == Check(NUMBER, "0305")
    assert told(Keys("0305"), Checked(True)) == Play()


def test_a_wrong_birthday_may_be_tried_again_and_then_no_more() -> None:
    wrong = [Keys("0101"), Checked(False)]
    assert told(*wrong) == Ask((Line.NOT_FOUND, Line.ENTER_BIRTHDAY), 4)
    assert told(*wrong * 3) == Bye((Line.NOT_FOUND, Line.GOODBYE))
    assert told(*wrong * 3, desk=True) == ToDesk((Line.NOT_FOUND, Line.CONNECTING))


def test_a_number_that_guessed_too_often_ends_at_once_even_with_the_right_day() -> None:
    assert told(Keys("0305"), Checked(True, allowed=False)) == Bye((Line.TOO_OFTEN, Line.GOODBYE))


def test_the_front_desk_is_offered_where_there_is_one() -> None:
    assert told(desk=True) == Ask((Line.WELCOME, Line.ENTER_BIRTHDAY, Line.OR_DESK), 4)
    assert told(Keys("0"), desk=True) == ToDesk((Line.CONNECTING,))
    assert told(Keys("0")) == Check(NUMBER, "0")


def test_silence_asks_once_more_and_then_ends() -> None:
    assert told(Keys("")) == Ask((Line.ENTER_BIRTHDAY,), 4)
    assert told(Keys(""), Keys("")) == Bye((Line.GOODBYE,))
    assert told(Keys(""), Keys(""), desk=True) == ToDesk((Line.CONNECTING,))


def test_a_withheld_number_is_asked_for() -> None:
    assert told(number="") == Ask((Line.WELCOME, Line.ENTER_NUMBER), 15)
    assert told(Keys("2125550042"), Keys("0305"), number="") == Check("2125550042", "0305")


def test_the_opt_out_line_needs_no_check() -> None:
    assert told(opt_out=True) == Ask((Line.OPT_OUT_WELCOME, Line.PRESS_TO_STOP), 1)
    assert told(Keys("9"), opt_out=True) == OptOut(NUMBER)
    assert told(Keys("9"), Noted(), opt_out=True) == Bye((Line.STOPPED, Line.GOODBYE))
    assert told(Keys("5"), opt_out=True) == Ask((Line.PRESS_TO_STOP,), 1)
    assert told(Keys("5"), Keys(""), opt_out=True, desk=True) == Bye((Line.GOODBYE,))
    assert told(Keys("2125550042"), Keys("9"), number="", opt_out=True) == OptOut("2125550042")


@pytest.mark.parametrize(
    ("digits", "country", "expected"),
    [
        ("0305", "US", (3, 5)),
        ("0305", "CA", (3, 5)),
        ("0305", "MX", (5, 3)),
        ("2902", "ES", (2, 29)),
        ("1301", "US", None),
        ("0132", "US", None),
        ("031", "US", None),
        ("٠٣٠٥", "US", None),
        ("03*5", "US", None),
    ],
)
def test_four_digits_are_a_day_of_the_year(digits: str, country: str, expected: object) -> None:
    assert words.birthday(digits, country) == expected


@pytest.mark.parametrize("language", words.TEXTS)
@pytest.mark.parametrize("country", ["US", "ES"])
@pytest.mark.parametrize("line", Line)
def test_every_line_has_words_in_every_language(line: Line, country: str, language: str) -> None:
    said = words.spoken(line, "Harbor Street Clinic", country, language)
    assert said.language == language
    assert "{" not in said.text
    assert said.text


def test_an_hour_after_it_failed_a_number_may_try_again() -> None:
    limits = Limits(2, 10)
    for minute in (0, 1):
        assert limits.may_try(NUMBER, NOON)
        limits.failed(NUMBER, NOON + timedelta(minutes=minute))
    assert not limits.may_try(NUMBER, NOON + timedelta(minutes=2))
    assert limits.may_try("+12125550043", NOON)
    assert limits.may_try(NUMBER, NOON + timedelta(minutes=60))


def test_a_day_after_it_failed_too_often_a_number_may_try_again() -> None:
    limits = Limits(2, 3)
    for hour in (0, 2, 4):
        assert limits.may_try(NUMBER, NOON + timedelta(hours=hour))
        limits.failed(NUMBER, NOON + timedelta(hours=hour))
    assert not limits.may_try(NUMBER, NOON + timedelta(hours=6))
    assert limits.may_try(NUMBER, NOON + timedelta(hours=24))
