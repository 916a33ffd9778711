"""`python -m tests.mutants [MODULE …]`: one fault at a time in the policy, and how many of them tests find.

Each fault is tried in a process of its own, forked from one that has everything loaded but the policy. Prints
the faults that no test finds, and exits 1 below the bar. docs/mutants.md explains those that remain.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.abc
import importlib.util
import os
import re
import resource
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import pytest
from rich.console import Console
from rich.progress import Progress

from tests.mutants.changing import Mutant, mutants_of

POLICY = Path(__file__).parents[2] / "gateway" / "policy"
# Words and tables are data, and a snapshot is no verdict; they have tests of their own.
LEFT_OUT = {"__init__", "words", "snapshot", "regions"}
BAR = 90.0
# A fault may make a loop endless. Of the processor: on a busy machine a test that only waits finds nothing.
LONGEST_SECONDS = 120
_PLAIN = ("-x", "-q", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist")
_KNOWS_THE_POLICY = re.compile(r"gateway\.policy|import policy")
# What takes long to load and has nothing of the policy in it.
_LOADED = ("hypothesis", "phonenumbers.timezone", "holidays", "gateway.wording", "tests.postgres")


class Faulty(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Gives one module of the policy its fault when it is imported."""

    def __init__(self, mutant: Mutant | None) -> None:
        """None: no fault."""
        self._mutant = mutant

    def find_spec(self, fullname: str, path: object, target: object = None) -> object:
        """Only of the module with the fault."""
        if self._mutant is None or fullname != f"gateway.policy.{self._mutant.module}":
            return None
        return importlib.util.spec_from_loader(fullname, self)

    def get_source(self, fullname: str) -> str:
        """The source with the fault."""
        return self._mutant.source if self._mutant else ""


def files_for(module: str) -> list[str]:
    """The tests that know the policy: those of this module first, the one that takes longest at the end."""
    folder = Path(__file__).parents[1] / "unit"
    others = [path for path in folder.glob("test_*.py") if _KNOWS_THE_POLICY.search(path.read_text())]
    files = sorted([*folder.glob("policy/test_*.py"), *others])

    def is_of(path: Path) -> bool:
        return module in path.stem or f"policy.{module} import" in path.read_text()

    return [
        str(path) for path in sorted(files, key=lambda path: (path.stem == "test_hours", not is_of(path)))
    ]


def find(mutant: Mutant | None) -> int:
    """0 where no test finds the fault. What is searched with thousands of examples comes after all else."""
    files = files_for(mutant.module if mutant else "")
    quick = [file for file in files if not file.endswith("test_hours.py")]
    return int(pytest.main([*_PLAIN, "-m", "not hypothesis", *quick])) or int(pytest.main([*_PLAIN, *files]))


def start(mutant: Mutant | None) -> int:
    """A process that tries one fault; it ends with 0 where the tests pass."""
    if pid := os.fork():
        return pid
    code = 1
    try:
        resource.setrlimit(resource.RLIMIT_CPU, (LONGEST_SECONDS, LONGEST_SECONDS))
        silence = os.open(os.devnull, os.O_WRONLY)
        os.dup2(silence, 1)
        os.dup2(silence, 2)
        sys.meta_path.insert(0, Faulty(mutant))
        code = find(mutant)
    finally:
        os._exit(code)


def survivors(mutants: Sequence[Mutant], workers: int, bar: Progress) -> Iterator[Mutant]:
    """The faults that no test finds."""
    waiting, running = iter(mutants), dict[int, Mutant]()
    task = bar.add_task("Faults", total=len(mutants))
    while True:
        while len(running) < workers and (mutant := next(waiting, None)) is not None:
            running[start(mutant)] = mutant
        if not running:
            return
        pid, status = os.wait()
        bar.advance(task)
        tried = running.pop(pid)
        if status == 0:
            yield tried


def all_mutants(modules: Iterable[str], every: int) -> list[Mutant]:
    """The faults of these modules, or each n-th of them."""
    files = {path.stem: path for path in sorted(POLICY.glob("*.py")) if path.stem not in LEFT_OUT}
    chosen = [files[name] for name in modules] or list(files.values())
    return [one for file in chosen for one in mutants_of(file.stem, file.read_text())][::every]


def main() -> int:
    """Count; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("modules", nargs="*", help="modules of gateway/policy; all of them if none is named")
    parser.add_argument("--every", type=int, default=1, help="only each n-th fault")
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    wanted = parser.parse_args()
    for name in _LOADED:
        importlib.import_module(name)
    if os.waitpid(start(None), 0)[1]:
        sys.exit("the tests fail without any fault: run pytest tests/unit/policy")
    mutants = all_mutants(wanted.modules, wanted.every)
    alive = 0
    with Progress(console=Console(stderr=True)) as bar:
        for mutant in survivors(mutants, wanted.workers, bar):
            alive += 1
            print(f"gateway/policy/{mutant.module}.py:{mutant.line}: {mutant.what}", flush=True)
    killed = 100 * (1 - alive / len(mutants))
    print(f"{len(mutants)} faults, {alive} survive, {killed:.1f} % found (at least {BAR:.0f} %)")
    return 0 if killed >= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
