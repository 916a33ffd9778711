"""Text providers: each bind is tried, and what its campaign may still send today."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from gateway.channels.sms_causes import describe
from gateway.channels.sms_link import BindRefusedError
from gateway.channels.sms_session import Session, tls_of
from gateway.doctor.finding import Finding, Look
from gateway.settings import Bind, Campaign, Settings
from store import migrate, quotas
from store.engine import Store

# The provider lets a system id in once, and the gateway is in.
_ALREADY_BOUND = 0x05
_ADVICE = {
    0x0D: "the provider lets us in no more: ask it",
    0x0E: "correct the password of the bind",
    0x0F: "correct the system_id of the bind",
}


async def _binds(settings: Settings) -> Sequence[Finding]:
    return await asyncio.gather(*(_bind(name, bind) for name, bind in settings.binds.items()))


async def _bind(name: str, bind: Bind) -> Finding:
    part = f"bind {name}"
    try:
        session = await Session.open(bind, tls_of(bind), lambda link, sequence, body: None)
    except BindRefusedError as error:
        if error.status == _ALREADY_BOUND:
            return Finding(part, True, "lets us in once, and the gateway is connected")
        advice = _ADVICE.get(error.status, "ask the provider what it means")
        return Finding(part, False, f"refuses us: {describe(error.status)}", advice)
    except OSError as error:
        told = str(error) or "no answer in time"
        return Finding(part, False, told, f"see [binds.{name}]: host, port and tls, and the firewall")
    await session.close(0.0)
    kind = "a transceiver" if bind.mode == "transceiver" else "a transmitter and a receiver"
    safety = "encrypted" if bind.tls else "without encryption"
    return Finding(part, True, f"lets us in as {kind}, {safety}")


async def _campaigns(settings: Settings) -> Sequence[Finding]:
    limited = {name: one for name, one in settings.campaigns.items() if one.per_day}
    if not limited:
        return []
    async with Store(settings.store_url) as store:
        if await migrate.current(store) != migrate.newest():
            return []  # told by the look at the store
        return [await _campaign(store, settings, name, one) for name, one in limited.items()]


async def _campaign(store: Store, settings: Settings, name: str, campaign: Campaign) -> Finding:
    zone = ZoneInfo(campaign.zone or settings.clinic.zone)
    today = store.clock().astimezone(zone).date()
    brand = campaign.brand or name
    taken = await store.read(quotas.taken, settings.clinic.id, brand, today)
    words = f"{taken} of the day's {campaign.per_day} segments are used"
    if taken >= campaign.per_day:
        return Finding(f"campaign {name}", False, words, f"texts wait for midnight in {zone.key}")
    return Finding(f"campaign {name}", True, words)


LOOKS: dict[str, Look] = {"binds": _binds, "campaigns": _campaigns}
