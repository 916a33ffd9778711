"""Provisioning: once, whole or not at all, and taken up again after an interruption."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.asterisk.provision import installed, provision, require
from gateway.asterisk.runtime import AsteriskError, is_tested
from gateway.commands.asterisk import app
from gateway.settings import cache_folder


def _debootstrap(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """A program of that name that does what a broken or killed one does."""
    program = folder / "bin" / "debootstrap"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def _silent(step: str, count: int) -> None:
    """No progress is wanted."""


def test_what_is_there_is_not_unpacked_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    there = provision(cache_folder(), _silent)
    _debootstrap(tmp_path, monkeypatch, "exit 1")
    assert provision(cache_folder(), _silent) == there == installed(cache_folder())
    assert is_tested(there.version())


def test_a_half_unpacked_exchange_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "asterisk" / "usr").mkdir(parents=True)
    assert installed(tmp_path) is None
    with pytest.raises(AsteriskError, match="ringwell asterisk provision"):
        require(tmp_path)


def test_a_failure_is_said_in_the_tools_own_words_and_keeps_what_was_downloaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    _debootstrap(
        tmp_path,
        monkeypatch,
        'for last; do :; done; mkdir -p "$last"; touch "$(dirname "$last")/asterisk.packages/one.deb"\n'
        'echo "I: Retrieving one 1.0"; echo "I: Retrieving two 2.0"; echo "E: the line is cut"; exit 1',
    )
    steps: list[tuple[str, int]] = []
    for _ in range(2):
        with pytest.raises(AsteriskError, match="the line is cut"):
            provision(tmp_path, lambda step, count: steps.append((step, count)))
    assert steps == [("Retrieving", 1), ("Retrieving", 2)] * 2
    assert (tmp_path / "asterisk.packages" / "one.deb").exists()
    assert installed(tmp_path) is None


def test_a_release_that_was_not_tested_is_told_apart() -> None:
    assert is_tested("22.10.1")
    assert not is_tested("20.5.0")
    assert not is_tested("23.0.0")


async def test_the_commands_start_show_and_stop_the_exchange(tmp_path: Path) -> None:
    config = tmp_path / "ringwell.toml"
    config.write_text(f"instance = {json.dumps(str(tmp_path / 'clinic'))}\n")

    async def ringwell(*words: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, app, [*words, "--config", str(config)])
        return result.exit_code, result.stdout

    assert (await ringwell("status"))[0] == 1
    try:
        assert await ringwell("start") == (0, "Asterisk started\n")
        assert await ringwell("start") == (0, "Asterisk runs already\n")
        code, text = await ringwell("status", "--json")
        status = json.loads(text)
        assert (code, status["running"]) == (0, True)
        assert is_tested(status["version"])
    finally:
        assert (await ringwell("stop"))[0] == 0
    code, text = await ringwell("status", "--json")
    assert (code, json.loads(text)["running"]) == (1, False)
