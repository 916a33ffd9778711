"""A clinic's exchange for tests: provisioned, rendered from settings, with sounds and a connection to cut."""

from __future__ import annotations

import asyncio
import contextlib
import wave
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from gateway.asterisk.ami import Ami
from gateway.asterisk.instance import Instance
from gateway.asterisk.provision import provision
from gateway.domain import FaxImage, FaxLetter, Prompt, Speech
from gateway.exchange import configured_instance
from gateway.settings import Settings, cache_folder

CALLER = "+12025550100"


@asynccontextmanager
async def clinic_exchange(folder: Path, trunk_port: int, **others: Any) -> AsyncIterator[Instance]:
    """The clinic's exchange with its trunk on this port of loopback; `others`: sections of the settings."""
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    trunks = {"town": {"host": "127.0.0.1", "port": trunk_port, "qualify_seconds": 0}}
    settings = Settings(instance=folder, **({"trunks": trunks} | others))
    instance = configured_instance(settings)
    await instance.start()
    try:
        yield instance
    finally:
        await instance.stop()


@asynccontextmanager
async def running(*jobs: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Jobs that run until the block is left."""
    tasks = [asyncio.ensure_future(job()) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def ami_of(instance: Instance, port: int = 0) -> Ami:
    """The product's own connection to this exchange, perhaps through a proxy."""
    identity = instance.identity()
    return Ami("127.0.0.1", port or identity.ami_port, "ringwell", identity.secret)


def warble(file: Path, seconds: float, loud: int = 9000) -> Path:
    """Something to listen to: neither the tone of a voicemail nor, unless `loud` is 0, silence."""
    times = np.arange(int(8000 * seconds)) / 8000
    samples = loud * np.sin(2 * np.pi * 400 * times) * (1 + np.sin(2 * np.pi * 3 * times)) / 2
    with wave.open(str(file), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(samples.astype("<i2").tobytes())
    return file


def renderer(folder: Path) -> Callable[[tuple[Speech | Prompt, ...]], Awaitable[tuple[Path, ...]]]:
    """Voices a prompt by a warble of as many seconds as its name says."""

    async def render(parts: tuple[Speech | Prompt, ...]) -> tuple[Path, ...]:
        return tuple(
            warble(folder / f"{number}-{part.name}.wav", float(part.name))
            for number, part in enumerate(parts)
            if isinstance(part, Prompt)
        )

    return render


def fax_renderer(folder: Path) -> Callable[[FaxLetter], Awaitable[FaxImage]]:
    """A short blank page."""

    async def render(letter: FaxLetter) -> FaxImage:
        page = Image.new("1", (1728, 200), 1)
        page.save(folder / "fax.tif", compression="group3", dpi=(204, 98))
        return FaxImage(folder / "fax.tif", 1)

    return render


class Proxy:
    """A TCP relay on loopback that can cut its connections or fall silent."""

    def __init__(self, target: int) -> None:
        self._target = target
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.port = 0

    async def __aenter__(self) -> Proxy:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        self._flowing.set()

    def cut(self) -> None:
        """Break every connection at once; new ones are taken."""
        for writer in self._writers:
            writer.transport.abort()

    def silence(self) -> None:
        """Pass nothing on, without closing anything: a half-open connection."""
        self._flowing.clear()

    def resume(self) -> None:
        """Pass everything on again."""
        self._flowing.set()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._target)
        self._writers |= {writer, far_writer}
        with contextlib.suppress(OSError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
        self._writers -= {writer, far_writer}

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flowing.wait()
                writer.write(data)
                await writer.drain()
        finally:
            writer.close()


async def until(condition: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for a condition; TimeoutError when it does not come true."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
