"""What the DNS says about the clinic's mail, and what it should say: SPF, DKIM, DMARC, MX, PTR."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import dns.asyncresolver
import dns.exception
import dns.resolver
import dns.reversename

_NOT_THERE = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)


class Key(Protocol):
    """A key that signs mail, as gateway.channels.email_dkim has it."""

    selector: str
    domain: str

    def published(self) -> str:
        """The TXT value that the DNS must hold."""


@dataclass(frozen=True, slots=True)
class Record:
    """One thing that was looked up; `advice` says which record to set, empty when all is well."""

    name: str
    found: str
    advice: str = ""


class Names:
    """Looks names up. Raises dns.exception.DNSException when no server answers."""

    def __init__(self, resolver: dns.asyncresolver.Resolver | None = None) -> None:
        self._resolver = resolver or dns.asyncresolver.Resolver()

    async def texts(self, name: str) -> list[str]:
        """The TXT records of a name, each as one text."""
        try:
            answer = await self._resolver.resolve(name, "TXT")
        except _NOT_THERE:
            return []
        return [b"".join(record.strings).decode("ascii", "replace") for record in answer]

    async def values(self, name: str, kind: str) -> list[str]:
        """The records of a kind as written in a zone file."""
        try:
            answer = await self._resolver.resolve(name, kind)
        except _NOT_THERE:
            return []
        return [record.to_text() for record in answer]

    async def pointers(self, address: str) -> list[str]:
        """The names that an address points back to."""
        return await self.values(str(dns.reversename.from_address(address)), "PTR")


async def spf(names: Names, domain: str, relay_host: str) -> Record:
    """Whether the domain says who may send its mail."""
    found = [text for text in await names.texts(domain) if text.lower().split(" ")[0] == "v=spf1"]
    wanted = f'{domain}. IN TXT "v=spf1 a:{relay_host} -all"'
    if not found:
        return Record("spf", "no record", f"set {wanted}, or what your mail provider names")
    if len(found) > 1:
        return Record("spf", f"{len(found)} records", "keep one: with several, receivers ignore them all")
    if found[0].split()[-1].lower() in ("+all", "all"):
        return Record("spf", found[0], "it allows everybody: end it with -all")
    return Record("spf", found[0])


async def dkim(names: Names, key: Key) -> Record:
    """Whether the DNS holds the public half of a key."""
    name = f"{key.selector}._domainkey.{key.domain}"
    found = await names.texts(name)
    if _tags(key.published()) in [_tags(text) for text in found]:
        return Record("dkim", f"{name} is the key that signs")
    wanted = f'set {name}. IN TXT "{key.published()}"'
    return Record("dkim", f"{name}: {'another key' if found else 'no record'}", wanted)


async def dmarc(names: Names, domain: str) -> Record:
    """Whether the domain says what receivers shall do with mail that is not its own."""
    found = [text for text in await names.texts(f"_dmarc.{domain}") if text.lower().startswith("v=dmarc1")]
    if len(found) != 1:
        wanted = f'set _dmarc.{domain}. IN TXT "v=DMARC1; p=quarantine; rua=mailto:postmaster@{domain}"'
        return Record("dmarc", f"{len(found) or 'no'} record{'s' if len(found) > 1 else ''}", wanted)
    if _tags(found[0]).get("p", "none") == "none":
        return Record("dmarc", found[0], "it only watches: once reports look well, set p=quarantine")
    return Record("dmarc", found[0])


async def returns(names: Names, domain: str) -> Record:
    """Whether bounces find their way."""
    found = await names.values(domain, "MX")
    if not found:
        return Record("mx", f"{domain} has none", f"set {domain}. IN MX 10 <this machine's public name>.")
    return Record("mx", ", ".join(found))


async def pointer(names: Names, relay_host: str) -> Record:
    """Whether the relay's addresses point back to a name that points to them."""
    addresses = [*await names.values(relay_host, "A"), *await names.values(relay_host, "AAAA")]
    without = [address for address in addresses if not await _confirmed(names, address)]
    if not addresses:
        return Record("ptr", f"{relay_host} has no address in the DNS")
    if without:
        return Record("ptr", "an address points to no name", f"ask your provider for a PTR of {without[0]}")
    return Record("ptr", "every address of the relay points back")


async def _confirmed(names: Names, address: str) -> bool:
    kind = "AAAA" if ":" in address else "A"
    return any([address in await names.values(name, kind) for name in await names.pointers(address)])


def _tags(text: str) -> dict[str, str]:
    pairs: Iterable[list[str]] = (part.split("=", 1) for part in text.split(";") if "=" in part)
    return {name.strip().lower(): "".join(value.split()) for name, value in pairs}
