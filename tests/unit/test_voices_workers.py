"""Rendering processes that die, hang, or are left alone."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest

from gateway.domain import Speech
from voices import wav, workers
from voices.errors import RenderError
from voices.library import Limits, VoiceLibrary

LONG = "This sentence takes a while to say. " * 27
# A process that uses the library, says what it has, and is then in the middle of a long text.
PARENT = """
import asyncio, json, sys
from pathlib import Path
from gateway.domain import Speech
from voices.library import VoiceLibrary

async def main():
    library = VoiceLibrary(Path(sys.argv[1]))
    await library.render((Speech("ready"),))
    heavy = [name for name in ("piper", "onnxruntime", "numpy", "soxr") if name in sys.modules]
    print(json.dumps([library.worker_pids, heavy]), flush=True)
    await library.render((Speech(sys.argv[2]),))

asyncio.run(main())
"""


def gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def cpu(pid: int) -> float:
    return psutil.Process(pid).cpu_times().user


def eventually(condition, seconds: float = 10.0) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.mark.parametrize("busy", [True, False])
def test_no_worker_outlives_a_killed_parent(tmp_path, busy):
    command = [sys.executable, "-c", PARENT, str(tmp_path), LONG if busy else "ready"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        pids, heavy = json.loads(parent.stdout.readline())
        alive = [pid for pid in pids if not gone(pid)]
        parent.send_signal(signal.SIGKILL)
    assert heavy == [], "the asking process took the models into its own memory"
    assert pids
    assert alive == pids
    assert eventually(lambda: all(map(gone, pids)))


async def test_a_worker_that_dies_is_replaced_and_its_item_tried_again(tmp_path, caplog):
    async with VoiceLibrary(tmp_path) as library:
        await library.render((Speech("warm"),))
        (victim,) = library.worker_pids
        task = asyncio.create_task(library.render((Speech(LONG),)))
        begun = cpu(victim)
        assert await asyncio.to_thread(eventually, lambda: cpu(victim) > begun + 0.2)
        os.kill(victim, signal.SIGKILL)
        (file,) = await task
        assert wav.seconds(file) > 20
        assert victim not in library.worker_pids
    assert "replaced" in caplog.text


async def test_an_idle_worker_that_died_is_not_missed(tmp_path):
    async with VoiceLibrary(tmp_path) as library:
        await library.render((Speech("warm"),))
        (victim,) = library.worker_pids
        os.kill(victim, signal.SIGKILL)
        await asyncio.to_thread(eventually, lambda: gone(victim))
        await library.render((Speech("again"),))


async def test_an_item_that_kills_every_worker_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(workers, "COMMAND", (sys.executable, "-c", "input()"))
    async with VoiceLibrary(tmp_path) as library:
        with pytest.raises(RenderError, match="died twice"):
            await library.render((Speech("poison"),))


async def test_an_item_that_takes_too_long_is_stopped_and_the_next_one_is_rendered(tmp_path):
    async with VoiceLibrary(tmp_path, limits=Limits(seconds=1.0)) as library:
        with pytest.raises(RenderError, match="longer than 1 s"):
            await library.render((Speech(LONG),))
        assert library.worker_pids == []
        library._workers._seconds = 30.0
        await library.render((Speech("yes"),))


async def test_closing_leaves_no_process_and_no_half_file(tmp_path):
    library = VoiceLibrary(tmp_path, workers=2)
    await library.render((Speech("one"), Speech("two")))
    pids = library.worker_pids
    task = asyncio.create_task(library.render((Speech(LONG),)))
    await asyncio.sleep(0)
    await library.close()
    with pytest.raises(RenderError, match="closed"):
        await task
    assert pids
    assert all(map(gone, pids))
    assert not list(tmp_path.glob("*.part"))
    with pytest.raises(RenderError, match="closed"):
        await library.render((Speech("three"),))


async def test_two_gateways_may_render_the_same_text_at_once(tmp_path):
    async with VoiceLibrary(tmp_path) as one, VoiceLibrary(tmp_path) as two:
        files = await asyncio.gather(one.render((Speech("shared"),)), two.render((Speech("shared"),)))
    assert files[0] == files[1]
    assert wav.seconds(files[0][0]) > 0.2
    assert len(list(tmp_path.glob("*.wav"))) == 1
