"""What comes back by mail, sent to the desk by a real mail client, becomes what it says and no more."""

from __future__ import annotations

import asyncio
import smtplib
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import aiosmtplib
import pytest

from gateway.asterisk.instance import free_port
from gateway.channels import email_desk
from gateway.channels.email import EmailChannel
from gateway.channels.email_reports import Report, read
from gateway.channels.email_return import Returns, Seal
from gateway.domain import Delivered, Event, Failed, Receipt, Reply, ReplyKind
from gateway.settings import Relay, ReturnSettings
from tests.channels.contract import serving
from tests.channels.mail_line import errors
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until

SEAL = Seal(b"a secret of this test")
OURS = f"bounces+{SEAL.token('rw-1-7-1')}@back.clinic.example"
BOUNCES = Path(__file__).parent / "bounces"


class World:
    """A channel with a desk, and a stranger who sends mail to it."""

    def __init__(self, relay: RelayPeer, protocol: Literal["smtp", "lmtp"] = "smtp") -> None:
        self.port = free_port()
        settings = ReturnSettings(domain="back.clinic.example", port=self.port, protocol=protocol)
        self.channel = EmailChannel(
            {"main": Relay(port=relay.port, security="none")}, "Clinic", back=Returns(SEAL, settings)
        )
        self.events: list[Event] = []

    async def record(self) -> None:
        async for batch in self.channel.batches(10):
            self.events += batch

    async def sends(self, octets: bytes, to: str = OURS, sender: str = "") -> None:
        async with aiosmtplib.SMTP(hostname="127.0.0.1", port=self.port, start_tls=False) as client:
            await client.sendmail(sender, [to], octets)


@pytest.fixture
async def world(relay: RelayPeer) -> AsyncIterator[World]:
    async with working(World(relay)) as world:
        yield world


@asynccontextmanager
async def working(world: World) -> AsyncIterator[World]:
    """The desk listens, and what it hears is recorded."""
    async with serving(world.channel):
        recording = asyncio.create_task(world.record())
        async with asyncio.timeout(60):
            await world.channel.slots()
            await _listening(world.port)
        yield world
        recording.cancel()
        await asyncio.wait([recording])


async def _listening(port: int) -> None:
    """Until somebody answers; the caller sets the limit."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        await asyncio.sleep(0.01)
        await _listening(port)
    else:
        writer.close()
        await writer.wait_closed()


def outcomes(events: Sequence[Event]) -> list[object]:
    return [(event.attempt, event.outcome) for event in events if isinstance(event, Receipt)]


@pytest.mark.parametrize(
    ("sample", "cause", "bad_address"),
    [
        ("postfix-unknown-user", "no-such-mailbox", True),
        ("exchange-unknown-user", "no-such-mailbox", True),
        ("exim-unrouteable", "no-such-mailbox", True),
        ("qmail-no-mailbox", "no-such-mailbox", True),
        ("postfix-mailbox-full", "mailbox-full", False),
        ("postfix-policy", "policy", False),
        ("postfix-expired", "bounced", False),
        ("bare-notice", "bounced", False),
    ],
)
async def test_a_bounce_settles_the_attempt_that_it_is_about(
    world: World, sample: str, cause: str, bad_address: bool
) -> None:
    await world.sends((BOUNCES / f"{sample}.eml").read_bytes())
    [(attempt, outcome)] = outcomes(world.events)  # type: ignore[misc]
    assert attempt == "rw-1-7-1"
    assert isinstance(outcome, Failed)
    assert (outcome.cause, outcome.bad_address) == (cause, bad_address)


async def test_an_administrator_is_told_once_of_policies_that_bring_mail_back(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(3):
        await world.sends((BOUNCES / "postfix-policy.eml").read_bytes())
    assert len(world.events) == 3
    [said] = errors(caplog)
    assert "refused by policy (5.7." in said


async def test_a_notice_without_a_report_counts_by_its_empty_sender_alone(world: World) -> None:
    told = b"From: noreply@home.example\r\nSubject: Undeliverable: Your visit\r\n\r\n550 5.1.1 nobody\r\n"
    await world.sends(told, sender="noreply@home.example")
    assert world.events == []
    await world.sends(told)
    [(_, outcome)] = outcomes(world.events)  # type: ignore[misc]
    assert outcome == Failed("no-such-mailbox", True, {"status": "5.1.1", "code": 550})


async def test_what_comes_back_by_lmtp_is_the_same(relay: RelayPeer) -> None:
    """Met by smtplib's own client."""
    octets = (BOUNCES / "postfix-unknown-user.eml").read_bytes().replace(b"\n", b"\r\n")

    def hand_over(port: int, *to: str) -> dict[str, tuple[int, bytes]]:
        with smtplib.LMTP("127.0.0.1", port) as client:
            refused: dict[str, tuple[int, bytes]] = client.sendmail("", list(to), octets)
            return refused

    async with working(World(relay, "lmtp")) as world:
        stranger = OURS.replace("bounces+", "nobody+")
        refused = await asyncio.to_thread(hand_over, world.port, OURS, stranger)
        with pytest.raises(smtplib.SMTPRecipientsRefused):
            await asyncio.to_thread(hand_over, world.port, stranger)
    assert [refused[stranger][0], len(refused)] == [550, 1]
    [(attempt, outcome)] = outcomes(world.events)  # type: ignore[misc]
    assert (attempt, outcome.cause) == ("rw-1-7-1", "no-such-mailbox")


