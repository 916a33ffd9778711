"""The clinic's embedded exchange: settings become an Asterisk instance."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from ipaddress import ip_address
from pathlib import Path

import dialplan
from gateway import settings as configuration
from gateway.asterisk import provision, variables
from gateway.asterisk.agi import agi_address, callback_address
from gateway.asterisk.ami import Ami
from gateway.asterisk.instance import Instance
from gateway.asterisk.listening import ear_address
from gateway.asterisk.runtime import AsteriskError
from gateway.settings import Settings, SettingsError, Trunk, apart

# Nobody records prompts for longer without a break; a receiver that lies beside its telephone does.
STUDIO_SECONDS = 3600
# Nor does a call-back take longer, talk and message together.
CALLBACK_SECONDS = 900
# Nor does a fax of a hundred pages.
FAX_IN_SECONDS = 7200
# The port of AMI where nobody says otherwise.
AMI_PORT = 5038
# How often to look whether it runs; after a start that failed, how long to wait.
KEEP_FIRST, KEEP_LATER = 1.0, 15.0
# How long a command waits for the exchange.
CONNECT_SECONDS = 15.0

Rows = Sequence[Mapping[str, dialplan.Value]]

log = logging.getLogger(__name__)


def configured_instance(settings: Settings) -> Instance:
    """The instance below the installation's folder, its configuration written anew.

    Raises AsteriskError when Asterisk is not provisioned, SettingsError when two lines have one address.
    """
    if wrong := apart.clash(settings.staff_line, settings.trunks, _looked_up):
        raise SettingsError(f"setting {wrong}")
    runtime = provision.require(configuration.cache_folder())
    instance = Instance(settings.folder / "asterisk", runtime)
    identity = instance.identity(settings.asterisk.ami_port, settings.asterisk.sip_port)
    hosts = {settings.staff_line.host, *(trunk.host for trunk in settings.trunks.values())}
    loopback = hosts <= {"127.0.0.1", "localhost", ""}
    own: dict[str, dialplan.Value] = {
        "ami_port": identity.ami_port,
        "ami_secret": identity.secret,
        "ami_permit": "127.0.0.1",
        "sip_address": "127.0.0.1" if loopback else "0.0.0.0",
        "sip_port": identity.sip_port,
        "rtp_first": identity.rtp_first,
        "rtp_last": identity.rtp_last,
        "udptl_first": identity.udptl_first,
        "udptl_last": identity.udptl_last,
        "transport": "transport",
        "gateway_host": "127.0.0.1",
    }
    fax_folder(settings).mkdir(parents=True, exist_ok=True, mode=0o700)
    instance.configure(dialplan.render(features(settings) | own))
    return instance


def features(settings: Settings) -> dict[str, dialplan.Value | Rows]:
    """What the dialplan's features are made of, whosever exchange they run in."""
    folder = settings.folder / "asterisk"
    staff, studio = settings.staff_line, settings.studio
    agi = agi_address(folder, studio.port)
    callback = callback_address(folder, settings.callback.port)
    ear = ear_address(folder)
    values: dict[str, dialplan.Value | Rows] = {**variables.for_dialplan()}
    return values | {
        "ami_user": settings.asterisk.username,
        "trunks": [
            _trunk(name, trunk, settings) for name, trunk in settings.trunks.items() if not trunk.endpoint
        ],
        "front_desk": _front_desk(settings),
        "desk_ring_seconds": settings.voice.desk_ring_seconds,
        "transfer_seconds": settings.voice.transfer_seconds,
        "staff_host": staff.host,
        "staff_port": staff.port,
        "staff_match": _source(settings, staff.host, staff.port),
        "staff_username": staff.username,
        "staff_password": staff.password.get_secret_value(),
        "studio_extension": studio.extension,
        "studio_seconds": STUDIO_SECONDS,
        "ear_port": ear.port,
        "ear_secret": ear.secret,
        "callback": settings.callback.enabled,
        "callback_port": callback.port,
        "callback_secret": callback.secret,
        "callback_seconds": CALLBACK_SECONDS,
        "fax_numbers": _dialled(settings, shared=False),
        "shared_numbers": _dialled(settings, shared=True),
        "fax_folder": str(fax_folder(settings)),
        "fax_in_seconds": FAX_IN_SECONDS,
        "agi_port": agi.port,
        "agi_secret": agi.secret,
    }


