"""Sessions with the relay that are used again, up to a number of messages and an age (rules 4.2)."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl

from gateway.channels.email_session import Session
from gateway.settings import Relay


class Pool:
    """Idle sessions, newest first; opens others when asked. The caller limits how many there are."""

    def __init__(self, relay: Relay, tls: ssl.SSLContext | None) -> None:
        self._relay = relay
        self._tls = tls
        self._idle: list[Session] = []
        self._leaving: set[asyncio.Task[None]] = set()
        self._clock = asyncio.get_running_loop().time
        self._hostname = _hostname()

    async def take(self) -> Session:
        """A session that can carry a message: an idle one, or a new one (RelayAwayError)."""
        while self._idle:
            session = self._idle.pop()
            if self._may_carry(session):
                return session
            self._dismiss(session)
        return await self.open()

    async def open(self) -> Session:
        """A new session."""
        if self._tls is None and self._relay.security != "none":
            # Reading the machine's authorities takes long enough to be kept off the event loop.
            self._tls = await asyncio.to_thread(ssl.create_default_context)
        return await Session.open(self._relay, self._tls, self._hostname)

    def give(self, session: Session) -> None:
        """Back after use: kept or dismissed."""
        if self._may_carry(session):
            session.was_idle = True
            self._idle.append(session)
        else:
            self._dismiss(session)

    def retire(self) -> None:
        """Dismiss idle sessions whose time is over."""
        kept = [session for session in self._idle if self._may_carry(session)]
        for session in self._idle:
            if session not in kept:
                self._dismiss(session)
        self._idle = kept

    async def close(self) -> None:
        """Say goodbye to all idle sessions."""
        while self._idle:
            self._dismiss(self._idle.pop())
        if self._leaving:
            await asyncio.wait(self._leaving)

    def _may_carry(self, session: Session) -> bool:
        return (
            session.usable
            and session.carried < self._relay.messages_per_connection
            and self._clock() < session.opened_at + self._relay.seconds_per_connection
        )

    def _dismiss(self, session: Session) -> None:
        leaving = asyncio.create_task(session.quit())
        self._leaving.add(leaving)
        leaving.add_done_callback(self._leaving.discard)


def _hostname() -> str:
    """What we say in EHLO; never a look-up in the DNS, which can take seconds."""
    name = socket.gethostname()
    return name if re.fullmatch(r"[A-Za-z0-9.-]+", name) else "localhost"
