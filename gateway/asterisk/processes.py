"""Processes of an instance: found by the configuration they run with, ended with whoever gives them up."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any


def running(config: Path) -> list[int]:
    """Every exchange with this configuration, also one that has not written its number down yet."""
    wanted = str(config).encode()
    commands = ((int(path.parent.name), _command(path)) for path in Path("/proc").glob("[0-9]*/cmdline"))
    return [number for number, command in commands if wanted in command and b"-F" in command]


async def gone(numbers: Sequence[int], seconds: float) -> bool:
    """Wait until all of them have ended, at most this long; whether they have."""
    deadline = time.monotonic() + seconds
    while not (ended := all(map(_has_ended, numbers))) and time.monotonic() < deadline:  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    return ended


@contextlib.asynccontextmanager
async def child(*command: str, **options: Any) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process that does not outlive the block, however that ends."""
    process = await asyncio.create_subprocess_exec(*command, stdin=asyncio.subprocess.DEVNULL, **options)
    try:
        yield process
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
            # To its end: a pipe that is not read would keep it.
            await process.communicate()


def _command(cmdline: Path) -> list[bytes]:
    try:
        return cmdline.read_bytes().split(b"\0")
    except OSError:
        return []  # it ended meanwhile


def _has_ended(number: int) -> bool:
    """Whether a process is gone or waits to be reaped: its last thread too, which holds its ports."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return True
    state, threads = fields[0], int(fields[17])
    return state == "Z" and threads <= 1
