"""A relay that refuses us is left alone and nobody is charged; one recipient's own wish stops nobody else."""

from __future__ import annotations

import asyncio

import pytest

from gateway.channels.email import EmailChannel
from gateway.channels.email_standing import Standing
from gateway.domain import Accepted, Outcome, Retry, RetryKind
from gateway.settings import Relay
from tests.channels.mail_line import down, errors, mail, reaching, running
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until, until_true

POLICY = "550 5.7.1 jane@home.example is not for you"


def waits(outcome: Outcome, cause: str) -> bool:
    """Whether it is tried again and charges nobody."""
    assert isinstance(outcome, Retry)
    assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)
    return outcome.cause == cause


@pytest.fixture
def for_long(quick: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pause that no test outlives."""
    monkeypatch.setattr(Standing, "TRIAL_FIRST", 60.0)


@pytest.mark.parametrize(
    ("verb", "reply", "cause"),
    [
        ("MAIL", "553 5.7.1 Not owned by user", "sender-refused"),
        ("MAIL", "550 5.1.8 Bad sender", "sender-refused"),
        ("DATA", "554 5.7.1 Not wanted", "policy"),
        ("MAIL", "530 5.7.0 Log in first", "relay-wants-login"),
        ("RCPT", "530 5.7.0 Log in first", "relay-wants-login"),
    ],
)
@pytest.mark.usefixtures("for_long")
async def test_a_refusal_of_us_pauses_the_relay_and_is_said_once(
    relay: RelayPeer, caplog: pytest.LogCaptureFixture, verb: str, reply: str, cause: str
) -> None:
    async with running(relay.port) as channel:
        relay.replies[verb] = reply
        outcomes = await asyncio.gather(*(channel.send(mail(number)) for number in range(2)))
        assert all(waits(outcome, cause) for outcome in outcomes)
        relay.replies.clear()
        assert await down(channel)
        assert waits(await channel.send(mail(3)), "relay-down")
    assert relay.contents == []
    said = errors(caplog)
    assert len(said) == 1
    assert "needs an administrator" in said[0]
    assert "jane" not in caplog.text


async def test_a_relay_that_refused_us_gets_one_mail_at_a_time_until_it_takes_one(
    relay: RelayPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(relay.port, connections=3) as channel:
        relay.replies["MAIL"] = "553 5.7.1 Not owned by user"
        assert waits(await channel.send(mail(1)), "sender-refused")
        async with asyncio.timeout(60):
            assert await channel.slots() == 1
        assert waits(await channel.send(mail(2)), "sender-refused")
        relay.replies.clear()
        async with asyncio.timeout(60):
            assert await channel.slots() == 1
        relay.answering.clear()
        sends = [asyncio.create_task(channel.send(mail(number))) for number in (3, 4)]
        await until(lambda: len(relay.contents) == 1)
        assert await down(channel)
        relay.answering.set()
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*sends))
        assert await channel.slots() == 3
    assert len(errors(caplog)) == 1
    assert "takes our mail again" in caplog.text


@pytest.mark.usefixtures("for_long")
async def test_one_recipients_own_wish_stops_nobody_else(relay: RelayPeer) -> None:
    async with running(relay.port) as channel:
        for number in range(1, 20):
            relay.replies["RCPT"] = POLICY
            refused = await channel.send(mail(number, f"jane@home{number}.example"))
            assert isinstance(refused, Retry)
            assert (refused.kind, refused.cause) == (RetryKind.TEMPORARY, "policy")
            relay.replies.clear()
            assert isinstance(await channel.send(mail(100 + number)), Accepted)


@pytest.mark.usefixtures("for_long")
async def test_a_domain_that_refuses_all_its_recipients_stops_no_other(relay: RelayPeer) -> None:
    async with running(relay.port) as channel:
        relay.replies["RCPT"] = POLICY
        for number in range(1, 20):
            refused = await channel.send(mail(number, f"jane{number}@HOME.example"))
            assert isinstance(refused, Retry)
            assert refused.kind is RetryKind.TEMPORARY
        assert not await down(channel)


@pytest.mark.usefixtures("for_long")
@pytest.mark.parametrize("verb", ["RCPT", "DOT"])
async def test_many_domains_refused_in_a_row_are_us(
    relay: RelayPeer, caplog: pytest.LogCaptureFixture, verb: str
) -> None:
    async with running(relay.port, policy_refusals=3) as channel:
        relay.replies[verb] = POLICY
        outcomes = [await channel.send(mail(number, f"jane@home{number}.example")) for number in range(3)]
        assert [waits(outcomes[2], "policy"), await down(channel)] == [True, True]
        assert all(isinstance(one, Retry) and one.kind is RetryKind.TEMPORARY for one in outcomes[:2])
    said = errors(caplog)
    assert len(said) == 2
    assert "many domains" in said[1]
    assert "jane" not in caplog.text


@pytest.mark.usefixtures("for_long")
async def test_a_second_relay_carries_what_the_first_refuses(relay: RelayPeer) -> None:
    second = RelayPeer()
    await second.start()
    relay.replies["MAIL"] = "553 5.7.1 Not owned by user"
    relays = {
        "first": Relay(port=relay.port, security="none", priority=1),
        "second": Relay(port=second.port, security="none", priority=2),
    }
    channel = EmailChannel(relays, "Example Clinic")
    async with reaching(channel):

        async def both() -> bool:
            return await channel.slots() == 8

        await until_true(both)
        for number in range(3):
            assert isinstance(await channel.send(mail(number)), Accepted)
        assert await channel.slots() == 4
    await second.stop()
    assert (len(relay.contents), len(second.contents)) == (0, 3)
