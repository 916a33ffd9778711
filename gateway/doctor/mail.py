"""Relays, and what the DNS must say so that the clinic's mail arrives."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence

import dns.exception

from gateway.channels import email_dns
from gateway.channels.email_dkim import Signer
from gateway.channels.email_dns import Names, Record
from gateway.channels.email_mime import mailbox
from gateway.channels.email_pool import Pool
from gateway.channels.email_session import RelayAwayError
from gateway.channels.errors import UnsafeValueError
from gateway.doctor.finding import Finding, Look
from gateway.settings import Relay, Settings


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
    safety = {"tls": "encrypted", "starttls": "encrypted (STARTTLS)", "none": "without encryption"}
    return Finding(part, True, f"lets us in, {safety[relay.security]}")


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


async def _ways_back(settings: Settings) -> Sequence[Finding]:
    """What is missing so that recipients can unsubscribe and bounces are heard."""
    if not settings.relays:
        return []
    found = []
    if not settings.dkim:
        advice = "make a key ('openssl genpkey -algorithm ed25519 -out dkim.pem') and name it in [dkim.…]"
        found.append(Finding("dkim", False, "mail is not signed", advice))
    if not settings.public.url:
        advice = "set [public] url to an address that recipients can reach, behind your TLS proxy"
        found.append(Finding("unsubscribe", False, "by mail only, not by one click", advice))
    if not (settings.returns.domain and settings.returns.port):
        advice = "set [returns] domain and port, and route that domain's mail to it"
        found.append(Finding("bounces", False, "nobody hears of them", advice))
    return found


LOOKS: Mapping[str, Look] = {"relays": _relays, "dns": _names, "ways back": _ways_back}
