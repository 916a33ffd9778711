"""Nothing of the store is left out: whatever takes a connection is called here, on both engines."""

from __future__ import annotations

import ast
import inspect
import pkgutil
from importlib import import_module
from pathlib import Path

import pytest

import store
from tests.store.conftest import ENGINES

HERE = Path(__file__).parent
# Tests of one engine's own promises name that engine's fixtures; all others take `store`, `world` or `large`.
ONE_ENGINE = {"sqlite_store", "postgresql_store", "on_disk", "own_cluster"}


def _functions() -> list[str]:
    """Every public function of the store that works on a connection, as `module.function`."""
    found = []
    for module in pkgutil.iter_modules(store.__path__):
        if module.ispkg:
            continue
        loaded = import_module(f"store.{module.name}")
        for name, function in vars(loaded).items():
            if inspect.isfunction(function) and function.__module__ == loaded.__name__:
                first = next(iter(inspect.signature(function).parameters), "")
                if first == "conn" and not name.startswith("_"):
                    found.append(f"{module.name}.{name}")
    return found


def _called() -> set[str]:
    """What the suite names, as `module.function`, in tests that run on both engines or in their helpers."""
    names: set[str] = set()
    for path in HERE.glob("*.py"):
        tree = ast.parse(path.read_text())
        imported = {
            alias.asname or alias.name: f"{(node.module or '').removeprefix('store.')}.{alias.name}"
            for node in ast.walk(tree)
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("store.")
            for alias in node.names
        }
        for function in tree.body:
            if not _is_of_one_engine(function):
                names |= _names(function, imported)
    return names


def _is_of_one_engine(node: ast.stmt) -> bool:
    return any(isinstance(part, ast.arg) and part.arg in ONE_ENGINE for part in ast.walk(node))


def _names(node: ast.stmt, imported: dict[str, str]) -> set[str]:
    found = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
            found.add(f"{part.value.id}.{part.attr}")
        elif isinstance(part, ast.Name) and part.id in imported:
            found.add(imported[part.id])
    return found


# Called by other functions of the store, and named by none of the tests.
INSIDE = {"upsert.insert_into", "planner.advise", "verdicts.add"} | {
    f"ledger.{name}" for name in ("hold", "newest_word", "of_addresses", "words_against", "words_of")
}


@pytest.mark.parametrize("function", sorted(set(_functions()) - INSIDE))
def test_each_function_of_the_store_is_called_by_the_suite(function: str) -> None:
    assert function in _called()


def test_the_suite_knows_the_functions_that_matter() -> None:
    functions = set(_functions())
    assert {"queue.claim", "queue.start", "settle.settle", "sweep.sweep", "ids.take"} <= functions
    assert len(functions) > 40


async def test_a_store_of_the_suite_is_one_of_each_engine(store: store.engine.Store, engine: str) -> None:
    assert store.url.get_backend_name() == engine
    assert engine in ENGINES
    assert set(ENGINES) == {"sqlite", "postgresql"}
