"""A PostgreSQL server of the tests' own: free port, own folder, never root, fsync on.

A pytest plugin (`pytest_plugins = ["tests.postgres"]`) with the fixtures `postgres_url` and
`fresh_postgres_url`; benches use `with postgres_server() as server`.
"""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import pytest

from gateway.asterisk.instance import free_port

OLDEST = 15
START_SECONDS = 30.0
STOP_SECONDS = 20.0
OWNER = "ringwell"
# Durability as an installation has it; room for 16 claimers and their helpers.
OPTIONS = {"fsync": "on", "synchronous_commit": "on", "max_connections": "100"}


class PostgresError(RuntimeError):
    """The tests' PostgreSQL server cannot be found or started."""


@dataclass(frozen=True)
class Server:
    """A running server; databases are made on demand."""

    binaries: Path
    port: int

    def url(self, database: str = "postgres") -> str:
        """The address of a database, as a setting `store.url` has it."""
        return f"postgresql+asyncpg://{OWNER}@127.0.0.1:{self.port}/{database}"

    def create(self, database: str) -> str:
        """Make an empty database; its address."""
        self.sql(f'CREATE DATABASE "{database}"')
        return self.url(database)

    def drop(self, database: str) -> None:
        """Remove a database, with whatever is still connected to it."""
        self.sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')

    def sql(self, statement: str) -> str:
        """Run one statement as the owner; what psql prints."""
        command = [f"{self.binaries}/psql", "--host=127.0.0.1", f"--port={self.port}", f"--username={OWNER}"]
        command += ["--dbname=postgres", "--no-psqlrc", "--tuples-only", "--no-align", "-c", statement]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise PostgresError(done.stderr.strip())
        return done.stdout.strip()


@contextmanager
def postgres_server(**options: str) -> Iterator[Server]:
    """A server for the length of the block; `options` are lines of postgresql.conf."""
    binaries = find_binaries()
    folder = Path(tempfile.mkdtemp(prefix="ringwell-pg-"))
    try:
        user = _server_user()
        shutil.chown(folder, user)
        _initialise(binaries, folder, user)
        process, port = _start(binaries, folder, user, OPTIONS | options)
        try:
            yield Server(binaries, port)
        finally:
            _stop(process)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def find_binaries() -> Path:
    """The folder of the newest PostgreSQL server of version 15 or later on this machine."""
    found = [(version, folder) for folder in _candidates() if (version := _version(folder)) >= OLDEST]
    if not found:
        raise PostgresError(f"no PostgreSQL server of version {OLDEST} or later: run `make setup-test`")
    return max(found)[1]


def _candidates() -> list[Path]:
    debian = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    in_path = shutil.which("postgres")
    return debian + ([Path(in_path).resolve().parent] if in_path else [])


def _version(folder: Path) -> int:
    if not (folder / "initdb").exists() or not (folder / "psql").exists():
        return 0
    shown = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True).stdout
    number = re.search(r"\d+", shown)
    return int(number[0]) if number else 0


def _server_user() -> str:
    """PostgreSQL refuses to run as root: then Debian's user for it, or nobody."""
    if os.getuid():
        return pwd.getpwuid(os.getuid()).pw_name
    names = {entry.pw_name for entry in pwd.getpwall()}
    return "postgres" if "postgres" in names else "nobody"


def _as(user: str) -> list[str]:
    """The start of a command that shall run as `user` and end when these tests end, however they end."""
    command = ["setpriv", "--pdeathsig", "INT"]
    if os.getuid() == 0:
        command += ["--reuid", user, "--regid", str(pwd.getpwnam(user).pw_gid), "--clear-groups"]
    return [*command, "--"]


def _initialise(binaries: Path, folder: Path, user: str) -> None:
    command = [*_as(user), f"{binaries}/initdb", "--pgdata", f"{folder}/data", "--username", OWNER]
    command += ["--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise PostgresError(f"initdb failed: {done.stderr.strip()}")


def _start(
    binaries: Path, folder: Path, user: str, options: dict[str, str]
) -> tuple[subprocess.Popen[bytes], int]:
    for _ in range(3):
        # Between choosing a port and using it another program may take it: then choose again.
        port = free_port()
        process = _launch(binaries, folder, user, port, options)
        if _answers(binaries, process, port):
            return process, port
        _stop(process)
    raise PostgresError(f"PostgreSQL does not start: {(folder / 'log').read_text()[-2000:]}")


def _launch(
    binaries: Path, folder: Path, user: str, port: int, options: dict[str, str]
) -> subprocess.Popen[bytes]:
    settings = options | {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(folder)}
    command = [*_as(user), f"{binaries}/postgres", "-D", f"{folder}/data", "-p", str(port)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=folder)


def _answers(binaries: Path, process: subprocess.Popen[bytes], port: int) -> bool:
    deadline = time.monotonic() + START_SECONDS
    check = [f"{binaries}/pg_isready", "--quiet", "--host=127.0.0.1", f"--port={port}"]
    while time.monotonic() < deadline and process.poll() is None:
        if subprocess.run(check).returncode == 0:
            return process.poll() is None
        time.sleep(0.05)
    return False


def _stop(process: subprocess.Popen[bytes]) -> None:
    # SIGINT is the fast shutdown: open transactions are rolled back.
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """The session's own server."""
    with postgres_server() as server:
        yield server


@pytest.fixture(scope="session")
def postgres_url(postgres: Server) -> str:
    """A database shared by the session: make tables of your own in it, or take a fresh one."""
    return postgres.create("shared")


_numbers = count(1)


@pytest.fixture
def fresh_postgres_url(postgres: Server) -> Iterator[str]:
    """An empty database for one test."""
    name = f"test_{next(_numbers)}"
    yield postgres.create(name)
    postgres.drop(name)
