"""What every channel offers to the dispatcher and the intake."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from typing import Protocol

from gateway import domain
from gateway.domain import Attempt, Content, Event, Outcome


class Channel(Protocol):
    """One way out of the building, with the lines it owns.

    Errors of the line are values: `send` returns an Outcome and raises nothing but CancelledError.
    """

    name: domain.Channel

    async def run(self) -> None:
        """Keep the lines up until cancelled: connect, reconnect with backoff, say a loss once."""

    async def slots(self) -> int:
        """Wait until at least one attempt may start now (lines up, rate and window allow), and say how many.

        Blocks while the lines are away, so that nothing is started and no attempt is charged.
        """

    def prepare(self, content: Content) -> Awaitable[Content]:
        """Render what does not depend on the line (sounds, fax image); cached, repeatable.

        What needs no rendering may be given at once, as a future that is done.

        Raises gateway.domain.ContentError when this content can never be sent.
        """

    async def send(self, attempt: Attempt) -> Outcome:
        """Try once, within the channel's own time limit."""

    def halt(self) -> None:
        """Nothing more may leave, not even what was started already: it comes back as not sent, uncharged."""

    def proceed(self) -> None:
        """The end of `halt`."""

    async def hang_up(self) -> None:
        """End what is under way, where there is something to end: calls and faxes.

        Asked for again and again while a stop holds: what could not be ended now is ended then.
        """

    def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        """Receipts and replies as they come, what is waiting and up to `most` at a time, until closed.

        Asking for the next batch says that all of this one is on disk: only then is it acknowledged to the
        sender. gateway.channels.inbox does this for every channel.
        """

    async def reconcile(self, attempts: Collection[str]) -> None:
        """Look for evidence on attempts whose fate was lost in a crash; what is found arrives in `events`."""

    async def acknowledge(self, attempts: Collection[str]) -> None:
        """These attempts are settled on disk: evidence kept for them outside may be dropped."""
