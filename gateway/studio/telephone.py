"""The clinic's telephones are called: to hear a version, or to record in the studio."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gateway.asterisk.ami import Ami
from gateway.asterisk.playing import NotPlayedError, lead_to_studio, play_to
from gateway.exchange import connection
from gateway.settings import Settings
from store.prompts import Version


async def play(settings: Settings, extension: str, version: Version) -> None:
    """Ring an extension and play it a version to its end; NotPlayedError or AsteriskError says why not."""
    async with _exchange(settings) as ami:
        file = settings.recordings / f"{version.take.audio}.wav"
        await play_to(ami, extension, file, version.take.seconds)


async def record(settings: Settings, extension: str) -> None:
    """Ring an extension, which is led into the studio when it is taken up; errors as above."""
    async with _exchange(settings) as ami:
        await lead_to_studio(ami, extension, settings.studio.extension)


@asynccontextmanager
async def _exchange(settings: Settings) -> AsyncIterator[Ami]:
    if not settings.staff_line.host:
        raise NotPlayedError("there is no line to the clinic's telephones: set [staff_line]")
    async with connection(settings) as ami:
        yield ami
