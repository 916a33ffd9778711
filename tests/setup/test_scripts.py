"""The set-up scripts, the Makefile and CI's entry: what they say and when they refuse."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.setup.repository import ROOT, SCRIPTS

BASICS = ("bash", "dirname", "env", "mktemp", "tail", "rm", "cat", "mkdir", "tee", "grep", "head", "python3")


class Machine:
    """A PATH with the basic commands and stubs, and what a script did there."""

    def __init__(self, folder: Path) -> None:
        self.bin = folder / "bin"
        self.bin.mkdir()
        for name in BASICS:
            if found := shutil.which(name):
                (self.bin / name).symlink_to(found)
        self.log = folder / "log"

    def stub(self, name: str, script: str) -> None:
        """Add a command."""
        (self.bin / name).unlink(missing_ok=True)
        (self.bin / name).write_text(f"#!/bin/bash\n{script}\n")
        (self.bin / name).chmod(0o755)

    def run(self, *command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command with this PATH and no other environment."""
        variables = {"PATH": str(self.bin), "LOG": str(self.log), **environment}
        return subprocess.run(command, env=variables, capture_output=True, text=True)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.mark.parametrize("script", [*sorted(SCRIPTS.glob("*.sh")), ROOT / ".ci/run"], ids=lambda p: p.name)
def test_every_script_is_bash_that_stops_at_errors(script: Path) -> None:
    assert subprocess.run(["bash", "-n", script]).returncode == 0
    if script.name != "common.sh":
        assert "set -euo pipefail" in script.read_text()
        assert os.access(script, os.X_OK)


