"""The lock: everything that pyproject.toml asks for, by name and version alone."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import distributions, requires

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.setup.repository import ROOT, SCRIPTS

LINES = (SCRIPTS / "requirements.lock").read_text().splitlines()
LOCKED = {canonicalize_name(name): pinned for name, _, pinned in (line.partition("==") for line in LINES)}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DIRECT = [
    *PROJECT["build-system"]["requires"],
    *PROJECT["project"]["dependencies"],
    *(line for extra in PROJECT["project"]["optional-dependencies"].values() for line in extra),
]


def test_each_line_is_a_name_and_a_version() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[A-Za-z0-9._-]+==[0-9][A-Za-z0-9.]*", line)] == []
    assert len(LOCKED) == len(LINES)


@pytest.mark.parametrize("wanted", [Requirement(line) for line in DIRECT], ids=str)
def test_the_lock_holds_what_pyproject_asks_for(wanted: Requirement) -> None:
    if wanted.name != PROJECT["project"]["name"]:
        assert wanted.specifier.contains(LOCKED[canonicalize_name(wanted.name)], prereleases=True)


def _needed(requirement: Requirement, seen: set[tuple[str, str]]) -> None:
    """Collect what a requirement brings along, as installed here."""
    for extra in requirement.extras or {""}:
        key = (canonicalize_name(requirement.name), extra)
        if key in seen:
            continue
        seen.add(key)
        for line in requires(requirement.name) or []:
            child = Requirement(line)
            environment = {"extra": extra}
            if child.marker is None or child.marker.evaluate(environment):
                _needed(child, seen)


def test_the_lock_is_closed_and_holds_nothing_else() -> None:
    seen: set[tuple[str, str]] = set()
    for line in DIRECT:
        if Requirement(line).name != PROJECT["project"]["name"]:
            _needed(Requirement(line), seen)
    needed = {name for name, _ in seen}
    assert needed - set(LOCKED) == set()
    assert set(LOCKED) - needed == set()


def test_the_environment_has_the_locked_versions() -> None:
    installed = {canonicalize_name(found.name): found.version for found in distributions()}
    assert {name: installed.get(name, "missing: run `make setup`") for name in LOCKED} == LOCKED
