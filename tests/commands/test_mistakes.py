"""Ordinary mistakes on the command line: one line that says what to do, exit code 2, never a traceback."""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from gateway.__main__ import main
from gateway.commands import shared
from gateway.commands.shared import OneLine


@dataclass(frozen=True, slots=True)
class Said:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


Ringwell = Callable[..., Said]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    file = tmp_path / "ringwell.toml"
    file.write_text(f'instance = "{tmp_path}/clinic"\n[console]\nport = 0\n')
    return file


@pytest.fixture
def ringwell(config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ringwell:
    def called(*words: str, **environment: str) -> Said:
        for name, value in {"RINGWELL_CONFIG": str(config), **environment}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setattr(sys, "argv", ["ringwell", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Said(int(ended.value.code or 0), *capsys.readouterr())

    return called


def started(config: Path, **environment: str) -> Said:
    """`ringwell run` in a process of its own, which must end by itself."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "run", "--config", str(config)],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=30,
        stdin=subprocess.DEVNULL,
    )
    return Said(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"RINGWELL_CLINIC": "x"}, 'the environment (RINGWELL_…): error parsing value for field "clinic"'),
        (
            {"RINGWELL_STORE__URL": "nonsense"},
            "setting store.url: must begin with sqlite:/// or postgresql://",
        ),
        ({"RINGWELL_BINDS__MAIN__HOST": "a..b"}, "setting binds.main.host: 'a..b' is not a host name"),
        ({"RINGWELL_INSTANCE": "/proc/nowhere"}, "/proc/nowhere: No such file or directory"),
        ({"RINGWELL_INSTANCE": __file__}, f"{__file__}: File exists"),
        ({"RINGWELL_CONFIG": "/nowhere.toml"}, "cannot read settings file /nowhere.toml"),
    ],
)
def test_a_mistake_is_one_line_and_exit_code_two(
    ringwell: Ringwell, environment: dict[str, str], complaint: str
) -> None:
    said = ringwell("history", **environment)
    assert said.code == 2
    assert said.err.startswith(f"ringwell: {complaint}")
    assert said.err.count("\n") == 1


@pytest.mark.parametrize(
    "words",
    [
        ("history", "--broadcast", "9" * 20),
        ("history", "--most", "9" * 20),
        ("broadcast", "show", "9" * 20),
        ("broadcast", "cancel", "0"),
        ("broadcast", "plan", "--channel", "sms", "--days", "999999999"),
        ("broadcast", "plan", "--channel", "sms", "--start-date", "9999-12-31"),
        ("broadcast", "create", " ", "--channel", "sms"),
        ("broadcast", "create", "two\nlines", "--channel", "sms"),
        ("demo", "--once", "--report", "/nowhere/report.json"),
    ],
)
def test_an_impossible_value_is_refused(ringwell: Ringwell, words: tuple[str, ...]) -> None:
    assert ringwell(*words).code == 2


@pytest.mark.parametrize(
    ("environment", "complaint"),
    [
        ({"LOGLEVEL": "loud"}, "ringwell: setting LOGLEVEL (environment): 'LOUD' is not a level"),
        (
            {"RINGWELL_CONSOLE__HOST": "198.51.100.1"},
            "ringwell: setting console.port: cannot listen on 198.51",
        ),
        ({"RINGWELL_BINDS__M__SOURCE": "far too long a name"}, "ringwell: setting binds: source is neither"),
    ],
)
def test_a_daemon_that_cannot_start_says_why_in_one_line(
    config: Path, environment: dict[str, str], complaint: str
) -> None:
    said = started(config, **environment)
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith(complaint)
    assert "Traceback" not in said.err
    assert "alembic" not in said.err


def test_a_console_port_that_is_taken_is_named(config: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = started(config, RINGWELL_CONSOLE__PORT=str(port))
    assert said.code == 2
    assert f"setting console.port: cannot listen on 127.0.0.1 port {port}" in said.err
    assert "Traceback" not in said.err


def test_a_store_of_a_newer_version_is_not_touched(ringwell: Ringwell, tmp_path: Path) -> None:
    assert ringwell("migrate").code == 0
    with sqlite3.connect(tmp_path / "clinic" / "ringwell.sqlite3") as conn:
        conn.execute("UPDATE alembic_version SET version_num = '9999'")
    conn.close()
    for words in (["history"], ["migrate"]):
        said = ringwell(*words)
        assert (said.code, "use a newer one" in said.err) == (2, True), words
    looked = ringwell("migrate", "--check")
    assert looked.code == 1
    assert "use a newer one" in looked.out


def test_names_are_shown_as_they_are_written(
    ringwell: Ringwell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # No name is broken over lines, however long the other columns are at this hour.
    monkeypatch.setattr(shared.out, "width", 200)
    tomorrow = datetime.now().astimezone() + timedelta(days=1)
    clients, visits = tmp_path / "clients.csv", tmp_path / "visits.csv"
    clients.write_text(
        "id,given_name,family_name,mobile,messaging_consent\nC1,Ana [/b],[red]Diaz,+12125550101,yes\n"
    )
    visits.write_text(f"id,client,starts_at\nA1,C1,{tomorrow:%Y-%m-%d} 23:00\n")
    assert ringwell("import", "clients", str(clients)).code == 0
    assert ringwell("import", "appointments", str(visits)).code == 0
    days = ("--channel", "sms", "--days", "3")
    assert "Ana [/b] [red]Diaz" in ringwell("broadcast", "plan", *days).out
    assert ringwell("broadcast", "create", "[/x] :ok:", *days).code == 0
    assert "[/x] :ok:" in ringwell("broadcast", "list").out
    assert "Ana [/b]" in ringwell("history").out


def test_a_log_line_stays_one_line() -> None:
    record = logging.LogRecord(
        "a", logging.INFO, "", 1, "name %s", ("x\r\n2026 ERROR b: \x1b[2J\u2028",), None
    )
    assert OneLine("%(name)s: %(message)s").format(record) == (
        "a: name x\\x0d\\x0a2026 ERROR b: \\x1b[2J\\x2028"
    )


def test_the_words_of_an_exception_cannot_be_taken_for_a_log_line() -> None:
    try:
        raise ValueError("x\n2026 ERROR b: forged\x1b[2J")
    except ValueError:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "failed", (), sys.exc_info())
    lines = OneLine("%(message)s").format(record).split("\n")
    assert lines[0] == "failed"
    assert all(line.startswith("  ") for line in lines[1:])
    assert "\x1b" not in "".join(lines)
