"""The clinic's embedded exchange: settings become an Asterisk instance."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address

import dialplan
from gateway import settings as configuration
from gateway.asterisk import provision, variables
from gateway.asterisk.agi import agi_address
from gateway.asterisk.ami import Ami
from gateway.asterisk.instance import Instance
from gateway.asterisk.listening import ear_address
from gateway.asterisk.runtime import AsteriskError
from gateway.settings import Settings, StaffLine, Trunk

# Nobody records prompts for longer without a break; a receiver that lies beside its telephone does.
STUDIO_SECONDS = 3600
# How often to look whether it runs; after a start that failed, how long to wait.
KEEP_FIRST, KEEP_LATER = 1.0, 15.0
# How long a command waits for the exchange.
CONNECT_SECONDS = 15.0

log = logging.getLogger(__name__)


def configured_instance(settings: Settings) -> Instance:
    """The instance below the installation's folder, its configuration written anew.

    Raises AsteriskError when Asterisk is not provisioned.
    """
    runtime = provision.require(configuration.cache_folder())
    instance = Instance(settings.folder / "asterisk", runtime)
    identity = instance.identity(settings.asterisk.ami_port, settings.asterisk.sip_port)
    trunk = next(iter(settings.trunks.values()), Trunk())
    staff, studio = settings.staff_line, settings.studio
    loopback = {trunk.host, staff.host} <= {"127.0.0.1", "localhost", ""}
    agi = agi_address(instance.folder, studio.port)
    ear = ear_address(instance.folder)
    instance.configure(
        dialplan.render(
            variables.for_dialplan()
            | {
                "ami_port": identity.ami_port,
                "ami_user": settings.asterisk.username,
                "ami_secret": identity.secret,
                "sip_address": "127.0.0.1" if loopback else "0.0.0.0",
                "sip_port": identity.sip_port,
                "rtp_first": identity.rtp_first,
                "rtp_last": identity.rtp_last,
                "udptl_first": identity.udptl_first,
                "udptl_last": identity.udptl_last,
                "trunk_host": trunk.host,
                "trunk_port": trunk.port,
                "trunk_username": trunk.username,
                "trunk_password": trunk.password.get_secret_value(),
                "max_call_seconds": trunk.max_call_seconds,
                "front_desk": _front_desk(settings.voice.front_desk),
                "desk_ring_seconds": settings.voice.desk_ring_seconds,
                "transfer_seconds": settings.voice.transfer_seconds,
                "staff_host": staff.host,
                "staff_port": staff.port,
                "staff_match": _source(staff),
                "staff_username": staff.username,
                "staff_password": staff.password.get_secret_value(),
                "studio_extension": studio.extension,
                "studio_seconds": STUDIO_SECONDS,
                "ear_port": ear.port,
                "ear_secret": ear.secret,
                "agi_port": agi.port,
                "agi_secret": agi.secret,
            }
        )
    )
    return instance


def _front_desk(dialled: str) -> str:
    line = variables.TRUNK if dialled.startswith("+") else variables.STAFF_LINE
    return f"PJSIP/{dialled}@{line}" if dialled else ""


def _source(staff: StaffLine) -> str:
    """Where the clinic's exchange calls from: two exchanges on one machine differ in the port alone."""
    try:
        host = ip_address(staff.host)
    except ValueError:
        # The exchange looks a name up by itself, and then wants no port.
        return staff.host
    return f"[{host}]:{staff.port}" if host.version == 6 else f"{host}:{staff.port}"


async def keep_exchange(instance: Instance) -> None:
    """Start the exchange again whenever its process is gone, until cancelled."""
    pause = KEEP_FIRST
    while True:
        await asyncio.sleep(pause)
        pause = KEEP_FIRST
        if instance.pid() is not None:
            continue
        log.error("the exchange is not running any more: it is started again")
        try:
            await instance.start()
        except AsteriskError as error:
            log.error("the exchange does not start: %s", error)
            pause = KEEP_LATER


async def open_exchange(settings: Settings) -> Instance:
    """The exchange, running: started, or found again as an earlier life of the gateway left it."""
    instance = await asyncio.to_thread(configured_instance, settings)
    await instance.start()
    return instance


@asynccontextmanager
async def running_exchange(settings: Settings) -> AsyncIterator[Instance]:
    """The exchange of this installation for a command: started and stopped where it does not run already."""
    instance = await asyncio.to_thread(configured_instance, settings)
    found = instance.pid() is not None
    await instance.start()
    try:
        yield instance
    finally:
        if not found:
            await instance.stop()


@asynccontextmanager
async def connection(settings: Settings, instance: Instance) -> AsyncIterator[Ami]:
    """A connection to a running exchange; AsteriskError when it does not answer."""
    identity = instance.identity()
    ami = Ami("127.0.0.1", identity.ami_port, settings.asterisk.username, identity.secret)
    serving = asyncio.create_task(ami.run())
    try:
        await _answers(ami)
        yield ami
    finally:
        serving.cancel()
        await asyncio.wait({serving})


async def _answers(ami: Ami) -> None:
    try:
        async with asyncio.timeout(CONNECT_SECONDS):
            await ami.up()
    except TimeoutError as error:
        raise AsteriskError("the exchange does not answer: see 'ringwell doctor'") from error
