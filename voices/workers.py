"""Rendering processes: started when needed, replaced when they die, stopped when they take too long."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Sequence
from typing import Any

from voices import jobs
from voices.errors import RenderError
from voices.jobs import Job

log = logging.getLogger(__name__)

# `-P`: the folder that the daemon was started in is no place to import from.
COMMAND = (sys.executable, "-P", "-m", "voices.worker")
# Takes files of strangers: it knows no voice and has less memory.
RECORDINGS = (*COMMAND, "recordings")
START_SECONDS = 60.0
STOP_SECONDS = 5.0


class _DiedError(Exception):
    """The process ended without an answer."""


_PASSED_ON = ("PATH", "PYTHONPATH", "LD_LIBRARY_PATH", "LANG", "LC_ALL", "TMPDIR")


def environment() -> dict[str, str]:
    """No settings (they hold secrets), and one thread where libraries would take one for each core."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return passed | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


class Workers:
    """At most `count` processes; each does one job at a time."""

    def __init__(self, count: int, seconds: float, command: Sequence[str] | None = None) -> None:
        self._seconds, self._command = seconds, command or COMMAND
        self._slots = asyncio.Semaphore(count)
        self._idle: list[Process] = []
        self._all: set[Process] = set()
        self._closed = False

    @property
    def pids(self) -> list[int]:
        """The processes that run now."""
        return [worker.pid for worker in self._all if worker.returncode is None]

    async def do(self, job: Job) -> dict[str, Any]:
        """Have a job done, once more if its process dies; VoiceError says why it was not."""
        async with self._slots:
            for _ in range(2):
                try:
                    return await self._try(job)
                except _DiedError:
                    log.warning("a rendering process died and is replaced")
            raise RenderError("the rendering process died twice over one item: is there enough memory?")

    async def _try(self, job: Job) -> dict[str, Any]:
        worker = await self._worker()
        try:
            answer = await self._ask(worker, job)
        except BaseException:
            # In the middle of a job it cannot be given another one.
            await self._discard(worker)
            raise
        self._idle.append(worker)
        return jobs.result(answer)

    async def _worker(self) -> Process:
        if self._closed:
            raise RenderError("rendering has been closed")
        while self._idle:
            worker = self._idle.pop()
            if worker.returncode is None:
                return worker
            self._all.discard(worker)
        # A session of its own: Ctrl-C is for the daemon, which then closes its workers.
        worker = await asyncio.create_subprocess_exec(
            *self._command, stdin=PIPE, stdout=PIPE, env=environment(), start_new_session=True
        )
        self._all.add(worker)
        return worker

    async def _ask(self, worker: Process, job: Job) -> bytes:
        assert worker.stdin is not None
        worker.stdin.write(jobs.encode(job))
        answer = await self._answer(worker, START_SECONDS)
        if b'"ready"' in answer:
            answer = await self._answer(worker, self._seconds)
        return answer

    async def _answer(self, worker: Process, seconds: float) -> bytes:
        assert worker.stdout is not None
        try:
            async with asyncio.timeout(seconds):
                answer = await worker.stdout.readline()
        except TimeoutError:
            raise RenderError(f"one item took longer than {seconds:g} s to render") from None
        if not answer.endswith(b"\n"):
            raise _DiedError
        return answer

    async def _discard(self, worker: Process) -> None:
        if worker.returncode is None:
            worker.kill()
        await worker.wait()
        self._all.discard(worker)

    async def close(self) -> None:
        """Stop every process and wait until it is gone."""
        self._closed = True
        for worker in self._all:
            assert worker.stdin is not None
            worker.stdin.close()
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await asyncio.gather(*(worker.wait() for worker in self._all))
        except TimeoutError:
            log.warning("rendering processes did not stop by themselves and are killed")
        for worker in list(self._all):
            await self._discard(worker)
        self._idle.clear()


def do_once(job: Job) -> None:
    """Have one job done by a process of its own; blocks."""
    with subprocess.Popen(
        COMMAND, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(jobs.encode(job))
        worker.stdin.flush()
        answer = worker.stdout.readline()
        if b'"ready"' in answer:
            answer = worker.stdout.readline()
        worker.stdin.close()
    if not answer:
        raise RenderError("the rendering process died")
    jobs.result(answer)
