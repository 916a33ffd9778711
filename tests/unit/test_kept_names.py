"""What the exchange keeps of calls is found by the names that Asterisk gives calls."""

from __future__ import annotations

import pytest

from gateway.asterisk import arrivals, backs

NAMES = ["1700000000.12", "pbx-1700000000.12", "pbx.clinic-1700000000.12", "front_desk-2-1700000000.12"]


@pytest.mark.parametrize("name", NAMES)
def test_a_call_is_found_whatever_its_system_is_called(name: str) -> None:
    back = backs.parse(name, "rw-1-7-1|+12025550107|")
    assert back is not None
    assert (back.id, back.number) == (name, "+12025550107")
    fax = arrivals.parse(name, "1700000000|+1|+2|SUCCESS|1|14400|T38|lab|")
    assert fax is not None
    assert fax.id == name


@pytest.mark.parametrize("name", ["../1700000000.12", "a/b-1700000000.12", "1700000000", "", "x-1.2.tif"])
def test_a_name_that_is_no_calls_is_not_taken(name: str) -> None:
    assert backs.parse(name, "rw-1-7-1|+12025550107|") is None
    assert arrivals.parse(name, "1700000000|+1|+2|SUCCESS|1|14400|T38|lab|") is None
