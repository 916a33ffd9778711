"""The benches are not run with the tests; they must still know the product they measure."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

import tests.bench


@pytest.mark.parametrize("name", sorted(module.name for module in pkgutil.iter_modules(tests.bench.__path__)))
def test_a_bench_can_be_loaded(name: str) -> None:
    if name != "__main__":
        assert importlib.import_module(f"tests.bench.{name}")
