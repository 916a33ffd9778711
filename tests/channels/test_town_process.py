"""The town as a process of its own: says where it is, obeys, and leaves nothing behind."""

from __future__ import annotations

import os
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.town.control import command
from gateway.town.errors import TownError
from gateway.town.town import Address, read_address


def _until(done: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, "it did not come about in time"
        time.sleep(0.05)


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], Address]:
    town = subprocess.Popen(
        [sys.executable, "-m", "gateway.town", "--folder", str(folder)], stdout=subprocess.DEVNULL
    )
    _until(lambda: read_address(folder) is not None or town.poll() is not None)
    address = read_address(folder)
    assert address is not None, "the town stopped at once"
    return town, address


def _is_alive(pid: int) -> bool:
    try:
        return " Z " not in Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False


@pytest.fixture
def started(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[bytes], Address]]:
    town, address = _start(tmp_path)
    yield town, address
    town.terminate()
    town.wait(20)


async def test_a_part_goes_away_and_comes_back(started: tuple[subprocess.Popen[bytes], Address]) -> None:
    _, address = started
    await command(address.control, "pause mail")
    with pytest.raises(ConnectionRefusedError):
        smtplib.SMTP("127.0.0.1", address.smtp, timeout=5)
    await command(address.control, "resume mail")
    with smtplib.SMTP("127.0.0.1", address.smtp, timeout=5) as client:
        assert client.noop()[0] == 250
    with pytest.raises(TownError, match="no 'moon'"):
        await command(address.control, "pause moon")
    with pytest.raises(TownError, match="cannot 'dance'"):
        await command(address.control, "dance mail")


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_cleanly_when_told(tmp_path: Path, how: signal.Signals) -> None:
    town, address = _start(tmp_path)
    assert _is_alive(address.exchange_pid)
    town.send_signal(how)
    assert town.wait(20) == 0
    assert not _is_alive(address.exchange_pid)
    assert read_address(tmp_path) is None


def test_a_town_that_was_killed_starts_again_in_its_folder(tmp_path: Path) -> None:
    town, first = _start(tmp_path)
    town.kill()
    town.wait(20)
    (tmp_path / "town.json").unlink()
    town, second = _start(tmp_path)
    try:
        assert not _is_alive(first.exchange_pid)
        assert second.exchange_pid != first.exchange_pid
    finally:
        os.kill(second.pid, signal.SIGTERM)
        assert town.wait(20) == 0
