"""A file that a rule was given goes with each mail that the rule plans, to a real relay."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.channels.email import EmailChannel
from gateway.domain import Channel
from gateway.planner import Planner
from gateway.policy import Rules
from gateway.settings import Relay
from store import migrate
from store.engine import Store
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until
from tests.line import serving, settings_of
from tests.store.world import CLINIC, Clock, World

PDF = b"%PDF-1.7 how to find us"


async def test_the_mails_of_a_rule_carry_its_files(
    relay: RelayPeer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path))
    settings = settings_of(tmp_path)
    file = tmp_path / "way.pdf"
    file.write_bytes(PDF)
    async with Store(settings.store_url) as store:
        await migrate.upgrade(store)
        world = World(store, Clock(store.clock()))
        await world.person("rosa", details={Channel.EMAIL: "rosa@home.example"})
        rule = ("rule", "add", "Reminders", "--channel", "email", "--before", "20h", "--attach", str(file))
        done = await asyncio.to_thread(CliRunner().invoke, app, rule)
        assert done.exit_code == 0, done.output
        # Copied: what is there now is nothing to the rule.
        file.unlink()
        # Its moment is soon, as one before the rule was added would be too late.
        await world.visit("v1", "rosa", starts_at=store.clock() + timedelta(hours=20, seconds=1))
        zone = settings.clinic.zone
        assert await Planner(store, CLINIC, zone, lambda: Rules.of(settings)).look()
    mail = EmailChannel({"main": Relay(port=relay.port, security="none")}, "Clinic")
    async with serving(settings.store_url, mail, settings):
        await until(lambda: len(relay.contents) == 1)
    letter = message_from_bytes(relay.contents[0], policy=policy.default)
    (enclosed,) = letter.iter_attachments()
    assert (enclosed.get_filename(), enclosed.get_content()) == ("way.pdf", PDF)


async def test_a_rule_that_sends_no_mail_takes_no_files_and_is_not_written_down(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path))
    async with Store(settings_of(tmp_path).store_url) as store:
        await migrate.upgrade(store)
    file = tmp_path / "way.pdf"
    file.write_bytes(PDF)
    rule = ("rule", "add", "News", "--channel", "sms", "--everybody-by-channel", "--before", "1d")
    done = await asyncio.to_thread(CliRunner().invoke, app, (*rule, "--attach", str(file)))
    assert "only mails carry files" in str(done.exception)
    then = (*rule, "--then", "email=4h", "--attach", str(file))
    assert (await asyncio.to_thread(CliRunner().invoke, app, then)).exit_code == 0
    listed = await asyncio.to_thread(CliRunner().invoke, app, ("rule", "list", "--json"))
    (only,) = json.loads(listed.output)
    assert set(only["templates"]["email.files"]) == {"way.pdf"}
