"""The benches are not run with the tests; they must still know the product they measure."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import tests.bench
from tests.bench import fax
from tests.bench.__main__ import reaches_bar


@pytest.mark.parametrize("name", sorted(module.name for module in pkgutil.iter_modules(tests.bench.__path__)))
def test_a_bench_can_be_loaded(name: str) -> None:
    if name != "__main__":
        assert importlib.import_module(f"tests.bench.{name}")


@pytest.mark.parametrize(("good", "attempts", "well"), [(30, 30, True), (30, 31, False), (29, 30, False)])
def test_thirty_faxes_miss_their_bar_when_one_was_tried_twice_or_went_as_sound(
    good: int, attempts: int, well: bool
) -> None:
    assert reaches_bar({"ratio": fax.reached(good, attempts), "bar": 1.0}) is well