def _trunk(name: str, trunk: Trunk, settings: Settings) -> dict[str, dialplan.Value]:
    return {
        "name": variables.trunk_endpoint(name),
        "host": trunk.host,
        "port": trunk.port,
        "username": trunk.username,
        "password": trunk.password.get_secret_value(),
        "codecs": ",".join(trunk.codecs),
        "t38": "yes" if trunk.t38 else "no",
        "qualify_seconds": trunk.qualify_seconds,
        "match": ",".join(trunk.sources) or _source(settings, trunk.host, trunk.port),
    }


def _front_desk(settings: Settings) -> str:
    """The front desk as Dial takes it; a number goes over the first of the trunks."""
    dialled = settings.voice.front_desk
    if not dialled:
        return ""
    line = variables.STAFF_LINE
    if dialled.startswith("+"):
        trunks = settings.trunks
        first = min(trunks, key=lambda name: trunks[name].priority)
        line = variables.trunk_endpoint(first, trunks[first].endpoint)
    return f"PJSIP/{dialled}@{line}"


def _dialled(settings: Settings, *, shared: bool) -> list[dict[str, dialplan.Value]]:
    """The numbers that take faxes, in both ways that providers write a number dialled."""
    inboxes = settings.fax.inboxes.values()
    numbers = [one for inbox in inboxes for one in (inbox.shared_numbers if shared else inbox.numbers)]
    return [{"dialled": form, "number": one} for one in numbers for form in (one, one.removeprefix("+"))]


def fax_folder(settings: Settings) -> Path:
    """Where the exchange puts faxes that come in until they are in the store."""
    return (settings.folder / "asterisk" / "faxes").absolute()


def _looked_up(host: str) -> Collection[apart.Address]:
    """The addresses of a host now; none where its name is not known."""
    try:
        return apart.literal(host) or {ip_address(found[4][0]) for found in socket.getaddrinfo(host, None)}
    except (OSError, ValueError):
        return ()


def _source(settings: Settings, name: str, port: int) -> str:
    """Where a line's calls come from.

    The port counts on this machine, and where a trunk and the clinic's own exchange share an address: a
    provider may call from any port of its own.
    """
    try:
        host = ip_address(name)
    except ValueError:
        # The exchange looks a name up by itself.
        return name
    shared = name == settings.staff_line.host and apart.ports_decide(settings.staff_line, settings.trunks)
    if not host.is_loopback and not shared:
        return str(host)
    return f"[{host}]:{port}" if host.version == 6 else f"{host}:{port}"


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
async def running_exchange(settings: Settings) -> AsyncIterator[None]:
    """The exchange of this installation for a command: started and stopped where it does not run already."""
    if settings.asterisk.host:
        yield
        return
    instance = await asyncio.to_thread(configured_instance, settings)
    found = instance.pid() is not None
    await instance.start()
    try:
        yield
    finally:
        if not found:
            await instance.stop()


def is_there(settings: Settings) -> bool:
    """Whether our own exchange runs; of another one only its answer tells."""
    return bool(settings.asterisk.host) or Instance(settings.folder / "asterisk").pid() is not None


def ami_of(settings: Settings) -> Ami:
    """A connection to the exchange, not yet running."""
    asterisk = settings.asterisk
    if asterisk.host:
        secret = asterisk.secret.get_secret_value()
        return Ami(asterisk.host, asterisk.ami_port or AMI_PORT, asterisk.username, secret)
    identity = Instance(settings.folder / "asterisk").identity()
    return Ami("127.0.0.1", identity.ami_port, asterisk.username, identity.secret)


@asynccontextmanager
async def connection(settings: Settings) -> AsyncIterator[Ami]:
    """A connection to a running exchange; AsteriskError when it does not answer."""
    if not is_there(settings):
        raise AsteriskError("the exchange does not run: start the gateway with 'ringwell run'")
    ami = ami_of(settings)
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
        why = f" ({ami.trouble})" if ami.trouble else ""
        raise AsteriskError(f"the exchange does not answer{why}: see 'ringwell doctor'") from error
