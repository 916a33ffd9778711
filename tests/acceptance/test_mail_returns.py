"""Mail from the queue to a relay, and what comes back: one click and a bounce hold for what follows."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import aiosmtplib
import httpx
import icalendar
import pytest

from gateway.asterisk.instance import free_port
from tests.channels.relay_peer import RelayPeer
from tests.channels.waiting import until

ZONE = ZoneInfo("America/New_York")
BOUNCE = Path(__file__).parent.parent / "channels" / "bounces" / "postfix-unknown-user.eml"


class Clinic:
    """A clinic of one mail relay, used as its staff do: by the command line."""

    def __init__(self, folder: Path, relay_port: int) -> None:
        self.returns, self.public = free_port(), free_port()
        self._file = folder / "ringwell.toml"
        self._folder = folder
        self._file.write_text(
            f'instance = "{folder / "instance"}"\n'
            f'[clinic]\nname = "Harbor Street Clinic"\nzone = "{ZONE.key}"\n'
            "[console]\nenabled = false\n"
            f'[relays.main]\nport = {relay_port}\nsecurity = "none"\nsender = "reminders@clinic.example"\n'
            f'[returns]\ndomain = "back.clinic.example"\nport = {self.returns}\n'
            f'[public]\nurl = "https://reach.clinic.example"\nport = {self.public}\n'
        )

    async def says(self, *words: str) -> str:
        """What a command prints."""
        command = [sys.executable, "-m", "gateway", *words]
        done = await asyncio.to_thread(
            subprocess.run, command, capture_output=True, text=True, env=self._environment(), timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def _environment(self) -> dict[str, str]:
        return os.environ | {"RINGWELL_CONFIG": str(self._file)}

    async def imports(self, kind: str, text: str) -> None:
        file = self._folder / f"{kind}.csv"
        file.write_text(text)
        await self.says("import", kind, str(file))

    async def history(self) -> dict[str, dict[str, Any]]:
        """The newest message to each recipient."""
        rows = json.loads(await self.says("history", "--json"))
        return {row["address"]: row for row in reversed(rows)}

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """While the gateway runs."""
        daemon = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "run"),
            env=self._environment(),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            daemon.terminate()
            async with asyncio.timeout(60):
                await daemon.wait()


def clients(*names: str) -> str:
    rows = [f"{name},{name},Doe,{name.lower()}@home.example,email,yes" for name in names]
    return "\n".join(["id,given_name,family_name,email,preferred_contact_method,messaging_consent", *rows])


def visits(*names: str, days: int = 1, status: str = "booked") -> str:
    """So many days from now."""
    day = (datetime.now(ZONE) + timedelta(days=days)).replace(hour=9, minute=30).strftime("%Y-%m-%d %H:%M")
    rows = [f"V{name},{name},,{day},Check-up,,{status}" for name in names]
    return "\n".join(["id,client,staff,starts_at,service,clinician,status", *rows])


@pytest.fixture
async def relay() -> AsyncIterator[RelayPeer]:
    peer = RelayPeer()
    await peer.start()
    yield peer
    await peer.stop()


@pytest.mark.timeout(180)
async def test_one_click_and_a_bounce_hold_for_the_next_broadcast(tmp_path: Path, relay: RelayPeer) -> None:
    clinic = Clinic(tmp_path, relay.port)
    await clinic.says("migrate")
    await clinic.imports("clients", clients("Ann", "Bob", "Cid"))
    await clinic.imports("appointments", visits("Ann", "Bob", "Cid"))
    async with clinic.open():
        await clinic.says("broadcast", "create", "First", "--channel", "email")
        await until(lambda: len(relay.contents) == 3, 30)
        first = {mail["To"].addresses[0].addr_spec: mail for mail in relay.mails()}

        await _one_click(clinic, first["ann@home.example"])
        await _bounces(clinic, relay, "bob@home.example")
        history = await clinic.history()
        assert (history["bob@home.example"]["state"], history["bob@home.example"]["cause"]) == (
            "failed",
            "no-such-mailbox",
        )
        assert history["ann@home.example"]["state"] == "accepted"

        await clinic.says("broadcast", "create", "Second", "--channel", "email")
        await until(lambda: len(relay.contents) == 4, 30)
        history = await clinic.history()
    assert relay.mails()[3]["To"].addresses[0].addr_spec == "cid@home.example"
    assert history["ann@home.example"]["reason"] == "consent-withdrawn"
    assert history["bob@home.example"]["reason"] == "bad-address"


@pytest.mark.timeout(180)
async def test_a_calendar_follows_its_appointment(tmp_path: Path, relay: RelayPeer) -> None:
    clinic = Clinic(tmp_path, relay.port)
    await clinic.says("migrate")
    await clinic.imports("clients", clients("Ann", "Bob", "Cid", "Dora"))
    await clinic.imports("appointments", visits("Ann", "Bob", "Cid"))
    async with clinic.open():
        await clinic.says("broadcast", "create", "First", "--channel", "email")
        await until(lambda: len(relay.contents) == 3, 30)
        first = {mail["To"].addresses[0].addr_spec: mail for mail in relay.mails()}
        await _one_click(clinic, first["bob@home.example"])

        await clinic.imports("appointments", visits("Ann", "Bob", "Dora", days=3))
        await clinic.imports("appointments", visits("Cid", status="cancelled"))
        await until(lambda: len(relay.contents) == 5, 30)
        # The same again changes nothing.
        await clinic.imports("appointments", visits("Ann", "Bob", "Dora", days=3))
        await clinic.imports("appointments", visits("Ann", days=3, status="cancelled"))
        await until(lambda: len(relay.contents) == 6, 30)
        history = await clinic.history()
    assert history["bob@home.example"]["reason"] == "consent-withdrawn"
    assert "dora@home.example" not in history
    told: dict[str, list[Any]] = {}
    for mail in relay.mails():
        told.setdefault(mail["To"].addresses[0].addr_spec, []).append(_event(mail))
    assert [method for method, _ in told["ann@home.example"]] == ["REQUEST", "REQUEST", "CANCEL"]
    assert [method for method, _ in told["cid@home.example"]] == ["REQUEST", "CANCEL"]
    for events in (told["ann@home.example"], told["cid@home.example"]):
        assert len({event["UID"] for _, event in events}) == 1
        numbers = [event["SEQUENCE"] for _, event in events]
        assert numbers == sorted(set(numbers))
    at = [event["DTSTART"].dt.astimezone(ZONE).date() for _, event in told["ann@home.example"]]
    assert (at[1] - at[0], at[2] - at[1]) == (timedelta(days=2), timedelta())
    assert "is cancelled" in relay.mails()[5]["Subject"]


def _event(mail: Any) -> tuple[str, Any]:
    """The method and the event that a mail brings, as a calendar finds them."""
    [part] = [one for one in mail.walk() if one.get_content_type() == "text/calendar"]
    calendar = icalendar.Calendar.from_ical(part.get_payload(decode=True))
    assert part.get_param("method") == calendar["METHOD"]
    [event] = calendar.events
    return str(calendar["METHOD"]), event


async def _one_click(clinic: Clinic, mail: Any) -> None:
    """What a mail program does when its reader presses "unsubscribe"."""
    link = re.search(r"<https://reach\.clinic\.example(/u/[^>]+)>", mail["List-Unsubscribe"])
    assert link is not None
    here = f"http://127.0.0.1:{clinic.public}"
    async with httpx.AsyncClient() as browser:
        looked = await browser.get(here + link[1])
        assert (looked.status_code, "Harbor Street Clinic" in looked.text) == (200, True)
        forged = await browser.post(here + link[1] + "a", data={"List-Unsubscribe": "One-Click"})
        done = await browser.post(here + link[1], data={"List-Unsubscribe": "One-Click"})
    assert done.status_code == forged.status_code == 200
    assert done.text == forged.text
    assert not done.cookies
    assert not done.is_redirect


async def _bounces(clinic: Clinic, relay: RelayPeer, address: str) -> None:
    """A server further on gives the mail back to where its envelope came from."""
    [envelope] = [one for one in relay.envelopes if one.rcpt_tos == [address]]
    async with aiosmtplib.SMTP(hostname="127.0.0.1", port=clinic.returns, start_tls=False) as server:
        await server.sendmail("", [envelope.mail_from], BOUNCE.read_bytes())
