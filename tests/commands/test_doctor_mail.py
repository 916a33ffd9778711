"""What the doctor says about mail: the relay, the DNS, the ways back."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gateway.channels.email_dns import Names
from gateway.doctor import examine
from gateway.doctor.mail import look_up
from gateway.domain import State
from gateway.settings import Settings
from store import migrate
from store.engine import Store
from store.settle import Settlement
from tests.channels.dns_peer import name_server
from tests.channels.relay_peer import LOGIN, RelayPeer
from tests.channels.test_email_dkim import private_key
from tests.store.world import Clock, World


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


class Careless(RelayPeer):
    """Lets passwords travel in the clear."""

    def options(self) -> dict[str, Any]:
        return super().options() | {"auth_require_tls": False}


ACCOUNT = {"username": LOGIN.login.decode(), "password": LOGIN.password.decode()}


@pytest.mark.parametrize(("account", "words"), [({}, "mail travels"), (ACCOUNT, "mail and password travel")])
async def test_a_relay_elsewhere_without_encryption_is_warned_about(
    tmp_path: Path, account: dict[str, str], words: str
) -> None:
    relay = Careless()
    await relay.start()
    # It reaches this machine, and is no loopback address.
    elsewhere = {"host": "0.0.0.0", "port": relay.port, "security": "none"} | account
    settings = Settings(instance=tmp_path, relays={"main": elsewhere})
    found = {one.part: one for one in await examine(settings, 10)}["relay main"]
    await relay.stop()
    assert not found.well
    assert words in found.found
    assert "security" in found.advice


async def refused(world: World, settled: State, cause: str) -> None:
    """The newest mail ended so."""
    number = await world.message(State.SENDING, channel="email")
    due = world.clock.move(seconds=1)
    await world.settle(
        Settlement(number, 1, settled, due_at=due, outcome="retry", cause=cause, started_at=world.clock())
    )


async def test_a_relay_that_refuses_us_is_told_until_it_takes_a_mail(tmp_path: Path) -> None:
    settings = clinic(tmp_path, 9)
    async with Store(settings.store_url, clock=(clock := Clock())) as store:
        await migrate.upgrade(store)
        world = World(store, clock)
        for cause in ("sender-refused", "policy", "relay-wants-login"):
            await refused(world, State.SCHEDULED, cause)
            told = {one.part: one for one in await examine(settings, 10)}["mail refused"]
            assert not told.well
            assert told.advice
        await refused(world, State.ACCEPTED, "relayed")
        assert "mail refused" not in {one.part for one in await examine(settings, 10)}


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
    assert "nobody acts on it" in looked["unsubscribe"].found


async def test_a_logo_that_is_not_there_is_told_before_the_gateway_refuses_it(tmp_path: Path) -> None:
    gone = clinic(tmp_path, 9, clinic={"logo": str(tmp_path / "logo.png")})
    looked = {one.part: one for one in await examine(gone, 10)}
    assert "cannot read" in looked["logo"].found
    assert "logo" not in {one.part for one in await examine(clinic(tmp_path, 9), 10)}


@pytest.mark.parametrize(
    ("ways", "found"),
    [
        ({"returns": {"domain": "back.clinic.example", "port": 2525}}, "by mail only, not by one click"),
        ({"public": {"url": "https://mail.clinic.example"}}, ""),
    ],
)
async def test_one_way_to_unsubscribe_is_heard(tmp_path: Path, ways: dict[str, object], found: str) -> None:
    looked = {one.part: one.found for one in await examine(clinic(tmp_path, 9, **ways), 10)}
    assert looked.get("unsubscribe", "") == found
