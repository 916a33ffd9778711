"""A clinic with a studio: its exchange, its store, members of staff with PINs, and their telephones."""

from __future__ import annotations

import asyncio
import wave
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr
from sqlalchemy import Table, select

from gateway.asterisk.agi import agi_address
from gateway.asterisk.instance import Instance
from gateway.asterisk.provision import provision
from gateway.domain import RecipientKind
from gateway.exchange import configured_instance
from gateway.link import StoreLink
from gateway.rendering import library_of
from gateway.settings import Settings, cache_folder
from gateway.studio import pins
from gateway.studio.service import Studio
from gateway.town.phones import INSIDE, PhoneCall, Phones
from gateway.town.town import Town
from store import migrate, prompts, register
from store import pins as users
from store.engine import Store
from store.people import Person
from store.prompts import Version

CLINIC = 1
PIN, OTHER_PIN = "482913", "917364"
EXTENSION = "7700"


@dataclass
class World:
    """What a test may do and look at."""

    settings: Settings
    store: Store
    exchange: Instance
    phones: Phones

    async def staff(self, number: str, pin: str = PIN, language: str = "en") -> int:
        """A member of staff with a user number and a PIN."""
        person = Person(RecipientKind.STAFF, f"S{number}", "Grace", "Okafor", language)
        staff = await self.store.run(register.save_person, CLINIC, person, self.store.clock())
        now = self.store.clock()
        await self.store.run(users.set_pin, CLINIC, staff, number, pins.hashed(pin, 6), now)
        return staff

    async def prompt(self, name: str, title: str = "", wording: str = "") -> int:
        """A prompt to record."""
        return await self.store.run(prompts.define, CLINIC, name, title, wording, self.store.clock())

    async def ask(self, prompt: int, staff: int, language: str = "en") -> int:
        """Ask somebody to record it."""
        return await self.store.run(prompts.ask, CLINIC, prompt, language, staff, self.store.clock())

    async def versions(self, prompt: int) -> list[Version]:
        """Every version of a prompt, newest first."""
        return await self.store.read(prompts.versions, CLINIC, prompt)

    async def open_tasks(self) -> list[Any]:
        """What is still asked of anybody."""
        return list(await self.store.read(prompts.tasks_of, CLINIC))

    async def rows(self, table: Table, **equal: Any) -> list[Mapping[str, Any]]:
        """Rows of a table."""
        query = select(table).where(*(table.c[name] == value for name, value in equal.items()))
        return await self.store.read(lambda conn: [dict(row) for row in conn.execute(query).mappings()])

    async def dial(self, *steps: str, extension: str = EXTENSION, side: str = INSIDE) -> PhoneCall:
        """A call of a member of staff."""
        return await self.phones.call(self.exchange.identity().sip_port, extension, steps, side=side)


def enter(number: str, pin: str = PIN) -> tuple[str, ...]:
    """User number and PIN."""
    return ("hear", f"press:{number}#", "hear", f"press:{pin}")


def record(file: Path) -> tuple[str, ...]:
    """Speak after the tone."""
    return ("tone", f"say:{file.with_suffix('')}", "press:#")


def spoken(file: Path, seconds: float, hertz: float = 140.0, level: float = 0.3) -> Path:
    """Somebody speaks: a voice-like tone with syllables over the noise of a room."""
    times = np.arange(int(8000 * seconds)) / 8000
    voice = sum(np.sin(2 * np.pi * hertz * n * times) / n for n in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 3 * times) + 0.5, 0, 1)
    sound = level * 0.5 * voice * syllables + np.random.default_rng(1).normal(0, 0.0005, len(times))
    return write(file, sound)


def write(file: Path, sound: Any) -> Path:
    """A WAV file at telephone rate."""
    with wave.open(str(file), "wb") as writing:
        writing.setparams((1, 2, 8000, 0, "NONE", ""))
        writing.writeframes((np.clip(sound, -1, 1) * 32767).astype("<i2").tobytes())
    return file


def samples(file: Path) -> Any:
    """The sound of a WAV file."""
    with wave.open(str(file)) as reading:
        octets = reading.readframes(reading.getnframes())
        sound = np.frombuffer(octets, "<i2").astype(np.float32) / 32768
        return soxr.resample(sound, reading.getframerate(), 8000)


def holds(heard: Path, file: Path) -> bool:
    """Whether one recording is heard within another: the highest normalised correlation tells."""
    short = samples(file)
    # Room on both sides: silence at the ends of either is trimmed differently.
    return _likeness(np.pad(samples(heard), len(short) // 4), short) > 0.8


def _likeness(long: Any, short: Any) -> float:
    """How like the most alike stretch of one sound is to another: 1 is the same."""
    if len(short) > len(long):
        return 0.0
    size = len(long) + len(short)
    product = np.fft.rfft(long, size) * np.conj(np.fft.rfft(short, size))
    match = np.fft.irfft(product, size)[: len(long) - len(short) + 1]
    energy = np.concatenate(([0.0], np.cumsum(long.astype(np.float64) ** 2)))
    around = np.sqrt(np.maximum(energy[len(short) :] - energy[: len(energy) - len(short)], 1e-9))
    return float((match / (around * np.linalg.norm(short))).max())


_PIECE = 2000


def same(one: Path, other: Path) -> bool:
    """Whether two recordings are of the same words.

    Piece by piece: a busy exchange loses a packet now and then, and all that follows is early.
    """
    shorter, longer = sorted((samples(one), samples(other)), key=len)
    pieces = [shorter[at : at + _PIECE] for at in range(0, len(shorter) - _PIECE + 1, _PIECE)]
    spoken = [piece for piece in pieces if np.linalg.norm(piece) > 0.01 * np.sqrt(_PIECE)]
    found = [_likeness(longer, piece) > 0.8 for piece in spoken]
    return bool(found) and sum(found) >= 0.7 * len(found)


async def versions_of(world: World, prompt: int, seconds: float = 20.0) -> list[Version]:
    """The versions of a prompt, as soon as there is one."""
    async with asyncio.timeout(seconds):
        while not (found := await world.versions(prompt)):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return found


@asynccontextmanager
async def clinic(folder: Path, town: Town, **studio: Any) -> AsyncIterator[World]:
    """A clinic whose studio can be dialled from the town."""
    await asyncio.to_thread(provision, cache_folder(), lambda step, count: None)
    settings = Settings(
        instance=folder,
        trunks={"town": {"host": "127.0.0.1", "port": town.address.sip}},
        staff_line={"host": "127.0.0.1", "port": town.address.phones},
        studio=studio,
    )
    exchange = configured_instance(settings)
    await exchange.start()
    try:
        async with Store(settings.store_url) as store, town.phones() as phones:
            await migrate.upgrade(store)
            yield World(settings, store, exchange, phones)
    finally:
        await exchange.stop()


@asynccontextmanager
async def studio(world: World) -> AsyncIterator[Studio]:
    """The studio as the daemon runs it, until the block is left."""
    async with library_of(world.settings) as library:
        address = agi_address(world.exchange.folder)
        running = Studio(world.settings, StoreLink(world.store), library, address)
        task = asyncio.create_task(running.run())
        try:
            yield running
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