def test_nothing_is_said_when_nothing_is_missing() -> None:
    done = subprocess.run(
        [SCRIPTS / "system.sh", "gateway", "asterisk", "test"], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_an_unknown_group_is_refused() -> None:
    done = subprocess.run([SCRIPTS / "system.sh", "everything"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr == "set-up: unknown group 'everything': one of gateway, asterisk, test\n"


@pytest.mark.parametrize("script", ["system.sh", "python.sh"])
def test_an_old_python_is_refused_by_name(machine: Machine, script: str) -> None:
    machine.stub("old-python", 'case $1 in --version) echo "Python 3.9.2" ;; *) exit 1 ;; esac')
    done = machine.run(SCRIPTS / script, PYTHON="old-python")
    assert done.returncode == 1
    assert "old-python is Python 3.9.2: Python 3.11 or later is needed" in done.stderr


def test_a_python_that_is_not_there_is_refused_by_name(machine: Machine) -> None:
    done = machine.run(SCRIPTS / "system.sh", "gateway", PYTHON="python9")
    assert done.returncode == 1
    assert "no python9 found" in done.stderr


def test_without_root_and_sudo_it_says_what_is_missing(machine: Machine) -> None:
    machine.stub("id", "echo 1000")
    done = machine.run(SCRIPTS / "system.sh", "test")
    assert done.returncode == 1
    assert "Debian packages are missing (chromium fonts-liberation strace)" in done.stderr
    assert "run this as root, or install sudo" in done.stderr


def test_what_is_missing_is_installed_through_sudo_after_one_update(machine: Machine) -> None:
    machine.stub("id", "echo 1000")
    machine.stub("strace", "true")
    machine.stub("sudo", 'echo "$*" >>"$LOG"')
    done = machine.run(SCRIPTS / "system.sh", "test")
    assert done.returncode == 0, done.stderr
    asked = [line for line in machine.log.read_text().splitlines() if "apt-get" in line]
    assert [line.endswith(" update") for line in asked] == [True, False]
    assert asked[1].endswith(" install chromium fonts-liberation")
    assert "DEBIAN_FRONTEND=noninteractive" in asked[1]


def test_what_apt_says_is_shown_when_it_fails(machine: Machine) -> None:
    machine.stub("id", "echo 0")
    machine.stub("apt-get", 'echo "E: Unable to locate package $*"; exit 100')
    done = machine.run(SCRIPTS / "system.sh", "test")
    assert done.returncode == 1
    assert "E: Unable to locate package" in done.stderr
    assert "apt-get could not install: chromium fonts-liberation strace" in done.stderr


def test_a_phase_passes_its_exit_code_on(machine: Machine) -> None:
    done = machine.run(SCRIPTS / "phase.sh", "Trying", "bash", "-c", "exit 7")
    assert done.returncode == 7
    assert done.stdout == "== Trying\n"
    assert done.stderr.startswith("== Trying: FAILED (exit code 7) after ")


def test_an_entry_turns_secret_files_into_variables(machine: Machine, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("p@ss word\n")
    show = 'echo "$PGPASSWORD|$RINGWELL_TRUNKS__MAIN__PASSWORD|${PGPASSWORD_FILE-unset}"'
    files = {"PGPASSWORD_FILE": str(secret), "RINGWELL_TRUNKS__MAIN__PASSWORD_FILE": str(secret)}
    done = machine.run(SCRIPTS / "entry.sh", "bash", "-c", show, **files)
    assert done.stdout == "p@ss word|p@ss word|unset\n"


def test_an_entry_names_the_secret_that_it_cannot_read(machine: Machine) -> None:
    done = machine.run(SCRIPTS / "entry.sh", "bash", "-c", "echo started", PGPASSWORD_FILE="/none")
    assert done.returncode == 1
    assert done.stderr == "entry: PGPASSWORD_FILE: cannot read /none\n"
    assert done.stdout == ""


def _outside_make() -> dict[str, str]:
    # The tests themselves run under make: what it hands down would change what it prints.
    ours = ("MAKEFLAGS", "MAKELEVEL", "MFLAGS", "ARGS")
    return {name: value for name, value in os.environ.items() if name not in ours}


def _planned(*arguments: str) -> str:
    command = ["make", "--dry-run", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=_outside_make(), capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_make_demo_sets_up_first_and_hands_its_options_on() -> None:
    lines = _planned("demo", "ONCE=1", "REPORT=my report.json", "SEED=7").splitlines()
    assert lines[-1] == '.venv/bin/ringwell demo --once --report "my report.json" --seed "7"'
    assert [line.split()[-3:] for line in lines[:1]] == [["docker/setup/system.sh", "gateway", "asterisk"]]
    assert _planned("demo").splitlines()[-1].split() == [".venv/bin/ringwell", "demo"]


@pytest.mark.parametrize(
    ("set_up", "demo", "ends"), [(0, 0, 0), (0, 1, 1), (0, 2, 2), (0, 130, 2), (1, 0, 2), (7, 0, 2)]
)
def test_make_demo_ends_with_one_only_where_the_ledgers_disagree(
    tmp_path: Path, set_up: int, demo: int, ends: int
) -> None:
    shutil.copy2(ROOT / "Makefile", tmp_path)
    steps = {f"docker/setup/{name}.sh": 0 for name in ("system", "asterisk")}
    steps |= {"docker/setup/python.sh": set_up, ".venv/bin/ringwell": demo}
    for name, code in steps.items():
        program = tmp_path / name
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text(f"#!/bin/sh\necho {program.name} >>{tmp_path}/ran\nexit {code}\n")
        program.chmod(0o755)
    shutil.copy2(SCRIPTS / "phase.sh", tmp_path / "docker/setup")
    done = subprocess.run(["make", "demo", "ONCE=1"], cwd=tmp_path, env=_outside_make(), capture_output=True)
    assert done.returncode == ends
    ran = (tmp_path / "ran").read_text().split()
    assert ran == ["system.sh", "python.sh", *([] if set_up else ["asterisk.sh", "ringwell"])]


def test_make_test_sets_up_then_checks_then_tests() -> None:
    planned = _planned("test")
    steps = ["system.sh gateway asterisk test", "python.sh", "asterisk.sh", "ruff check", "ruff format"]
    steps += ["bin/mypy", "lint-imports", "bin/pytest"]
    places = [planned.index(step) for step in steps]
    assert places == sorted(places)
    assert "pytest" in planned.splitlines()[-1]


def test_ci_starts_with_nothing_and_passes_the_exit_code_on(machine: Machine, tmp_path: Path) -> None:
    (tmp_path / ".ci").mkdir()
    shutil.copy2(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / ".venv").mkdir()
    machine.stub("make", 'echo "$* $RINGWELL_CACHE" >"$LOG"; ls -A "$RINGWELL_CACHE" >>"$LOG"; exit 2')
    (machine.bin / "ls").symlink_to(shutil.which("ls") or "")
    assert machine.run(tmp_path / ".ci" / "run").returncode == 2
    called = machine.log.read_text().splitlines()
    assert len(called) == 1, "the cache folder is empty"
    target, cache = called[0].split()
    assert target == "test"
    assert not Path(cache).exists()
    assert not (tmp_path / ".venv").exists()