async def test_an_smtp_client_is_told_that_the_desk_speaks_lmtp(relay: RelayPeer) -> None:
    async with working(World(relay, "lmtp")) as world:
        with pytest.raises(aiosmtplib.SMTPException):
            await world.sends((BOUNCES / "postfix-unknown-user.eml").read_bytes())
    assert world.events == []


async def test_a_notice_of_delivery_is_a_receipt(world: World) -> None:
    await world.sends((BOUNCES / "postfix-delivered.eml").read_bytes())
    [(_, outcome)] = outcomes(world.events)  # type: ignore[misc]
    assert isinstance(outcome, Delivered)


@pytest.mark.parametrize("sample", ["postfix-delayed", "vacation", "out-of-office"])
async def test_what_decides_nothing_changes_nothing(world: World, sample: str) -> None:
    await world.sends((BOUNCES / f"{sample}.eml").read_bytes())
    assert world.events == []


async def test_a_letter_to_the_unsubscribe_address_opts_out(world: World) -> None:
    await world.sends(
        b"From: jane@home.example\r\nSubject: unsubscribe\r\n\r\n\r\n",
        OURS.replace("bounces+", "unsubscribe+"),
        "jane@home.example",
    )
    [event] = world.events
    assert isinstance(event, Reply)
    assert (event.kind, event.attempt) == (ReplyKind.OPT_OUT, "rw-1-7-1")


async def test_a_complaint_opts_out_whom_the_enclosed_mail_went_to(world: World) -> None:
    sample = (BOUNCES / "complaint.eml").read_bytes()
    told = sample.replace(b"TOKEN", SEAL.token("rw-1-9-2").encode())
    await world.sends(told, "complaints@back.clinic.example", "feedback@big.example")
    [event] = world.events
    assert isinstance(event, Reply)
    assert (event.kind, event.attempt) == (ReplyKind.OPT_OUT, "rw-1-9-2")


async def test_a_complaint_about_somebody_elses_mail_changes_nothing(world: World) -> None:
    sample = (BOUNCES / "complaint.eml").read_bytes()
    forged = sample.replace(b"TOKEN", Seal(b"not ours").token("rw-1-9-2").encode())
    await world.sends(forged, "complaints@back.clinic.example", "feedback@big.example")
    assert world.events == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("Yes\r\n\r\nOn Tuesday the clinic wrote:\r\n> STOP", ReplyKind.CONFIRM),
        ("please stop emailing me, unsubscribe", ReplyKind.OPT_OUT),
        ("What time was it again?", ReplyKind.OTHER),
    ],
)
async def test_a_reply_is_read_without_what_it_quotes(world: World, text: str, kind: ReplyKind) -> None:
    letter = f"From: jane@home.example\r\nSubject: Re: Your visit\r\n\r\n{text}\r\n".encode()
    await world.sends(letter, OURS.replace("bounces+", "reply+"), "jane@home.example")
    [event] = world.events
    assert isinstance(event, Reply)
    assert (event.kind, event.attempt) == (kind, "rw-1-7-1")


