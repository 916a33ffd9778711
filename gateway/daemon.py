"""The composition root: the only place that builds things. One TaskGroup; stops cleanly."""

from __future__ import annotations

import asyncio
import fcntl
import gc
import logging
import secrets
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import IO, Any

from gateway import broadcast, domain
from gateway.asterisk.agi import agi_address, callback_address
from gateway.asterisk.ami import Ami
from gateway.asterisk.arrivals import Arrivals
from gateway.asterisk.listening import Listener, ear_address
from gateway.asterisk.sounds import SoundShelf
from gateway.channels.port import Channel
from gateway.channels.sms_receipts import joined
from gateway.dispatch import Dispatcher
from gateway.domain import Reply, ReplyKind, RingwellError
from gateway.draining import Draining
from gateway.exchange import fax_folder
from gateway.in_force import Follower, in_force
from gateway.intake import Intake
from gateway.journal import Scribe
from gateway.lines import Lines, open_lines, returns_of
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.planner import Planner
from gateway.policy import Rules
from gateway.render import Ahead
from gateway.rendering import library_of, sayings_of
from gateway.settings import Settings
from gateway.stops import Gate, Keeper
from gateway.studio.kept import follow_prompts, kept_prompts
from gateway.switchboard import Switchboard
from gateway.wording import Sayings
from store import changes, migrate, sweep
from store.engine import Store
from voices.library import VoiceLibrary
from voices.prompts import KeptPrompts

log = logging.getLogger(__name__)

# How long a stop waits for the database to take what ended meanwhile.
FLUSH_SECONDS = 10.0
RECONCILE_SECONDS = 5.0
EXPIRE_SECONDS = 60.0
EXPIRE_AT_ONCE = 500
CLOSE_AT_ONCE = 5000
FORGET_SECONDS = 3600.0
RECONCILE_FOR = timedelta(days=2)
RULES_SECONDS = 30.0
# The time limit of each look of the doctor.
LOOK_SECONDS = 10.0
PLAN_IDLE = timedelta(seconds=60)


class AlreadyRunningError(RingwellError):
    """Another daemon works this instance folder."""


Job = Coroutine[Any, Any, None]


async def run(settings: Settings, announce: Callable[[str], None] = print) -> None:
    """Run the gateway until SIGTERM or SIGINT. `announce` prints what the administrator must see."""
    tune_interpreter()
    settings.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _only_one(settings.folder / "daemon.lock"):
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(Store(settings.store_url))
            link = StoreLink(store)
            await _prepare_schema(store, link)
            of_file, settings = settings, await link.patiently(partial(in_force, store, settings))
            kept = KeptPrompts(await kept_prompts(settings, link))
            library = await stack.enter_async_context(library_of(settings, kept))
            lines = await open_lines(settings, stack, library, store)
            if not lines.channels:
                log.warning("no trunk, bind or relay is set: nothing can be sent yet")
            await _work(of_file, settings, link, lines, announce, kept, library)


def tune_interpreter() -> None:
    """Numbers of the interpreter that suit many messages and a busy store."""
    # Messages are many small objects that die young: with Python's own numbers the collector takes a seventh
    # of the time of a text.
    gc.set_threshold(20_000, 20, 20)
    # The store's threads want the interpreter often and briefly; each would wait 5 ms for a busy loop.
    sys.setswitchinterval(0.0005)


def _only_one(path: Path) -> IO[str]:
    lock = path.open("w")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.close()
        raise AlreadyRunningError(
            f"another Ringwell works {path.parent}: stop it first, or choose another 'instance' folder"
        ) from error
    return lock


async def _prepare_schema(store: Store, link: StoreLink) -> None:
    """Wait for the database; make the tables in an empty one, never change an older one unasked."""

    async def current() -> None:
        if await migrate.current(store) is None:
            await migrate.upgrade(store)
        await migrate.require_current(store)

    await link.patiently(current)


