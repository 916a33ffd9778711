"""Mail met by aiosmtpd: what is relayed and what refusals make of it."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gateway.domain import (
    Accepted,
    Attempt,
    Channel,
    ContentError,
    Failed,
    File,
    Mail,
    MessageType,
    Outcome,
    Retry,
    RetryKind,
)
from gateway.settings import Clinic
from gateway.wording import FILES, compose, default_templates
from tests.channels.mail_line import down, errors, mail, running
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until
from tests.unit.factory import BROADCAST, facts

# --- what is relayed ---


async def test_a_mail_is_relayed_with_its_stable_message_id(relay: RelayPeer) -> None:
    async with running(relay.port) as channel:
        outcome = await channel.send(mail(7))
    assert outcome == Accepted("relayed", evidence={"code": 250, "reply": "2.0.0 queued as 1"})
    (got,), (envelope,) = relay.mails(), relay.envelopes
    assert got["Message-ID"] == "<rw-1-7-1@clinic.example>"
    assert (envelope.mail_from, envelope.rcpt_tos) == ("reminders@clinic.example", ["jane@home.example"])


async def test_letters_of_every_alphabet_arrive(relay: RelayPeer) -> None:
    words: dict[str, Any] = {
        "subject": "Ihr Termin: Grüße 😀 " * 8,
        "text": ".Привет\n.\n" * 50,
        "to_name": "Renée, d'Ör",
    }
    async with running(relay.port) as channel:
        await channel.send(mail(**words))
    (got,) = relay.mails()
    assert got["Subject"].split() == words["subject"].split()
    assert got["To"].addresses[0].display_name == "Renée, d'Ör"
    part = got.get_body(("plain",))
    assert part is not None
    assert part.get_payload(decode=True).decode().replace("\r\n", "\n") == words["text"]  # type: ignore[union-attr]


async def test_a_local_part_in_another_alphabet_uses_smtputf8(relay: RelayPeer) -> None:
    async with running(relay.port) as channel:
        assert isinstance(await channel.send(mail(to="renée@home.example")), Accepted)
    assert relay.envelopes[0].rcpt_tos == ["renée@home.example"]
    assert relay.envelopes[0].smtp_utf8


async def test_a_connection_carries_as_many_mails_as_it_may(relay: RelayPeer) -> None:
    async with running(relay.port, connections=1, messages_per_connection=4) as channel:
        for number in range(10):
            assert isinstance(await channel.send(mail(number)), Accepted)
    assert relay.carried == [4, 4, 2]
    assert relay.goodbyes == 3


async def test_a_connection_is_retired_at_its_age(relay: RelayPeer) -> None:
    async with running(relay.port, seconds_per_connection=0.1) as channel:
        await until(lambda: relay.goodbyes == 1)
        assert isinstance(await channel.send(mail()), Accepted)
    assert relay.carried == [0, 1]


async def test_no_more_connections_than_set_are_open_and_slots_count_them(relay: RelayPeer) -> None:
    async with running(relay.port, connections=3) as channel:
        assert await channel.slots() == 3
        relay.answering.clear()
        sends = [asyncio.create_task(channel.send(mail(number))) for number in range(20)]
        await until(lambda: len(relay.contents) == 3)
        assert await down(channel)
        relay.answering.set()
        assert all(isinstance(outcome, Accepted) for outcome in await asyncio.gather(*sends))
        assert await channel.slots() == 3
    assert relay.most_open == 3
    assert relay.connections == 3


# --- files ---


async def test_files_of_a_broadcast_go_with_its_mails(relay: RelayPeer, tmp_path: Path) -> None:
    kept = tmp_path / "a1b2"
    kept.write_bytes(b"%PDF-1.7 " + bytes(range(256)) * 40)
    templates = default_templates(MessageType.UPCOMING_APPOINTMENTS) | {FILES: {"The way.pdf": str(kept)}}
    known = facts(broadcast=replace(BROADCAST, templates=templates))
    async with running(relay.port) as channel:
        content = await channel.prepare(compose(known, Channel.EMAIL, Clinic()))
        for number in (1, 2):
            outcome = await channel.send(Attempt(1, number, 1, "jane@home.example", content))
            assert isinstance(outcome, Accepted)
    for got in relay.mails():
        [file] = got.iter_attachments()
        assert (file.get_filename(), file.get_content_type()) == ("The way.pdf", "application/pdf")
        assert file.get_payload(decode=True) == kept.read_bytes()


async def test_a_mail_whose_file_is_gone_can_never_be_sent(relay: RelayPeer, tmp_path: Path) -> None:
    async with running(relay.port) as channel:
        gone = Mail("a", "b", "<p>c</p>", files=(File("way.pdf", tmp_path / "gone"),))
        with pytest.raises(ContentError, match="is gone"):
            await channel.prepare(gone)


# --- refusals ---


@pytest.mark.parametrize(
    ("verb", "reply", "expected"),
    [
        ("RCPT", "550 5.1.1 No such user", (Failed, "no-such-mailbox")),
        ("RCPT", "452 4.2.2 Mailbox full", (Retry, "mailbox-full")),
        ("RCPT", "451 4.7.1 Greylisted", (Retry, "refused-for-now")),
        ("RCPT", "550 5.7.1 Only from within", (Retry, "policy")),
        ("DATA", "554 5.5.1 Not now", (Failed, "refused")),
        ("DOT", "554 5.7.1 Spam", (Retry, "policy")),
        ("DOT", "554 Not this", (Failed, "refused")),
        ("DOT", "451 4.3.0 Try again", (Retry, "refused-for-now")),
        ("MAIL", "552 5.3.4 Too big", (Failed, "refused")),
    ],
)
async def test_a_refusal_is_told_and_the_connection_used_again(
    relay: RelayPeer, verb: str, reply: str, expected: tuple[type[Outcome], str]
) -> None:
    async with running(relay.port, connections=1) as channel:
        relay.replies[verb] = reply
        outcome = await channel.send(mail())
        assert (type(outcome), outcome.cause) == expected
        assert outcome.evidence["code"] == int(reply[:3])
        relay.replies.clear()
        assert isinstance(await channel.send(mail(2)), Accepted)
    assert relay.connections == 1
    assert relay.mails()[-1]["Message-ID"] == "<rw-1-2-1@clinic.example>"


async def test_a_policy_refusal_alerts_once_and_names_nobody(
    relay: RelayPeer, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(relay.port) as channel:
        relay.replies["RCPT"] = "550 5.7.1 jane@home.example is not for you"
        outcomes = [await channel.send(mail(number)) for number in range(3)]
    assert {outcome.cause for outcome in outcomes} == {"policy"}
    assert not any(isinstance(outcome, Failed) for outcome in outcomes)
    said = errors(caplog)
    assert len(said) == 1
    assert "5.7.1" in said[0]
    assert "jane" not in caplog.text


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "DOT"])
async def test_a_relay_that_closes_is_left_alone_for_a_while(relay: RelayPeer, verb: str) -> None:
    async with running(relay.port, connections=1) as channel:
        relay.replies[verb] = "421 4.3.2 Going down"
        outcome = await channel.send(mail())
        assert isinstance(outcome, Retry)
        assert (outcome.kind, outcome.charged) == (RetryKind.LINE_DOWN, False)
        relay.replies.clear()
        async with asyncio.timeout(60):
            await channel.slots()
        assert isinstance(await channel.send(mail()), Accepted)


@pytest.mark.parametrize(
    "to",
    ["jane@home.example\r\nRCPT TO:<eve@evil.example>", "jane", "a@b.example>,<c@d.example", "j\0@x.example"],
)
async def test_an_address_that_could_be_more_than_one_never_reaches_the_relay(
    relay: RelayPeer, to: str
) -> None:
    async with running(relay.port) as channel:
        assert await channel.send(mail(to=to)) == Failed("address-unusable", bad_address=True)
    assert relay.contents == []
