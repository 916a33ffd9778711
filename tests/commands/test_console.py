"""`ringwell console` as an administrator would use it: links to come in, and the chain of the audit log."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.accounts.making import make_first
from gateway.console.door import Door, Pass, Purpose
from store.engine import Store

runner = CliRunner()


@pytest.fixture(autouse=True)
def _instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")


def _run(*words: str, code: int = 0) -> str:
    done = runner.invoke(app, ["console", *words])
    assert done.exit_code == code, done.output
    return done.output if done.exception is None or not code else done.output or str(done.exception)


def _opens(tmp_path: Path, link: str) -> Pass:
    token = parse_qs(urlsplit(link.strip()).query)["token"][0]
    found = Door(tmp_path / "console").redeem(token)
    assert found is not None
    return found


def _make_ada(tmp_path: Path) -> None:
    async def made() -> None:
        async with Store(f"sqlite:///{tmp_path / 'ringwell.sqlite3'}") as store:
            await store.run(make_first, 1, "ada", "Ada", "en", datetime.now(UTC))

    asyncio.run(made())


def test_the_first_link_makes_the_first_administrator(tmp_path: Path) -> None:
    link = _run("token")
    assert link.startswith("http://127.0.0.1:8480/enter?token=")
    assert _opens(tmp_path, link).purpose is Purpose.FIRST


def test_later_a_link_is_for_a_user(tmp_path: Path) -> None:
    _run("token")
    _make_ada(tmp_path)
    assert "name the one who is to come in with --user" in _run("token", code=1)
    assert "no user has this login" in _run("token", "--user", "bob", code=1)
    told = json.loads(_run("token", "--user", "ADA", "--json"))
    found = _opens(tmp_path, told["link"])
    assert (found.purpose, found.account) == (Purpose.ENTER, 1)
    found = _opens(tmp_path, _run("token", "--user", "ada", "--new-password"))
    assert (found.purpose, found.account) == (Purpose.PASSWORD, 1)


def test_a_line_of_the_audit_log_that_was_changed_is_found(tmp_path: Path) -> None:
    _run("token")
    _make_ada(tmp_path)
    assert "whole: 1 lines" in _run("verify-audit")
    assert json.loads(_run("verify-audit", "--json")) == {"lines": 1, "broken": None}
    with sqlite3.connect(tmp_path / "ringwell.sqlite3") as database:
        database.execute("UPDATE audit SET actor = 'Eve'")
    database.close()
    assert "line 1 was changed" in _run("verify-audit", code=1)
    assert json.loads(_run("verify-audit", "--json", code=1))["broken"] == {"line": 1, "why": "changed"}
