"""The connections of one bind, a transceiver or a transmitter and a receiver, that live and end together."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Sequence

from gateway.channels.sms_link import Deliveries, Link
from gateway.channels.sms_pdu import BindKind
from gateway.settings import Bind, SettingsError

# Who listens first misses no receipt of what is sent then.
_KINDS: dict[str, Sequence[BindKind]] = {
    "transceiver": ("transceiver",),
    "pair": ("receiver", "transmitter"),
}


def tls_of(bind: Bind) -> ssl.SSLContext | None:
    """How the provider's certificate is checked; None without TLS. Raises SettingsError."""
    if not bind.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=bind.tls_ca.expanduser() if bind.tls_ca else None)
    except (OSError, ssl.SSLError) as error:
        raise SettingsError(f"setting binds: tls_ca {bind.tls_ca} holds no certificates") from error
    if not bind.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


class Session:
    """Opened by `open`, watched by `watch`, ended by `close`."""

    def __init__(self, links: Sequence[Link]) -> None:
        self._links = links

    @classmethod
    async def open(cls, bind: Bind, tls: ssl.SSLContext | None, deliveries: Deliveries) -> Session:
        """Connect and bind all of it; OSError, TimeoutError or BindRefusedError when that fails."""
        links: list[Link] = []
        try:
            for kind in _KINDS[bind.mode]:
                links.append(await Link.open(bind, kind, tls, deliveries))
        except BaseException:
            for link in links:
                link.abort("the other connection of the pair did not succeed")
            raise
        return cls(links)

    @property
    def transmitter(self) -> Link:
        """The one that takes submits."""
        return self._links[-1]

    async def watch(self) -> str:
        """Keep the session alive until a connection is lost; returns why."""
        watches = [asyncio.create_task(link.watch()) for link in self._links]
        try:
            await asyncio.wait(watches, return_when=asyncio.FIRST_COMPLETED)
            return next(watch.result() for watch in watches if watch.done())
        finally:
            for watch in watches:
                watch.cancel()

    async def close(self, drain_seconds: float) -> None:
        """Let responses under way arrive, unbind, hang up."""
        for link in reversed(self._links):
            if link.up:
                await link.close(drain_seconds)
            else:
                link.abort("closed")
