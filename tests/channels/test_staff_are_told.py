"""A patient's text to a real SMSC becomes a mail to staff at a real relay, with nothing of who or what."""

from __future__ import annotations

import asyncio
from email import message_from_bytes, policy
from pathlib import Path

from sqlalchemy import select

from gateway.channels.email import EmailChannel
from gateway.channels.sms import SmsChannel
from gateway.domain import Channel
from gateway.settings import Bind, Relay, Settings
from store import conversations
from store.engine import Store
from store.schema import message, recipient
from tests.bench import rows
from tests.channels.relay_peer import RelayPeer
from tests.channels.smsc_peer import SmscPeer
from tests.channels.waiting import until
from tests.line import fill, serving, settings_of

DESK = "desk@clinic.example"


async def test_a_cancellation_by_text_is_mailed_to_the_desk(
    smsc: SmscPeer, relay: RelayPeer, tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    await fill(url, Channel.SMS, 1)
    settings = _settings(tmp_path, relay)
    sms = SmsChannel([Bind(port=smsc.port, per_second=1000.0)])
    async with serving(url, sms, settings) as line:
        await line.queue(1)
        await until(lambda: len(smsc.got) == 1)
        number = smsc.got[0].destination_addr
        await _accepted(line.store)
        for _ in range(2):
            assert (await smsc.text("I need to cancel my appointment", source_addr=number)).is_success
        assert await line.store.read(conversations.unread, rows.CLINIC) == 1
    async with serving(url, EmailChannel(settings.relays, settings.clinic.name), settings) as line:
        await until(lambda: len(relay.contents) == 1)
        given, family = await line.store.read(
            lambda conn: conn.execute(select(recipient.c.given_name, recipient.c.family_name)).one()
        )
    (envelope,), (content,) = relay.envelopes, relay.contents
    assert envelope.rcpt_tos == [DESK]
    letter = message_from_bytes(content, policy=policy.default)
    assert letter["Subject"] == "A patient cancelled an appointment"
    body = letter.get_body(("plain",))
    assert body is not None
    for secret in (number, number[-4:], given, family, "I need to cancel"):
        assert secret
        assert secret not in body.get_content() + str(letter["Subject"]), secret


def _settings(folder: Path, relay: RelayPeer) -> Settings:
    usual = settings_of(folder)
    told = {"relays": {"main": Relay(port=relay.port, security="none")}}
    notify = usual.notify.model_copy(update={"cancelled": (DESK,)})
    return usual.model_copy(update=told | {"notify": notify})


async def _accepted(store: Store) -> None:
    query = select(message.c.state)
    async with asyncio.timeout(60):
        while await store.read(lambda conn: conn.execute(query).scalar()) != "accepted":  # noqa: ASYNC110
            await asyncio.sleep(0.01)
