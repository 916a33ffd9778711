"""Relays, and what the DNS must say so that the clinic's mail arrives."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address

import dns.exception

from gateway.channels import email_dns
from gateway.channels.email_dkim import Signer
from gateway.channels.email_dns import Names, Record
from gateway.channels.email_logo import logo_part
from gateway.channels.email_mime import mailbox
from gateway.channels.email_pool import Pool
from gateway.channels.email_session import RelayAwayError
from gateway.doctor.finding import Finding, Look
from gateway.domain import Channel, UnsafeValueError
from gateway.settings import Relay, Settings, SettingsError
from store import lines, migrate
from store.engine import Store


async def _relays(settings: Settings) -> Sequence[Finding]:
    return [await _relay(name, relay) for name, relay in settings.relays.items()]


async def _relay(name: str, relay: Relay) -> Finding:
    part = f"relay {name}"
    pool = Pool(relay, None)
    try:
        pool.give(await pool.open())
    except RelayAwayError as error:
        return Finding(part, False, str(error), f"see [relays.{name}]: host, port, security and account")
    finally:
        await pool.close()
    if relay.security == "none" and not _is_here(relay.host):
        what = "mail and password travel" if relay.username else "mail travels"
        advice = f"set security of [relays.{name}] to 'starttls' or 'tls'"
        return Finding(part, False, f"lets us in, but {what} readable to everybody between", advice)
    safety = {"tls": "encrypted", "starttls": "encrypted (STARTTLS)", "none": "on this machine"}
    return Finding(part, True, f"lets us in, {safety[relay.security]}")


def _is_here(host: str) -> bool:
    """Whether nothing leaves this machine."""
    with suppress(ValueError):
        return ip_address(host).is_loopback
    return host.lower().removesuffix(".") == "localhost"


async def _names(settings: Settings) -> Sequence[Finding]:
    """Nothing where no mail is sent, or the sender's domain is one that can be in no DNS."""
    return await look_up(settings, Names())


async def look_up(settings: Settings, names: Names) -> list[Finding]:
    """What the DNS says about the domains that mail is sent from."""
    found = []
    for relay in settings.relays.values():
        try:
            domain = mailbox(relay.sender).domain
        except UnsafeValueError as error:
            return [Finding("mail sender", False, str(error), "see the sender of your relays")]
        found += [
            await _record("spf", domain, email_dns.spf(names, domain, relay.host)),
            await _record("dmarc", domain, email_dns.dmarc(names, domain)),
            await _record("ptr", relay.host, email_dns.pointer(names, relay.host)),
        ]
        for selector, key in settings.dkim.items():
            found.append(
                await _record("dkim", selector, email_dns.dkim(names, Signer(selector, key, domain)))
            )
    if settings.returns.domain:
        back = settings.returns.domain
        found.append(await _record("mx", back, email_dns.returns(names, back)))
    return found


async def _record(kind: str, name: str, looking: Awaitable[Record]) -> Finding:
    part = f"{kind} {name}"
    try:
        record = await looking
    except dns.exception.DNSException as error:
        return Finding(part, False, f"the DNS does not answer ({type(error).__name__})", "ask your network")
    return Finding(part, not record.advice, record.found, record.advice)


# The newest attempt that ended so: nothing was taken since then.
_REFUSALS = {
    "sender-refused": ("the relay refuses our sender", "see the sender of your relays, and what it may send"),
    "policy": ("our mail is refused (5.7.x)", "ask your mail provider, and see SPF, DKIM and DMARC"),
    "relay-wants-login": ("the relay wants a login", "set its username and password"),
}


async def _refusals(settings: Settings) -> Sequence[Finding]:
    """What the last mail met, where we were refused."""
    if not settings.relays:
        return []
    async with Store(settings.store_url) as store:
        if await migrate.current(store) != migrate.newest():
            return []  # told by the look at the store
        newest = await store.read(lines.recent, settings.clinic.id, Channel.EMAIL, 1)
    cause = newest[0][0] if newest else ""
    if cause not in _REFUSALS:
        return []
    found, advice = _REFUSALS[cause]
    return [Finding("mail refused", False, found, advice)]


async def _ways_back(settings: Settings) -> Sequence[Finding]:
    """What is missing so that recipients can unsubscribe and bounces are heard."""
    if not settings.relays:
        return []
    found = []
    if not settings.dkim:
        advice = "make a key ('openssl genpkey -algorithm ed25519 -out dkim.pem') and name it in [dkim.…]"
        found.append(Finding("dkim", False, "mail is not signed", advice))
    heard = settings.returns.domain and settings.returns.port
    if not settings.public.url and not heard:
        advice = (
            "set [public] url, or [returns] domain and port; until then somebody must read that mailbox, and "
            "import clients who write there with messaging_consent 'no'"
        )
        words = "nobody acts on it: requests go to the relay's sender, whose mail Ringwell does not read"
        found.append(Finding("unsubscribe", False, words, advice))
    elif not settings.public.url:
        advice = "set [public] url to an address that recipients can reach, behind your TLS proxy"
        found.append(Finding("unsubscribe", False, "by mail only, not by one click", advice))
    if not heard:
        advice = "set [returns] domain and port, and route that domain's mail to it"
        found.append(Finding("bounces", False, "nobody hears of them", advice))
    return found


async def _logo(settings: Settings) -> Sequence[Finding]:
    """Nothing where there is none, or it can be used: the gateway would not start without it."""
    try:
        await asyncio.to_thread(logo_part, settings.clinic.logo)
    except SettingsError as error:
        return [Finding("logo", False, str(error), "correct [clinic] logo: the gateway does not start so")]
    return []


LOOKS: Mapping[str, Look] = {
    "relays": _relays,
    "mail refused": _refusals,
    "dns": _names,
    "ways back": _ways_back,
    "logo": _logo,
}
