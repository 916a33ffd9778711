"""The lines out of the building: settings become channels that are ready to run."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.asterisk.ami import Ami
from gateway.asterisk.instance import Instance
from gateway.channels.email import EmailChannel
from gateway.channels.email_return import Returns, Seal
from gateway.channels.fax import FaxChannel
from gateway.channels.pace import trunk_pace
from gateway.channels.port import Channel
from gateway.channels.sms import SmsChannel
from gateway.channels.voice import VoiceChannel
from gateway.documents.fax import FaxRenderer, Sender
from gateway.exchange import keep_exchange, open_exchange
from gateway.rendering import speech, telefax
from gateway.settings import Settings, cache_folder
from voices.library import VoiceLibrary


async def open_lines(settings: Settings, stack: AsyncExitStack, library: VoiceLibrary) -> Sequence[Channel]:
    """A channel for each kind of line that is set up; `stack` closes what they need."""
    channels: list[Channel] = []
    if settings.trunks or settings.staff_line.host:
        exchange = await open_exchange(settings)
        # Ended only when the gateway stops in order: after a crash the calls that are up go on.
        stack.push_async_callback(exchange.stop)
        stack.push_async_callback(_ended, asyncio.create_task(keep_exchange(exchange)))
        if settings.trunks:
            channels += _telephone(settings, exchange, library)
    if settings.binds:
        channels.append(SmsChannel(next(iter(settings.binds.values()))))
    if settings.relays:
        channels.append(
            EmailChannel(settings.relays, settings.clinic.name, None, returns_of(settings), settings.dkim)
        )
    return channels


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


def _telephone(settings: Settings, exchange: Instance, library: VoiceLibrary) -> list[Channel]:
    identity = exchange.identity()
    ami = Ami("127.0.0.1", identity.ami_port, settings.asterisk.username, identity.secret)
    trunk = next(iter(settings.trunks.values()))
    pace = trunk_pace(trunk)
    return [
        VoiceChannel(ami, trunk, settings.voice, speech(library), pace),
        FaxChannel(ami, trunk, settings.fax, telefax(fax_renderer(settings)), pace),
    ]


def fax_renderer(settings: Settings) -> FaxRenderer:
    """What turns letters of this clinic into fax pages."""
    zone = ZoneInfo(settings.clinic.zone)
    sender = Sender(settings.clinic.name, settings.clinic.callback, settings.fax.station_id)
    return FaxRenderer(
        cache_folder() / "faxes",
        sender,
        lambda: datetime.now(zone).date(),
        max_pages=settings.fax.max_pages,
    )


def returns_of(settings: Settings) -> Returns:
    """Where mail comes back, sealed with the secret of the settings or of the instance."""
    secret = settings.returns.secret.get_secret_value().encode() or _own_secret(settings.folder / "seal")
    return Returns(Seal(secret), settings.returns, settings.public.url)


def _own_secret(path: Path) -> bytes:
    """The secret of this instance, made at the first start; whole or not there."""
    if not path.exists():
        draft = path.with_suffix(f".{secrets.token_hex(4)}")
        with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
        draft.replace(path)
    return path.read_bytes()
