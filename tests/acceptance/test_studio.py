"""The whole gateway: a member of staff records a prompt by telephone, and a telephone plays it."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from gateway.asterisk.instance import Instance
from gateway.town.phones import Phones
from gateway.town.town import Town
from tests.exchange import until
from tests.studio.world import OTHER_PIN, enter, record, spoken

CONFIG = """
instance = "{folder}/clinic"
[console]
enabled = false
[staff_line]
host = "127.0.0.1"
port = {phones}
"""
STAFF = "id,given_name,family_name\nS1,Grace,Okafor\n"


class Gateway:
    """Commands of an installation, and its daemon."""

    def __init__(self, folder: Path, town: Town) -> None:
        self._config = folder / "ringwell.toml"
        self._config.write_text(CONFIG.format(folder=folder, phones=town.address.phones))
        self.exchange = folder / "clinic" / "asterisk"

    async def __call__(self, *words: str, typed: str = "") -> str:
        process = await self._start(*words)
        told, _ = await process.communicate(typed.encode())
        assert process.returncode == 0, told.decode()
        return told.decode()

    async def _start(self, *words: str) -> asyncio.subprocess.Process:
        command = (sys.executable, "-m", "gateway", *words, "--config", str(self._config))
        pipe, merged = asyncio.subprocess.PIPE, asyncio.subprocess.STDOUT
        return await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe, stderr=merged)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[int]:
        """The daemon, until the block is left; the exchange's SIP port."""
        process = await self._start("run")
        try:
            await until(lambda: Instance(self.exchange).pid() is not None, 60)
            yield Instance(self.exchange).identity().sip_port
        finally:
            os.kill(process.pid, signal.SIGTERM)
            told, _ = await process.communicate()
            assert b"ERROR" not in told, told.decode()


async def test_staff_record_a_prompt_and_a_telephone_plays_it(tmp_path: Path) -> None:
    async with Town(tmp_path / "town") as town, town.phones() as phones:
        ringwell = Gateway(tmp_path, town)
        (tmp_path / "staff.csv").write_text(STAFF)
        await ringwell("import", "staff", str(tmp_path / "staff.csv"))
        await ringwell("staff", "pin", "42", "--staff", "S1", typed=f"{OTHER_PIN}\n")
        await ringwell("prompts", "new", "greeting", "--title", "Greeting")
        await ringwell("prompts", "ask", "42", "greeting")
        voice = spoken(tmp_path / "voice.wav", 2)
        async with ringwell.running() as port:
            steps = (*enter("42", OTHER_PIN), "hear", "press:1", "hear", "press:5")
            last = ("hear", "press:1", "hear")
            await _answered(phones, port)
            call = await phones.call(port, "7700", (*steps, *record(voice), *last))
            assert call.left == "staff"
            await ringwell("prompts", "play", "greeting", "201")
        (version,) = json.loads(await ringwell("prompts", "versions", "greeting", "--json"))
        assert (version["state"], version["active"], version["by"]) == ("kept", True, "Grace Okafor")
        assert (version["source"], version["language"]) == ("phone", "en")
        # Nothing that anybody said, pressed or is called stands in a log.
        logs = "".join(file.read_text() for file in (ringwell.exchange / "log").iterdir())
        for secret in (OTHER_PIN, "Grace", "Okafor"):
            assert secret not in logs


async def _answered(phones: Phones, port: int) -> None:
    """Wait until the studio takes calls."""
    async with asyncio.timeout(60):
        while (await phones.call(port, "7700", ("stay:1.5",))).left != "staff":  # noqa: ASYNC110
            await asyncio.sleep(0.1)
