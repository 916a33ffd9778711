"""The lines out of the building: settings become channels that are ready to run."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

from gateway.asterisk.ami import Ami
from gateway.asterisk.callers import Callers
from gateway.asterisk.live import calls_in_progress
from gateway.asterisk.sounds import SoundShelf
from gateway.channels.email import EmailChannel
from gateway.channels.email_return import Returns, Seal
from gateway.channels.fax import FaxChannel
from gateway.channels.fax_ladder import Known, Memory
from gateway.channels.port import Channel
from gateway.channels.sms import SmsChannel
from gateway.channels.sms_quota import quotas
from gateway.channels.telephone import TelephoneChannel
from gateway.channels.trunks import TrunkLine, trunk_lines
from gateway.channels.voice import VoiceChannel, by_path
from gateway.domain import LineKind, LiveCall
from gateway.exchange import ami_of, keep_exchange, open_exchange
from gateway.rendering import fax_renderer, speech, telefax
from gateway.settings import Settings, cache_folder
from gateway.switchboard import Key, Switched
from store import fax_lines
from store import quotas as store_quotas
from store.engine import Store
from voices.library import VoiceLibrary

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Lines:
    """The channels and their lines; who tells of calls that are up, and the exchange, where there is one."""

    channels: Sequence[Channel]
    each: Mapping[Key, Switched] = field(default_factory=dict)
    calls: Callable[[], Awaitable[Sequence[LiveCall]]] | None = None
    ami: Ami | None = None
    shelf: SoundShelf | None = None

    def trouble(self) -> str:
        """What is wrong with the exchange now, empty while it answers."""
        if self.ami is None or self.ami.is_up:
            return ""
        return self.ami.trouble or "the exchange does not answer"


async def open_lines(settings: Settings, stack: AsyncExitStack, library: VoiceLibrary, store: Store) -> Lines:
    """A channel for each kind of line that is set up; `stack` closes what they need."""
    channels: list[Channel] = []
    each: dict[Key, Switched] = {}
    calls = ami = shelf = None
    if settings.trunks or settings.staff_line.host:
        if not settings.asterisk.host:
            await _own_exchange(settings, stack)
        if settings.trunks:
            ami = ami_of(settings)
            calls = partial(calls_in_progress, ami)
            shelf = sound_shelf(settings)
            trunks = trunk_lines(settings.trunks)
            each |= {(LineKind.TRUNK, trunk.name): trunk for trunk in trunks}
            memory = FaxLines(store, settings.clinic.id)
            telephone = _telephone(settings, trunks, ami, library, shelf, memory)
            channels += telephone
            faxes = [share for channel in telephone[1:] for share in channel.shares]
            each |= {(LineKind.FAX, share.line.name): share for share in faxes}
    if settings.binds:
        sms = texts(settings, stack, store)
        each |= {(LineKind.BIND, name): bind for name, bind in zip(settings.binds, sms.lines, strict=True)}
        channels.append(sms)
    if settings.relays:
        clinic, back = settings.clinic, returns_of(settings)
        mail = EmailChannel(settings.relays, clinic.name, None, back, settings.dkim, clinic.logo)
        each |= {(LineKind.RELAY, name): one for name, one in zip(settings.relays, mail.lines, strict=True)}
        channels.append(mail)
    return Lines(channels, each, calls, ami, shelf)


def texts(settings: Settings, stack: AsyncExitStack, store: Store) -> SmsChannel:
    """The channel over all binds; the days of their brands are counted in the store."""

    async def reserve(brand: str, day: date, most: int, wanted: int) -> int:
        return await store.run(store_quotas.reserve, settings.clinic.id, brand, day, most, wanted)

    by_campaign, days = quotas(settings.campaigns, settings.clinic.zone, reserve)
    for day in days:
        stack.push_async_callback(day.give_back)
    return SmsChannel(list(settings.binds.values()), settings.texts, by_campaign)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    await asyncio.wait([task])


async def _own_exchange(settings: Settings, stack: AsyncExitStack) -> None:
    exchange = await open_exchange(settings)
    # Ended only when the gateway stops in order: after a crash the calls that are up go on.
    stack.push_async_callback(exchange.stop)
    stack.push_async_callback(_ended, asyncio.create_task(keep_exchange(exchange)))


def sound_shelf(settings: Settings) -> SoundShelf | None:
    """Where an exchange that cannot read our files fetches sounds; None: it reads them."""
    asterisk, prompts = settings.asterisk, settings.voice.prompts
    if not (asterisk.host and asterisk.sounds_port):
        return None
    folders = [cache_folder() / "sounds", settings.recordings]
    folders += [prompts.expanduser()] if prompts else []
    base = f"http://{asterisk.gateway}:{asterisk.sounds_port}"
    return SoundShelf(_own_secret(settings.folder / "sounds.seal"), base, folders)


def _telephone(
    settings: Settings,
    lines: Sequence[TrunkLine],
    ami: Ami,
    library: VoiceLibrary,
    shelf: SoundShelf | None,
    memory: Memory,
) -> list[TelephoneChannel]:
    """Calls, and faxes after them where the exchange can read our files."""
    paces = {line.endpoint: line.pace for line in lines}

    def callers(endpoint: str, count: int) -> None:
        if pace := paces.get(endpoint):
            pace.keep(count)

    Callers(ami, callers)
    named = shelf.url if shelf else by_path
    calls = VoiceChannel(ami, lines, settings.voice, speech(library), named)
    if shelf:
        log.warning("no faxes and call-backs: the exchange cannot read our files (asterisk.sounds_port)")
        return [calls]
    return [calls, FaxChannel(ami, lines, settings.fax, telefax(fax_renderer(settings)), memory)]


class FaxLines:
    """What is known of fax lines, in the store; see gateway.channels.fax_ladder.Memory."""

    def __init__(self, store: Store, clinic: int) -> None:
        self._store, self._clinic = store, clinic

    async def recall(self, address: str, message: int) -> Known:
        """Read it."""
        now = self._store.clock()
        return Known(*await self._store.read(fax_lines.recall, self._clinic, address, message, now))

    async def learn(self, address: str, rung: int, voices: int) -> None:
        """Write it down."""
        await self._store.run(fax_lines.learn, self._clinic, address, rung, voices, self._store.clock())


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