async def test_a_person_who_writes_that_something_could_not_be_delivered_wrote_a_letter(world: World) -> None:
    told = b"From: jane@home.example\r\nSubject: Re: Your visit\r\n\r\nYour fax could not be delivered\r\n"
    await world.sends(told, OURS.replace("bounces+", "reply+"), "jane@home.example")
    [event] = world.events
    assert isinstance(event, Reply)
    assert event.text == "Your fax could not be delivered"


async def test_a_request_that_a_mail_program_wrote_opts_out(world: World) -> None:
    told = b"From: jane@home.example\r\nSubject: unsubscribe\r\nAuto-Submitted: auto-replied\r\n\r\n\r\n"
    await world.sends(told, OURS.replace("bounces+", "unsubscribe+"), "jane@home.example")
    [event] = world.events
    assert isinstance(event, Reply)
    assert event.kind is ReplyKind.OPT_OUT


async def test_the_gateway_works_on_while_a_hostile_mail_is_read(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader that takes its time is in a thread, and no more than two are at work."""
    at_work: list[int] = []
    go_on = threading.Event()

    def slow(octets: bytes, sender: str) -> Report:
        at_work.append(threading.get_ident())
        assert go_on.wait(20)
        return read(octets, sender)

    monkeypatch.setattr(email_desk, "read", slow)
    octets = (BOUNCES / "complaint.eml").read_bytes()
    letters = [
        asyncio.create_task(world.sends(octets, "complaints@back.clinic.example", "a@b.example"))
        for _ in range(4)
    ]
    await until(lambda: len(at_work) == 2)
    assert threading.get_ident() not in at_work
    async with asyncio.timeout(60):
        await _listening(world.port)
    assert len(at_work) == 2
    go_on.set()
    await asyncio.gather(*letters)
    assert len(at_work) == 4


async def test_a_wish_in_a_line_that_is_too_long_for_the_standard_counts(world: World) -> None:
    letter = b"From: jane@home.example\r\nSubject: Re: Your visit\r\n\r\nplease unsubscribe me" + b" ." * 5000
    await world.sends(letter + b"\r\n", OURS.replace("bounces+", "reply+"), "jane@home.example")
    [event] = world.events
    assert isinstance(event, Reply)


@pytest.mark.parametrize(
    "address",
    [
        "bounces+rw-1-7-1.aaaaaaaaaaaaaaaa@back.clinic.example",
        f"bounces+{Seal(b'not ours').token('rw-1-7-1')}@back.clinic.example",
        OURS.replace("rw-1-7-1", "rw-1-8-1"),
        OURS.replace("back.clinic", "other.clinic"),
        "postmaster@back.clinic.example",
        "bounces@back.clinic.example",
    ],
)
async def test_mail_to_an_address_that_we_did_not_seal_is_refused(world: World, address: str) -> None:
    with pytest.raises(aiosmtplib.SMTPRecipientsRefused):
        await world.sends((BOUNCES / "postfix-unknown-user.eml").read_bytes(), address)
    assert world.events == []


async def test_upper_case_on_the_way_back_is_forgiven(world: World) -> None:
    await world.sends((BOUNCES / "postfix-unknown-user.eml").read_bytes(), OURS.upper())
    assert len(world.events) == 1


async def test_mail_is_taken_only_once_its_event_is_on_disk(relay: RelayPeer) -> None:
    world = World(relay)
    async with serving(world.channel):
        async with asyncio.timeout(60):
            await _listening(world.port)
        sending = asyncio.create_task(world.sends((BOUNCES / "postfix-unknown-user.eml").read_bytes()))
        events = world.channel.batches(10)
        async with asyncio.timeout(60):
            assert len(await anext(events)) == 1
        await asyncio.wait([sending], timeout=0.1)
        assert not sending.done()
        recorded = asyncio.create_task(anext(events))  # says that the first batch is on disk
        async with asyncio.timeout(60):
            await sending
        recorded.cancel()
        await asyncio.wait([recorded])
