"""Whoever ends the demo ends everything that it started."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil


def _processes(folder: Path) -> list[psutil.Process]:
    """Whoever runs with something below this folder."""
    return [
        process
        for process in psutil.process_iter(["cmdline", "status"])
        if str(folder) in " ".join(process.info["cmdline"] or []) and process.info["status"] != "zombie"
    ]


def _until(what: str, folder: Path, few: int, many: int, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not few <= len(_processes(folder)) <= many:
        assert time.monotonic() < deadline, f"{what}: {_processes(folder)}"
        time.sleep(0.1)


def test_a_demo_that_is_told_to_end_leaves_nothing_behind(tmp_path: Path) -> None:
    folder = tmp_path / "rehearsal"
    command = [sys.executable, "-m", "gateway", "demo", "--once", "--folder", str(folder)]
    with (tmp_path / "out").open("wb") as out:
        demo = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        try:
            # The demo, its town and the town's exchange at least.
            _until("nothing started", folder, 3, 99)
            demo.send_signal(signal.SIGTERM)
            assert demo.wait(60) == 128 + signal.SIGTERM
        finally:
            demo.kill()
            demo.wait()
    _until("left behind", folder, 0, 0, seconds=20)
    assert "Traceback" not in (tmp_path / "out").read_text()