async def _work(
    of_file: Settings,
    settings: Settings,
    link: StoreLink,
    lines: Lines,
    announce: Callable[[str], None],
    kept: KeptPrompts,
    library: VoiceLibrary,
) -> None:
    channels = lines.channels
    owner = f"{settings.node}/{secrets.token_hex(4)}"
    outbox = Outbox(link, settings, owner)
    intake = Intake(link, outbox, settings, owner, joined)
    sayings = sayings_of(settings)
    gate = Gate()
    dispatchers = [Dispatcher(channel, link, outbox, settings, owner, sayings, gate) for channel in channels]
    scribe = Scribe(link, settings.clinic.id, settings.folder)
    await scribe.catch_up()
    await link.insist(sweep.sweep, settings.node, owner, link.store.clock())
    plans = Plans(link, settings)
    adopters = [outbox.adopt, intake.adopt, plans.adopt, *(one.adopt for one in dispatchers)]
    services = [outbox.run(), scribe.run(), Keeper(link, settings.clinic.id, gate, channels).run()]
    board = Switchboard(link, settings.clinic.id, lines.each, lines.trouble)
    # Before anything is sent: what is off stays off.
    await board.follow()
    services.append(board.run())
    services.append(Follower(link, of_file, settings.changed, adopters).run())
    services.append(_every(PLAN_IDLE.total_seconds(), plans.finish))
    services.append(_every(RULES_SECONDS, plans.keep_rules))
    services += [*_upkeep(settings, link, owner, channels), _every(EXPIRE_SECONDS, intake.late_parts)]
    services += [follow_prompts(settings, link, kept), *_studio(settings, link, library)]
    if settings.trunks:
        services.append(Ahead(link, settings, library, sayings).run())
        services.append(_machines(settings).run())
    if lines.shelf is not None:
        services.append(_sounds(lines.shelf, settings))
    if lines.ami is not None and settings.callback.enabled and lines.shelf is None:
        services.append(_callback(settings, link, library, sayings, intake, lines.ami))
    services += await _tellers(settings, link, owner)
    if lines.ami is not None and settings.fax.inboxes:
        services.append(_faxes(settings, link, lines.ami))
    for channel in channels:
        services += [channel.run(), intake.follow(channel)]
    if settings.console.enabled:
        services.append(_console(of_file, settings, link.store, announce, lines, library, board))
    if settings.public.url:
        services.append(_public(settings, intake))
    draining = Draining(dispatchers, lines.calls, settings.dispatch.drain_seconds)
    await _until_stopped(services, draining, outbox)


async def _until_stopped(services: Sequence[Job], draining: Draining, outbox: Outbox) -> None:
    stop, at_once = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, lambda: (at_once if stop.is_set() else stop).set())
    log.info("ready")
    async with asyncio.TaskGroup() as group:
        serving = [group.create_task(service) for service in services]
        dispatching = [group.create_task(dispatcher.run()) for dispatcher in draining.dispatchers]
        await stop.wait()
        _cancel(dispatching)
        await draining.run(at_once)
        await _flush(outbox)
        _cancel(serving)


async def _flush(outbox: Outbox) -> None:
    try:
        async with asyncio.timeout(FLUSH_SECONDS):
            await outbox.flush()
    except TimeoutError:
        log.error("the database is away: how the last attempts ended is looked for after the next start")


