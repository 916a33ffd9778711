"""The server that store tests and benches run on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import asyncpg
import psutil
import pytest

from tests.postgres import PostgresError, Server, postgres_server


async def _ask(url: str, question: str) -> object:
    connection = await asyncpg.connect(url.replace("postgresql+asyncpg", "postgresql"))
    try:
        return await connection.fetchval(question)
    finally:
        await connection.close()


def _process(server: Server) -> psutil.Process:
    folder = server.sql("SHOW data_directory")
    return next(p for p in psutil.process_iter(["cmdline"]) if folder in (p.info["cmdline"] or []))


async def test_a_server_of_version_15_or_later_syncs_to_disk(postgres: Server, postgres_url: str) -> None:
    assert int(str(await _ask(postgres_url, "SHOW server_version_num"))) >= 150000
    assert await _ask(postgres_url, "SHOW fsync") == "on"
    assert await _ask(postgres_url, "SHOW synchronous_commit") == "on"


def test_the_server_does_not_run_as_root(postgres: Server) -> None:
    assert _process(postgres).uids().effective != 0


async def test_each_test_gets_an_empty_database(fresh_postgres_url: str, postgres: Server) -> None:
    await _ask(fresh_postgres_url, "CREATE TABLE note (id int)")
    other = postgres.create("another_test")
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
    assert await _ask(fresh_postgres_url, tables) == 1
    assert await _ask(other, tables) == 0
    postgres.drop("another_test")


def test_two_servers_run_side_by_side_and_leave_nothing(postgres: Server) -> None:
    with postgres_server(max_connections="20") as second:
        assert second.port != postgres.port
        assert second.sql("SHOW max_connections") == "20"
        process = _process(second)
    assert not process.is_running()
    with pytest.raises(PostgresError):
        second.sql("SELECT 1")


def test_a_wrong_option_says_what_postgres_said() -> None:
    with pytest.raises(PostgresError, match="no_such_option"), postgres_server(no_such_option="1"):
        pass


def test_the_server_does_not_outlive_tests_that_are_killed() -> None:
    script = "import os, sys; from tests.postgres import postgres_server\n"
    script += "with postgres_server() as s: print(s.sql('SHOW data_directory'), flush=True); os.abort()"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    folder = done.stdout.strip()
    assert folder
    running = [p for p in psutil.process_iter(["cmdline"]) if folder in (p.info["cmdline"] or [])]
    psutil.wait_procs(running, timeout=20)
    assert not any(p.is_running() for p in running)
    shutil.rmtree(Path(folder).parent)
