"""Fax lines: a trunk that carries them, room on the disk, and what waits at the exchange."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.asterisk import variables
from gateway.asterisk.ami import Ami, AmiError
from gateway.asterisk.arrivals import Arrivals
from gateway.asterisk.runtime import AsteriskError
from gateway.doctor.finding import Finding, Look
from gateway.exchange import connection, is_there
from gateway.settings import Settings

_PART = "fax"
_RESTART = "run 'ringwell asterisk stop', then 'ringwell asterisk start': it was started before this was set"


# What carries faxes in the exchange.
MODULES = ("res_fax", "res_fax_spandsp")


@dataclass(frozen=True, slots=True)
class Sight:
    """What the exchange says: modules that are not loaded, trunks of ours that it offers no T.38 on."""

    not_loaded: Sequence[str] = ()
    without_t38: Sequence[str] = ()


async def _sending(settings: Settings) -> Sequence[Finding]:
    if not settings.trunks:
        return []
    sight = await _sight(settings)
    return [judge(settings, sight)]


async def _sight(settings: Settings) -> Sight | None:
    """None: it does not run, or does not answer, which is told elsewhere."""
    if not is_there(settings):
        return None
    wanted = {name: one.endpoint for name, one in settings.trunks.items() if one.t38}
    try:
        async with connection(settings) as ami:
            loaded = {module: await ami.value(f"IFMODULE({module}.so)") for module in MODULES}
            offered = {name: await _t38(ami, name, endpoint) for name, endpoint in wanted.items()}
    except (AmiError, AsteriskError):
        return None
    # An exchange that lacks these functions says nothing: that is no fault of its faxes.
    return Sight(
        [module for module, answer in loaded.items() if answer == "0"],
        [name for name, answer in offered.items() if answer in ("false", "no")],
    )


async def _t38(ami: Ami, name: str, endpoint: str) -> str:
    return await ami.value(f"PJSIP_ENDPOINT({variables.trunk_endpoint(name, endpoint)},t38_udptl)")


def judge(settings: Settings, sight: Sight | None) -> Finding:
    """Whether faxes can go and come, and how: pure."""
    theirs = bool(settings.asterisk.host)
    if theirs and settings.asterisk.sounds_port:
        return Finding(_PART, True, "none is sent: the exchange cannot read our files")
    if sight and sight.not_loaded:
        missing = " and ".join(f"{module}.so" for module in sight.not_loaded)
        advice = f"load {missing} in its modules.conf, then restart it" if theirs else _RESTART
        return Finding(_PART, False, f"the exchange runs without its fax software ({missing})", advice)
    if sight and sight.without_t38:
        names = ", ".join(sight.without_t38)
        advice = "set t38_udptl = yes on its endpoint there, or t38 = false here" if theirs else _RESTART
        return Finding(_PART, False, f"the exchange offers no T.38 on trunk {names}, as is set here", advice)
    lines = sum(min(trunk.max_faxes, trunk.max_calls) for trunk in settings.trunks.values())
    with_t38 = [name for name, trunk in settings.trunks.items() if trunk.t38]
    way = f"by T.38 over {', '.join(with_t38)}" if with_t38 else "as sound alone, which many lines garble"
    seen = "; the exchange is ready for it" if sight else "; the exchange was not asked: it does not run"
    return Finding(_PART, True, f"{lines} at once, {way}{seen}")


async def _inboxes(settings: Settings) -> Sequence[Finding]:
    return [await _inbox(settings, name) for name in settings.fax.inboxes]


async def _inbox(settings: Settings, name: str) -> Finding:
    part, inbox = f"fax inbox {name}", settings.fax.inboxes[name]
    numbers = len(inbox.numbers) + len(inbox.shared_numbers)
    if not numbers:
        return Finding(part, False, "has no number", f"set numbers in [fax.inboxes.{name}]")
    folder = settings.folder if settings.folder.exists() else settings.folder.parent
    free = shutil.disk_usage(folder).free >> 20
    if free < settings.fax.keep_free_mb:
        advice = f"make room: less than keep_free_mb ({settings.fax.keep_free_mb} MB) is left"
        return Finding(part, False, f"faxes are refused: {free} MB are free", advice)
    waiting = await _waiting(settings)
    if waiting:
        return Finding(part, False, f"{waiting} faxes wait at the exchange", "see the gateway's log for why")
    told = f", {len(inbox.notify)} told by email" if inbox.notify else ", nobody is told by email"
    return Finding(part, True, f"takes faxes on {numbers} number{'s' * (numbers > 1)}{told}")


async def _waiting(settings: Settings) -> int:
    """Those not yet in the store; an exchange that does not run is told of elsewhere."""
    if not is_there(settings):
        return 0
    try:
        async with connection(settings) as ami:
            return len(await Arrivals(ami).waiting())
    except (AmiError, AsteriskError):
        return 0


LOOKS: dict[str, Look] = {"fax": _sending, "fax inboxes": _inboxes}
