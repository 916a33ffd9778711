"""Numbers of North America are looked up in blocks of a thousand: the library says the same of each."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st
from phonenumbers import number_type, parse

from gateway.policy.lines import _LINES, Line, line_of


# Barbados and Jamaica have the finest plans.
@given(st.from_regex(r"\+1([2-9][0-9]{2}|246|658|876)[0-9]{7}", fullmatch=True))
@example("+12465210999")
@example("+12465220000")
@example("+18766060123")
@example("+18766061999")
@example("+18005550100")
@example("+19005550100")
@example("+12125550199")
def test_a_number_of_north_america_is_of_the_kind_that_the_library_says(number: str) -> None:
    assert line_of(number) == _LINES.get(number_type(parse(number, None)), Line.NOWHERE)
