"""What the doctor says about mail: the relay, the DNS, the ways back."""

from __future__ import annotations

import asyncio
from pathlib import Path

from gateway.channels.email_dns import Names
from gateway.doctor import examine
from gateway.doctor.mail import look_up
from gateway.settings import Settings
from tests.channels.dns_peer import name_server
from tests.channels.relay_peer import RelayPeer
from tests.channels.test_email_dkim import private_key


def clinic(folder: Path, port: int, **more: object) -> Settings:
    relay = {"port": port, "security": "none", "sender": "reminders@clinic.example"}
    return Settings(instance=folder, relays={"main": relay}, **more)


async def test_a_relay_is_tried_and_what_is_wrong_is_said(tmp_path: Path) -> None:
    relay = RelayPeer()
    await relay.start()
    well = {one.part: one for one in await examine(clinic(tmp_path, relay.port), 10)}["relay main"]
    relay.replies["EHLO"] = "554 5.7.1 go away"
    refused = {one.part: one for one in await examine(clinic(tmp_path, relay.port), 10)}["relay main"]
    await relay.stop()
    away = {one.part: one for one in await examine(clinic(tmp_path, relay.port), 10)}["relay main"]
    assert well.well
    assert (refused.well, away.well) == (False, False)
    assert "[relays.main]" in away.advice
    assert relay.contents == []


async def test_every_record_that_is_missing_is_written_out(tmp_path: Path) -> None:
    key = {"file": await asyncio.to_thread(private_key, tmp_path, "Ed25519")}
    settings = clinic(
        tmp_path, 25, dkim={"rw1": key}, returns={"domain": "back.clinic.example", "port": 2525}
    )
    async with name_server({}) as resolver:
        missing = {one.part: one for one in await look_up(settings, Names(resolver))}
    advised = {part: one.advice for part, one in missing.items() if not one.well}
    assert "v=spf1" in advised["spf clinic.example"]
    assert "v=DMARC1" in advised["dmarc clinic.example"]
    assert "rw1._domainkey.clinic.example" in advised["dkim rw1"]
    assert "IN MX" in advised["mx back.clinic.example"]


async def test_a_name_server_that_is_away_is_said(tmp_path: Path) -> None:
    async with name_server({}) as resolver:
        resolver.lifetime = 0.2
    looked = await look_up(clinic(tmp_path, 25), Names(resolver))
    assert looked
    assert all("the DNS does not answer" in one.found for one in looked)


async def test_mail_without_signature_or_way_back_is_warned_about(tmp_path: Path) -> None:
    looked = {one.part: one for one in await examine(clinic(tmp_path, 9), 10)}
    for part in ("dkim", "unsubscribe", "bounces"):
        assert not looked[part].well
        assert looked[part].advice
