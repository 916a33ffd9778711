"""Mail met by aiosmtpd: what is relayed, what refusals make of it, and every way to lose the line."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from gateway.channels import email_session
from gateway.channels.email import EmailChannel
from gateway.domain import Accepted, Attempt, Failed, Mail, Outcome, Retry, RetryKind, Unknown
from gateway.settings import Relay, SettingsError
from tests.channels.proxy import Proxy
from tests.channels.relay_peer import LOGIN, RelayPeer, certificate, server_context
from tests.channels.waiting import until

LINE_DOWN = Retry(RetryKind.LINE_DOWN, "relay-down", charged=False)


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(EmailChannel, "PROBE_FIRST", 0.02)
    monkeypatch.setattr(EmailChannel, "PROBE_MOST", 0.1)
    monkeypatch.setattr(EmailChannel, "RETIRE_EVERY", 0.05)


@pytest.fixture
async def peer() -> AsyncIterator[RelayPeer]:
    relay = RelayPeer()
    await relay.start()
    yield relay
    await relay.stop()


@pytest.fixture(scope="session")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate(tmp_path_factory.mktemp("relay"), "DNS:localhost")


@asynccontextmanager
async def started(
    port: int, tls: ssl.SSLContext | None = None, **settings: Any
) -> AsyncIterator[EmailChannel]:
    """A channel whose `run` is under way."""
    usual: dict[str, Any] = {"port": port, "security": "none", "connections": 2}
    channel = EmailChannel(Relay(**(usual | settings)), "Example Clinic", tls)
    run = asyncio.create_task(channel.run())
    try:
        yield channel
    finally:
        run.cancel()
        await asyncio.wait([run])


@asynccontextmanager
async def running(*args: Any, **settings: Any) -> AsyncIterator[EmailChannel]:
    """A channel that reached its relay."""
    async with started(*args, **settings) as channel:
        async with asyncio.timeout(5):
            await channel.slots()
        yield channel


def attempt(number: int = 1, to: str = "jane@home.example", **changes: Any) -> Attempt:
    usual = {"subject": "Your visit", "text": "Dear Jane", "html": "<p>Dear Jane</p>", "to_name": "Jane Doe"}
    return Attempt(1, number, 1, to, Mail(**(usual | changes)))


async def down(channel: EmailChannel) -> bool:
    """Whether nothing may start now."""
    try:
        async with asyncio.timeout(0.05):
            await channel.slots()
    except TimeoutError:
        return True
    return False


def _errors(caplog: pytest.LogCaptureFixture) -> list[str]:
    """What an administrator was told, without what aiosmtpd says on its side."""
    ours = [record for record in caplog.records if record.name.startswith("gateway")]
    return [record.getMessage() for record in ours if record.levelno == logging.ERROR]


# --- what is relayed ---


async def test_a_mail_is_relayed_with_its_stable_message_id(peer: RelayPeer) -> None:
    async with running(peer.port) as channel:
        outcome = await channel.send(attempt(7))
    assert outcome == Accepted("relayed", evidence={"code": 250, "reply": "2.0.0 queued as 1"})
    (mail,), (envelope,) = peer.mails(), peer.envelopes
    assert mail["Message-ID"] == "<rw-1-7-1@clinic.example>"
    assert (envelope.mail_from, envelope.rcpt_tos) == ("reminders@clinic.example", ["jane@home.example"])


async def test_letters_of_every_alphabet_arrive(peer: RelayPeer) -> None:
    words: dict[str, Any] = {
        "subject": "Ihr Termin: Grüße 😀 " * 8,
        "text": ".Привет\n.\n" * 50,
        "to_name": "Renée, d'Ör",
    }
    async with running(peer.port) as channel:
        await channel.send(attempt(**words))
    (mail,) = peer.mails()
    assert mail["Subject"].split() == words["subject"].split()
    assert mail["To"].addresses[0].display_name == "Renée, d'Ör"
    part = mail.get_body(("plain",))
    assert part is not None
    assert part.get_payload(decode=True).decode().replace("\r\n", "\n") == words["text"]  # type: ignore[union-attr]


async def test_a_local_part_in_another_alphabet_uses_smtputf8(peer: RelayPeer) -> None:
    async with running(peer.port) as channel:
        assert isinstance(await channel.send(attempt(to="renée@home.example")), Accepted)
    assert peer.envelopes[0].rcpt_tos == ["renée@home.example"]
    assert peer.envelopes[0].smtp_utf8


async def test_a_connection_carries_as_many_mails_as_it_may(peer: RelayPeer) -> None:
    async with running(peer.port, connections=1, messages_per_connection=4) as channel:
        for number in range(10):
            assert isinstance(await channel.send(attempt(number)), Accepted)
    assert peer.carried == [4, 4, 2]
    assert peer.goodbyes == 3


async def test_a_connection_is_retired_at_its_age(peer: RelayPeer) -> None:
    async with running(peer.port, seconds_per_connection=0.1) as channel:
        await until(lambda: peer.goodbyes == 1)
        assert isinstance(await channel.send(attempt()), Accepted)
    assert peer.carried == [0, 1]


async def test_no_more_connections_than_set_are_open_and_slots_count_them(peer: RelayPeer) -> None:
    async with running(peer.port, connections=3) as channel:
        assert await channel.slots() == 3
        peer.answering.clear()
        sends = [asyncio.create_task(channel.send(attempt(number))) for number in range(20)]
        await until(lambda: len(peer.contents) == 3)
        assert await down(channel)
        peer.answering.set()
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*sends))
        assert await channel.slots() == 3
    assert peer.most_open == 3
    assert peer.connections == 3


# --- refusals ---


@pytest.mark.parametrize(
    ("verb", "reply", "expected"),
    [
        ("RCPT", "550 5.1.1 No such user", (Failed, "no-such-mailbox")),
        ("RCPT", "452 4.2.2 Mailbox full", (Retry, "mailbox-full")),
        ("RCPT", "451 4.7.1 Greylisted", (Retry, "refused-for-now")),
        ("DATA", "554 5.7.1 Not wanted", (Failed, "policy")),
        ("DOT", "554 5.7.1 Spam", (Failed, "policy")),
        ("DOT", "451 4.3.0 Try again", (Retry, "refused-for-now")),
        ("MAIL", "550 5.1.8 Bad sender", (Failed, "sender-refused")),
    ],
)
async def test_a_refusal_is_told_and_the_connection_used_again(
    peer: RelayPeer, verb: str, reply: str, expected: tuple[type[Outcome], str]
) -> None:
    async with running(peer.port, connections=1) as channel:
        peer.replies[verb] = reply
        outcome = await channel.send(attempt())
        assert (type(outcome), outcome.cause) == expected
        assert outcome.evidence["code"] == int(reply[:3])
        peer.replies.clear()
        assert isinstance(await channel.send(attempt(2)), Accepted)
    assert peer.connections == 1
    assert peer.mails()[-1]["Message-ID"] == "<rw-1-2-1@clinic.example>"


async def test_a_policy_refusal_alerts_once_and_names_nobody(
    peer: RelayPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(peer.port) as channel:
        peer.replies["RCPT"] = "550 5.7.1 jane@home.example is not for you"
        outcomes = [await channel.send(attempt(number)) for number in range(3)]
    assert all(isinstance(o, Failed) and not o.bad_address for o in outcomes)
    errors = _errors(caplog)
    assert len(errors) == 1
    assert "5.7.1" in errors[0]
    assert "jane" not in caplog.text


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_a_relay_that_closes_is_left_alone_for_a_while(peer: RelayPeer, verb: str) -> None:
    async with running(peer.port, connections=1) as channel:
        peer.replies[verb] = "421 4.3.2 Going down"
        outcome = await channel.send(attempt())
        assert isinstance(outcome, Retry)
        assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)
        peer.replies.clear()
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)


@pytest.mark.parametrize(
    "to",
    ["jane@home.example\r\nRCPT TO:<eve@evil.example>", "jane", "a@b.example>,<c@d.example", "j\0@x.example"],
)
async def test_an_address_that_could_be_more_than_one_never_reaches_the_relay(
    peer: RelayPeer, to: str
) -> None:
    async with running(peer.port) as channel:
        assert await channel.send(attempt(to=to)) == Failed("address-unusable", bad_address=True)
    assert peer.contents == []


# --- the line is lost ---


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO"])
async def test_a_relay_that_hangs_up_at_once_is_away(peer: RelayPeer, verb: str) -> None:
    peer.drop_at = verb
    async with started(peer.port) as channel:
        await until(lambda: peer.connections >= 2)
        assert await down(channel)
        assert await channel.send(attempt()) == LINE_DOWN
        peer.drop_at = ""
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA"])
async def test_lost_before_the_message_charges_nothing(peer: RelayPeer, verb: str) -> None:
    async with running(peer.port) as channel:
        peer.drop_at = verb
        assert await channel.send(attempt()) == LINE_DOWN
        peer.drop_at = ""
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)
    assert len(peer.contents) == 1


async def test_lost_before_the_final_dot_left_charges_nothing(peer: RelayPeer) -> None:
    async with running(peer.port) as channel:
        peer.drop_at = "BODY"
        # More than the kernel's buffers hold, so that the dot is still here when the relay hangs up.
        assert await channel.send(attempt(text="x" * 70 + "\n" + ("y" * 70 + "\n") * 400_000)) == LINE_DOWN
    assert peer.contents == []


async def test_lost_after_the_final_dot_is_unknown_and_nothing_is_sent_again(peer: RelayPeer) -> None:
    async with running(peer.port) as channel:
        peer.drop_at = "DOT"
        assert await channel.send(attempt()) == Unknown("lost-after-final-dot")
        peer.drop_at = ""
        assert isinstance(await channel.send(attempt(2)), Accepted)
    assert [mail["Message-ID"] for mail in peer.mails()] == [
        "<rw-1-1-1@clinic.example>",
        "<rw-1-2-1@clinic.example>",
    ]


async def test_no_answer_to_the_final_dot_is_unknown(
    peer: RelayPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(email_session, "FINAL_DOT_SECONDS", 0.1)
    async with running(peer.port) as channel:
        peer.answering.clear()
        assert await channel.send(attempt()) == Unknown("lost-after-final-dot")
        peer.answering.set()
        assert isinstance(await channel.send(attempt(2)), Accepted)
    assert len(peer.contents) == 2


async def test_a_relay_that_answers_too_late_is_away(
    peer: RelayPeer, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = Proxy(peer.port)
    await proxy.open()
    async with running(proxy.port, connections=1) as channel:
        monkeypatch.setattr(email_session, "COMMAND_SECONDS", 0.1)
        monkeypatch.setattr(email_session, "CONNECT_SECONDS", 0.1)
        proxy.freeze()
        assert await channel.send(attempt()) == LINE_DOWN
        assert await down(channel)
        proxy.thaw()
        proxy.cut()
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)
    await proxy.close()


async def test_an_idle_connection_that_the_relay_closed_costs_nothing(peer: RelayPeer) -> None:
    async with running(peer.port, connections=1) as channel:
        await channel.send(attempt())
        peer.hang_up()
        assert isinstance(await channel.send(attempt(2)), Accepted)
    assert len(peer.contents) == 2


async def test_a_relay_away_at_the_start_and_later_is_said_once(
    peer: RelayPeer, caplog: pytest.LogCaptureFixture
) -> None:
    await peer.stop()
    async with started(peer.port) as channel:
        await until(lambda: caplog.records)
        assert await down(channel)
        await peer.start()
        async with asyncio.timeout(5):
            await channel.slots()
        assert isinstance(await channel.send(attempt()), Accepted)
    words = [record.getMessage() for record in caplog.records if record.name == "gateway.channels.email"]
    assert len(words) == 2
    assert "mail waits until it is back" in words[0]
    assert "is back" in words[1]


# --- security ---


@pytest.mark.parametrize("security", ["starttls", "tls"])
async def test_mail_travels_encrypted_after_login(pem: Path, security: str) -> None:
    peer = RelayPeer(server_context(pem), implicit=security == "tls", login=security == "starttls")
    await peer.start()
    login: dict[str, Any] = {}
    if security == "starttls":
        login = {"username": LOGIN.login.decode(), "password": SecretStr(LOGIN.password.decode())}
    trust = ssl.create_default_context(cafile=str(pem))
    async with running(peer.port, trust, host="localhost", security=security, **login) as channel:
        assert isinstance(await channel.send(attempt()), Accepted)
    await peer.stop()


@pytest.mark.parametrize("security", ["starttls", "tls"])
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_certificate_that_cannot_be_verified_keeps_mail_here(
    pem: Path, caplog: pytest.LogCaptureFixture, security: str, host: str
) -> None:
    """Untrusted under its own name; trusted, but for another name."""
    peer = RelayPeer(server_context(pem), implicit=security == "tls")
    await peer.start()
    trust = None if host == "localhost" else ssl.create_default_context(cafile=str(pem))
    async with started(peer.port, trust, host=host, security=security) as channel:
        await until(lambda: "not to be trusted" in caplog.text)
        assert await down(channel)
        assert await channel.send(attempt()) == LINE_DOWN
    await peer.stop()
    assert peer.contents == []
    assert len(_errors(caplog)) == 1


async def test_a_relay_without_starttls_gets_nothing(
    peer: RelayPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with started(peer.port, security="starttls") as channel:
        await until(lambda: "offers no STARTTLS" in caplog.text)
        assert await down(channel)
    assert peer.contents == []


async def test_a_wrong_password_is_said_once_and_nothing_starts(
    pem: Path, caplog: pytest.LogCaptureFixture
) -> None:
    peer = RelayPeer(server_context(pem), login=True)
    await peer.start()
    trust = ssl.create_default_context(cafile=str(pem))
    wrong = {"username": "ringwell", "password": SecretStr("wrong")}
    async with started(peer.port, trust, host="localhost", security="starttls", **wrong) as channel:
        await until(lambda: peer.connections >= 3)
        assert await down(channel)
    await peer.stop()
    errors = _errors(caplog)
    assert len(errors) == 1
    assert "refuses our user name or password" in errors[0]
    assert "wrong" not in caplog.text


@pytest.mark.parametrize("wrong", [{"sender": "nobody"}, {"sender": "a@b.example\x7f"}])
async def test_a_sender_that_is_no_address_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises((SettingsError, ValueError)):
        EmailChannel(Relay(**wrong), "Example Clinic")
