"""The clinic's own exchange and its providers have addresses of their own: no trunk may reach the studio."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from gateway.settings.telephone import StaffLine, Trunk

Address = IPv4Address | IPv6Address


def literal(host: str) -> Collection[Address]:
    """The address that is written; none of a name, which the exchange looks up by itself."""
    if host == "localhost":
        return (IPv4Address("127.0.0.1"), IPv6Address("::1"))
    try:
        return (ip_address(host),)
    except ValueError:
        return ()


def ports_decide(staff: StaffLine, trunks: Mapping[str, Trunk]) -> bool:
    """Whether a trunk is at the address of the clinic's own exchange: ports tell them apart then."""
    return any(trunk.host == staff.host for trunk in trunks.values() if not trunk.endpoint)


def clash(
    staff: StaffLine,
    trunks: Mapping[str, Trunk],
    addresses: Callable[[str], Collection[Address]] = literal,
) -> str | None:
    """What is wrong where calls of a trunk could be taken for calls of the clinic's own exchange."""
    for name, trunk in trunks.items():
        if staff.host and not trunk.endpoint and _alike(staff, trunk, addresses):
            return (
                f"staff_line.host and trunks.{name}: both are the same address, so that the provider's calls "
                "could reach the studio: give one of the two another address, or write that address in "
                "numbers as the host of both, without 'sources', and give them different ports"
            )
    return None


def _alike(staff: StaffLine, trunk: Trunk, addresses: Callable[[str], Collection[Address]]) -> bool:
    ours = set(addresses(staff.host))
    if trunk.sources:
        networks = [ip_network(source) for source in trunk.sources]
        return any(one in network for network in networks for one in ours)
    if trunk.host == staff.host and _in_numbers(staff.host):
        return trunk.port == staff.port
    return trunk.host.lower() == staff.host.lower() or bool(ours & set(addresses(trunk.host)))


def _in_numbers(host: str) -> bool:
    return host != "localhost" and bool(literal(host))
