"""What comes back is recorded for whom it is about, and one bad event holds up nobody."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from gateway.domain import Channel, Event, Failed, Receipt, Reply, ReplyKind, State
from gateway.intake import Intake
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Settings
from store.schema import reply
from tests.store.world import CLINIC, NOON, OWNER, World


class Line:
    """A channel of which only what comes back matters."""

    name = Channel.EMAIL

    def __init__(self, *events: Event) -> None:
        self._events = events
        self.kept = False

    async def batches(self, most: int) -> AsyncIterator[Sequence[Event]]:
        yield self._events
        self.kept = True

    async def acknowledge(self, attempts: Sequence[str]) -> None:
        """Nothing is kept outside."""


async def hear(world: World, *events: Event) -> Line:
    """Record events as the daemon does."""
    settings = Settings(clinic={"id": CLINIC})
    link = StoreLink(world.store)
    intake = Intake(link, Outbox(link, settings, OWNER), settings, OWNER)
    line = Line(*events)
    async with asyncio.timeout(60):
        await intake.follow(line)  # type: ignore[arg-type]
    return line


def unsubscribes(attempt: str) -> Reply:
    return Reply(Channel.EMAIL, ReplyKind.OPT_OUT, "", NOON, "one-click", attempt)


async def test_who_unsubscribes_from_an_old_mail_is_withdrawn_under_the_new_address(world: World) -> None:
    person = await world.person("p1", details={Channel.EMAIL: "rosa.costa@home.example"})
    number = await world.message(
        State.ACCEPTED, recipient=person, channel="email", address="rosa@home.example", attempt=1
    )
    await hear(world, unsubscribes(f"rw-1-{number}-1"))
    assert (await world.ledger(person))[-1] == (False, "email")


async def test_an_attempt_of_another_clinic_withdraws_nobody_here(world: World) -> None:
    person = await world.person("p1", details={Channel.EMAIL: "rosa@home.example"})
    number = await world.message(State.ACCEPTED, recipient=person, channel="email", attempt=1)
    await hear(world, unsubscribes(f"rw-2-{number}-1"))
    assert (await world.ledger(person))[-1][0]


async def test_an_event_that_cannot_be_recorded_holds_up_no_other(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    person = await world.person("p1", details={Channel.EMAIL: "rosa@home.example"})
    number = await world.message(State.ACCEPTED, recipient=person, channel="email", attempt=1)
    # A moment without a zone: the store refuses it.
    bad = Reply(Channel.EMAIL, ReplyKind.OTHER, "x@home.example", NOON.replace(tzinfo=None), "a secret")
    line = await hear(world, bad, unsubscribes(f"rw-1-{number}-1"))
    assert line.kept
    assert (await world.ledger(person))[-1] == (False, "email")
    assert len(await world.rows(reply)) == 1
    assert "cannot be recorded" in caplog.text
    assert "secret" not in caplog.text


async def test_a_bounce_that_comes_late_keeps_others_from_using_the_address(world: World) -> None:
    address = "rosa@home.example"
    people = [await world.person(name, details={Channel.EMAIL: address}) for name in ("p1", "p2")]
    number = await world.message(
        State.ACCEPTED, recipient=people[0], channel="email", address=address, attempt=1, charged=1
    )
    bounce = Receipt(Channel.EMAIL, Failed("no-such-mailbox", bad_address=True), NOON, f"rw-1-{number}-1")
    await hear(world, bounce)
    assert (await world.row(number))["state"] == "failed"
    assert await world.bad_addresses() == {("email", address): ("bounce", "no-such-mailbox")}