def _cancel(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()


def _upkeep(settings: Settings, link: StoreLink, owner: str, channels: Sequence[Channel]) -> list[Job]:
    clinic = settings.clinic.id
    lease = timedelta(seconds=settings.dispatch.lease_seconds)

    async def renew() -> None:
        # The time is read at each try: a lease written after an outage must not have run out during it.
        await link.patiently(lambda: link.store.run(sweep.renew, owner, link.store.clock() + lease))

    async def clean() -> None:
        now = link.store.clock()
        await link.insist(sweep.sweep, settings.node, owner, now)
        unconfirmed = now - timedelta(seconds=settings.dispatch.receipt_seconds)
        while await link.insist(sweep.close_unconfirmed, clinic, unconfirmed, now, CLOSE_AT_ONCE):
            pass

    async def reconcile() -> None:
        since = link.store.clock() - RECONCILE_FOR
        for channel in channels:
            if attempts := await link.insist(sweep.open_attempts, clinic, channel.name, since):
                await channel.reconcile(attempts)

    async def expire() -> None:
        now = link.store.clock()
        for channel in domain.Channel:
            lost = partial(link.store.read, sweep.overdue, clinic, channel, now, EXPIRE_AT_ONCE)
            while numbers := await link.patiently(lost):
                await link.insist(sweep.expire, clinic, numbers, now)

    return [
        _every(lease.total_seconds() / 4, renew),
        _every(lease.total_seconds() / 2, clean),
        _every(RECONCILE_SECONDS, reconcile),
        _every(EXPIRE_SECONDS, expire),
    ]


class Plans:
    """Plans what rules want and finishes plans that were interrupted, by the settings in force."""

    def __init__(self, link: StoreLink, settings: Settings) -> None:
        self._link = link
        self.adopt(settings)
        clinic = settings.clinic
        self._planner = Planner(link.store, clinic.id, clinic.zone, lambda: self._rules)

    def adopt(self, settings: Settings) -> None:
        """Plan by these from now on."""
        self._clinic, self._rules = settings.clinic.id, Rules.of(settings)

    async def keep_rules(self) -> None:
        """Plan the days of rules that have come near."""
        await self._link.patiently(self._planner.look)

    async def finish(self) -> None:
        """Plan what is left of them."""
        store = self._link.store
        await self._link.patiently(lambda: broadcast.resume(store, self._clinic, self._rules, PLAN_IDLE))


async def _every(seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    while True:
        await work()
        await asyncio.sleep(seconds)


def _studio(settings: Settings, link: StoreLink, library: VoiceLibrary) -> list[Job]:
    """The studio, where a telephone can reach it."""
    if not settings.staff_line.host:
        return []
    # Imported late: most gateways that only send have no need of it.
    from gateway.studio.service import Studio

    address = agi_address(settings.folder / "asterisk", settings.studio.port)
    return [Studio(settings, link, library, address).run()]


def _callback(
    settings: Settings, link: StoreLink, library: VoiceLibrary, sayings: Sayings, intake: Intake, ami: Ami
) -> Job:
    """Patients who call back."""
    from gateway.callback.desk import Desk
    from gateway.callback.service import CallBack

    desk = Desk(link.store, settings, library, sayings, intake.record)
    address = callback_address(settings.folder / "asterisk", settings.callback.port)
    return CallBack(settings, desk, ami, address).run()


async def _tellers(settings: Settings, link: StoreLink, owner: str) -> list[Job]:
    """Whoever is told of changes of states; they are written down for somebody alone."""
    clinic = settings.clinic.id
    wanted = settings.events.enabled or bool(settings.webhooks)
    await link.insist(changes.write_down, wanted)
    if not wanted:
        return []
    # Imported late: a client for HTTP that most gateways do without.
    from gateway.webhooks import Teller

    async def forget() -> None:
        before = link.store.clock() - timedelta(days=settings.events.keep_days)
        await link.insist(changes.forget, clinic, before)

    hooks = [Teller(name, hook, link, clinic, owner).run() for name, hook in settings.webhooks.items()]
    return [*hooks, _every(FORGET_SECONDS, forget)]


def _faxes(settings: Settings, link: StoreLink, ami: Ami) -> Job:
    """Faxes that come in."""
    from gateway.faxing import FaxDesk

    return FaxDesk(settings, link, Arrivals(ami), fax_folder(settings), settings.received_faxes).run()


async def _sounds(shelf: SoundShelf, settings: Settings) -> None:
    from gateway.sounds import serve

    await serve(shelf, settings.asterisk)


def _machines(settings: Settings) -> Listener:
    """Listens to answering machines for the exchange."""
    voice = settings.voice
    address = ear_address(settings.folder / "asterisk")
    host = settings.asterisk.gateway
    return Listener(address, voice.silence_for_beep_seconds, voice.wait_for_beep_seconds, host)


async def _console(
    of_file: Settings,
    settings: Settings,
    store: Store,
    announce: Callable[[str], None],
    lines: Lines,
    library: VoiceLibrary,
    board: Switchboard,
) -> None:
    # Imported late: a web server takes longer to load than the whole gateway takes to start.
    from gateway import doctor
    from gateway.console.app import no_calls
    from gateway.console.running import Heard, Running
    from gateway.console.serve import serve

    async def examine(heard: Heard) -> Sequence[domain.Finding]:
        return await doctor.examine(settings, LOOK_SECONDS, heard)

    async def test(kind: domain.LineKind, name: str) -> Sequence[domain.Finding]:
        return await doctor.examine_line(settings, kind, name, LOOK_SECONDS)

    running = Running(board.looks, examine, test)
    calls = lines.calls or no_calls
    await serve(store, of_file, announce, calls=calls, library=library, running=running)


async def _public(settings: Settings, intake: Intake) -> None:
    from gateway.public.app import create_app
    from gateway.public.serve import serve

    seal = returns_of(settings).seal

    async def unsubscribe(token: str) -> None:
        if attempt := seal.attempt(token):
            now = datetime.now(UTC)
            await intake.record(
                [Reply(domain.Channel.EMAIL, ReplyKind.OPT_OUT, "", now, "one-click", attempt)]
            )

    await serve(create_app(settings.clinic.name, settings.clinic.language, unsubscribe), settings.public)
