"""Store, clock, exchange, disk and voice."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, func, select

from gateway import settings as configuration
from gateway.asterisk import provision, variables
from gateway.asterisk.runtime import is_tested
from gateway.doctor.finding import Finding, Look
from gateway.domain import RingwellError
from gateway.exchange import ami_of, is_there
from gateway.settings import Settings
from gateway.wording import other_languages
from store import broadcasts, migrate, stops
from store.engine import Store
from voices.installed import Voice, installed_voices, way_to_get

LEAST_DISK = 1_000_000_000
CLOCK_SECONDS = 2.0


async def _store(settings: Settings) -> Finding:
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    async with Store(settings.store_url) as store:
        found = await migrate.current(store)
    engine = store.url.get_backend_name()
    if found != migrate.newest():
        return Finding("store", False, f"{engine}, schema {found or 'none'}", "run 'ringwell migrate'")
    return Finding("store", True, f"{engine}, schema {found}")


async def _clock(settings: Settings) -> Finding:
    async with Store(settings.store_url) as store:
        if store.url.get_backend_name() == "sqlite":
            return Finding("clock", True, "the store is on this machine")
        theirs = await store.read(_database_time)
    apart = abs((theirs - datetime.now(UTC)).total_seconds())
    words = f"{apart:.1f} s apart from the database"
    if apart > CLOCK_SECONDS:
        return Finding("clock", False, words, "let both machines take their time from NTP")
    return Finding("clock", True, words)


def _database_time(conn: Connection) -> datetime:
    found: datetime = conn.execute(select(func.clock_timestamp())).scalar_one()
    return found


async def _asterisk(settings: Settings) -> Finding:
    if settings.asterisk.host:
        return Finding("asterisk", True, f"the one at {settings.asterisk.host} is used")
    runtime = provision.installed(configuration.cache_folder())
    if runtime is None:
        return Finding("asterisk", False, "not provisioned", "run 'ringwell asterisk provision'")
    version = await asyncio.to_thread(runtime.version)
    if not is_tested(version):
        return Finding("asterisk", False, f"version {version}", "this release was not tested; 22.x was")
    return Finding("asterisk", True, f"version {version}")


async def _ami(settings: Settings) -> Finding:
    if not is_there(settings):
        return Finding("ami", False, "the exchange does not run", "run 'ringwell asterisk start'")
    ami = ami_of(settings)
    serving = asyncio.create_task(ami.run())
    try:
        while not ami.is_up:
            if ami.trouble:
                advice = "run 'ringwell asterisk stop', then 'ringwell asterisk start'"
                if settings.asterisk.host:
                    advice = "see [asterisk] and docs/external-asterisk.md"
                return Finding("ami", False, ami.trouble, advice)
            await asyncio.sleep(0.02)
        await ami.channels()
        await ami.stored(variables.RESULTS)
    finally:
        serving.cancel()
        await asyncio.wait({serving})
    return Finding("ami", True, "logged in, may look at calls and their results")


async def _disk(settings: Settings) -> Finding:
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    free = shutil.disk_usage(settings.folder).free
    words = f"{free / 1e9:.1f} GB free"
    if free < LEAST_DISK:
        return Finding("disk", False, words, "make room: messages are accepted only when they can be kept")
    return Finding("disk", True, words)


async def _voice(settings: Settings) -> Sequence[Finding]:
    """A voice for the clinic's language, and for each that a broadcast speaks."""
    models = settings.voice.models.expanduser() if settings.voice.models else None
    voices = await asyncio.to_thread(installed_voices, models)
    languages = [settings.clinic.language, *sorted(await _other_languages(settings))]
    return [_speaks(language, number, voices, models) for number, language in enumerate(languages)]


def _speaks(language: str, number: int, voices: Sequence[Voice], models: Path | None) -> Finding:
    part = f"voice {language}" if number else "voice"
    names = [voice.name for voice in voices if voice.language == language]
    if not names:
        return Finding(part, False, f"none for the language '{language}'", way_to_get(language, models))
    return Finding(part, True, ", ".join(names))


async def _other_languages(settings: Settings) -> set[str]:
    """Of the broadcasts on record; none where there is no store yet."""
    try:
        async with Store(settings.store_url) as store:
            if await migrate.current(store) != migrate.newest():
                return set()
            orders = await store.read(broadcasts.listing, settings.clinic.id)
    except RingwellError:
        return set()  # told by the look at the store
    live = [order for order, _ in orders if order.state != "cancelled"]
    found = {language for order in live for language in other_languages(order.templates)}
    return found - {settings.clinic.language}


async def _lines(settings: Settings) -> Finding:
    kinds = {"trunk": settings.trunks, "bind": settings.binds, "relay": settings.relays}
    missing = [kind for kind, lines in kinds.items() if not lines]
    if missing:
        return Finding(
            "lines",
            False,
            f"no {', no '.join(missing)}",
            "set them up: see docs/examples",
        )
    return Finding("lines", True, "a trunk, a bind and a relay are set")


async def _stops(settings: Settings) -> Sequence[Finding]:
    """Nothing while all goes its way."""
    async with Store(settings.store_url) as store:
        if await migrate.current(store) != migrate.newest():
            return []  # told by the look at the store
        found = await store.read(stops.current, settings.clinic.id)
    return [_stopped(stop) for stop in found]


def _stopped(stop: stops.Stop) -> Finding:
    what = stop.channel.value if stop.channel else "everything"
    words = f"{what} is stopped since {stop.since:%Y-%m-%d %H:%M} UTC by {stop.by}: {stop.reason}"
    option = f" --channel {stop.channel.value}" if stop.channel else ""
    return Finding("stopped", False, words, f"when it is mended: 'ringwell resume{option}'")


LOOKS: Mapping[str, Look] = {
    "store": _store,
    "clock": _clock,
    "asterisk": _asterisk,
    "ami": _ami,
    "disk": _disk,
    "voice": _voice,
    "lines": _lines,
    "stops": _stops,
}
