"""A family's visits in one text to a real SMSC, and in one mail to a real relay unless somebody answered."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from sqlalchemy import select, update

from gateway import broadcast as planning
from gateway import wording
from gateway.channels.email import EmailChannel
from gateway.channels.sms import SmsChannel
from gateway.domain import Channel, MessageType, Purpose, Then
from gateway.policy import Rules
from gateway.settings import Bind, Relay, Settings
from gateway.wording import for_several
from store import ledger, migrate
from store.engine import Store
from store.ledger import Entry
from store.schema import appointment, message
from tests.channels.relay_peer import RelayPeer
from tests.channels.smsc_peer import SmscPeer
from tests.channels.waiting import until
from tests.line import serving, settings_of
from tests.store.world import CLINIC, Clock, World

PHONE, MAILBOX = "+12025550107", "home@home.example"
TYPE = MessageType.UPCOMING_APPOINTMENTS


async def _planned(url: str, settings: Settings) -> None:
    """Rosa and Ben share a number and a mailbox: a text now, a mail a second after it."""
    async with Store(url) as store:
        await migrate.upgrade(store)
        world = World(store, Clock(store.clock()))
        for name in ("Rosa", "Ben"):
            places = {Channel.SMS: PHONE, Channel.EMAIL: MAILBOX}
            person = await world.person(name, given_name=name, details=places)
            shares = Entry(person, True, "staff", purpose=Purpose.FAMILY)
            await store.run(ledger.add, CLINIC, [shares], store.clock())
            tomorrow = store.clock().replace(hour=15) + timedelta(days=1)
            await world.visit(name, name, starts_at=tomorrow)
        texts = for_several(wording.default_templates(TYPE), "en")
        then = (Then(Channel.EMAIL, timedelta(seconds=1)),)
        order = await world.broadcast(TYPE, bundle=True, cascade=then, templates=texts)
        async for _ in planning.plan(store, CLINIC, order, Rules.of(settings)):
            pass


@pytest.mark.parametrize("answers", [True, False])
async def test_one_answer_to_the_text_keeps_the_mail_about_all_from_leaving(
    smsc: SmscPeer, relay: RelayPeer, tmp_path: Path, answers: bool
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    settings = settings_of(tmp_path)
    await _planned(url, settings)
    sms = SmsChannel([Bind(port=smsc.port, per_second=1000.0)])
    async with serving(url, sms, settings) as line:
        await _come_to(line.store, "accepted")
        text = "".join(segment.text for segment in smsc.segments())
        assert "Rosa" in text
        assert "Ben" in text
        if answers:
            assert (await smsc.text("C", source_addr=PHONE)).is_success
            confirmed = select(appointment.c.confirmed_at)
            times = await line.store.read(lambda conn: conn.execute(confirmed).scalars().all())
            assert None not in times
        else:
            # The plan, which did not know when the text would go, allows a minute for it.
            sooner = update(message).where(message.c.channel == "email").values(due_at=line.store.clock())
            await line.store.run(lambda conn: conn.execute(sooner))
    mail = EmailChannel({"main": Relay(port=relay.port, security="none")}, "Clinic")
    async with serving(url, mail, settings) as line:
        if answers:
            assert await _of_mail(line.store) == ["cancelled"]
            return
        await until(lambda: len(relay.contents) == 1)
    body = message_from_bytes(relay.contents[0], policy=policy.default).get_body(("plain",))
    assert body is not None
    assert "Rosa" in body.get_content()
    assert "Ben" in body.get_content()


async def _of_mail(store: Store) -> list[str]:
    query = select(message.c.state).where(message.c.channel == "email")
    return list(await store.read(lambda conn: conn.execute(query).scalars().all()))


async def _come_to(store: Store, state: str) -> None:
    query = select(message.c.state).where(message.c.channel == "sms", message.c.broadcast > 0)
    async with asyncio.timeout(60):
        while await store.read(lambda conn: conn.execute(query).scalar()) != state:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
