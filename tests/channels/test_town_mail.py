"""The town's mail server, met by smtplib: a client that is not of the town's making."""

from __future__ import annotations

import asyncio
import smtplib
from collections.abc import AsyncIterator, Callable
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from gateway.asterisk.instance import free_port
from gateway.town.ledger import Entry, Ledger, read_ledger
from gateway.town.mail import MailServer

Entries = Callable[[], list[Entry]]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[MailServer]:
    ledger = Ledger(tmp_path / "ledger.jsonl")
    mail = MailServer(ledger)
    await mail.start()
    yield mail
    await mail.stop()
    ledger.close()


@pytest.fixture
def entries(tmp_path: Path) -> Entries:
    return lambda: read_ledger(tmp_path / "ledger.jsonl")


def _send(port: int, to: str) -> None:
    message = EmailMessage()
    message["From"] = "Example Clinic <reminders@clinic.example>"
    message["To"] = to
    message["Subject"] = "Ihr Termin: Grüße"
    message["Message-ID"] = "<rw-1-7-1@clinic.example>"
    message.set_content("See you on Monday.")
    with smtplib.SMTP("127.0.0.1", port, timeout=5) as client:
        client.send_message(message, from_addr="bounces@clinic.example")


async def test_a_mail_is_taken_with_its_headers(server: MailServer, entries: Entries) -> None:
    await asyncio.to_thread(_send, server.port, "jane@home.example")
    (entry,) = entries()
    assert (entry.kind, entry.result, entry.code) == ("mail", "accepted", "250")
    assert (entry.address, entry.caller) == ("jane@home.example", "bounces@clinic.example")
    assert entry.message_id == "<rw-1-7-1@clinic.example>"
    assert entry.subject == "Ihr Termin: Grüße"
    assert entry.sender == "Example Clinic <reminders@clinic.example>"
    assert entry.size > 100


@pytest.mark.parametrize(
    ("to", "code", "words"),
    [
        ("reject.jane@home.example", 550, b"5.1.1 No such user here"),
        ("Full@home.example", 452, b"4.2.2 Mailbox full"),
    ],
)
async def test_a_mailbox_refuses_at_rcpt(
    server: MailServer, entries: Entries, to: str, code: int, words: bytes
) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await asyncio.to_thread(_send, server.port, to)
    assert refused.value.recipients == {to: (code, words)}
    (entry,) = entries()
    assert (entry.address, entry.result, entry.code) == (to, "rejected", str(code))


async def test_a_greylisted_mailbox_takes_the_second_try(server: MailServer, entries: Entries) -> None:
    with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        await asyncio.to_thread(_send, server.port, "Grey.jane@home.example")
    assert refused.value.recipients["Grey.jane@home.example"][0] == 451
    await asyncio.to_thread(_send, server.port, "grey.jane@home.example")
    assert [(entry.result, entry.code) for entry in entries()] == [("rejected", "451"), ("accepted", "250")]


class _Desk:
    """Takes what comes back, after it was away."""

    def __init__(self) -> None:
        self.got: list[Envelope] = []

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        self.got.append(envelope)
        return "250 OK"


@pytest.mark.parametrize(
    ("to", "status"), [("moved.jane@home.example", "5.1.1"), ("overfull@home.example", "5.2.2")]
)
async def test_a_mail_that_was_taken_is_given_back_once_somebody_listens(
    tmp_path: Path, entries: Entries, to: str, status: str
) -> None:
    ledger, desk, port = Ledger(tmp_path / "ledger.jsonl"), _Desk(), free_port()
    mail = MailServer(ledger, returns=port, pace=0.1)
    await mail.start()
    await asyncio.to_thread(_send, mail.port, to)
    assert [(entry.result, entry.ended) for entry in entries()] == [("accepted", None)]
    loop = asyncio.get_running_loop()
    async with await loop.create_server(lambda: SMTP(desk), "127.0.0.1", port):
        async with asyncio.timeout(60):
            while not entries()[0].bounce:  # noqa: ASYNC110
                await asyncio.sleep(0.02)
    await mail.stop()
    ledger.close()
    [envelope] = desk.got
    assert (envelope.mail_from, envelope.rcpt_tos) == ("<>", ["bounces@clinic.example"])
    report = message_from_bytes(envelope.content, policy=policy.default)
    kinds = [part.get_content_type() for part in report.iter_parts()]
    assert kinds == ["text/plain", "message/delivery-status", "text/rfc822-headers"]
    of_recipient = list(report.iter_parts())[1].get_payload()[1]
    assert (of_recipient["Action"], of_recipient["Status"]) == ("failed", status)
    assert "Message-ID: <rw-1-7-1@clinic.example>" in list(report.iter_parts())[2].get_content()


async def test_a_stopped_server_refuses_and_cuts_and_comes_back_on_its_port(
    server: MailServer, entries: Entries
) -> None:
    port = server.port
    client = await asyncio.to_thread(smtplib.SMTP, "127.0.0.1", port, timeout=5)
    await server.pause()
    with client, pytest.raises(smtplib.SMTPServerDisconnected):
        await asyncio.to_thread(client.noop)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.to_thread(_send, port, "jane@home.example")
    await server.start()
    assert server.port == port
    await asyncio.to_thread(_send, port, "jane@home.example")
    assert [entry.result for entry in entries()] == ["accepted"]
