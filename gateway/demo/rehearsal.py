"""A clinic and a town on loopback: started, fed, watched, killed and restarted; nothing outlives it.

The demo, the kill drill and a clinic's own rehearsal are all built from this.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway import imports, settings
from gateway.asterisk import provision
from gateway.asterisk.instance import Instance, free_port
from gateway.asterisk.runtime import is_tested
from gateway.demo.clinic import Household, people, visits, write_csv, zone_at_noon
from gateway.domain import RingwellError
from gateway.settings import Settings
from gateway.town.town import Address, read_address
from store import migrate, register
from store.engine import Store

START_SECONDS = 60.0


class RehearsalError(RingwellError):
    """The town or the gateway did not come up; the message names the log to read."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is rehearsed: who lives there, and how quickly the town acts."""

    households: Sequence[Household]
    seed: int = 1
    pace: float = 1.0
    store_url: str = ""
    console: bool = False
    texts_per_second: float = 200
    calls_per_second: float = 10


class Rehearsal:
    """The processes of one rehearsal and the folder they share."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        self.folder = folder
        self.plan = plan
        self.config = folder / "ringwell.toml"
        self.town_folder = folder / "town"
        self.daemon_log = folder / "daemon.log"
        self.announced = folder / "console.txt"
        self._returns = free_port()
        self._town: asyncio.subprocess.Process | None = None
        self._daemon: asyncio.subprocess.Process | None = None

    @property
    def settings(self) -> Settings:
        """The settings that the daemon runs with."""
        return settings.load(self.config)

    @property
    def ledger(self) -> Path:
        """The town's own ledger."""
        return self.town_folder / "ledger.jsonl"

    async def start_town(self) -> None:
        """Start the town and write settings that point at it."""
        self.town_folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        arguments = ["-m", "gateway.town", "--folder", str(self.town_folder)]
        arguments += ["--seed", str(self.plan.seed), "--pace", str(self.plan.pace)]
        arguments += ["--returns", str(self._returns)]
        self._town = await _spawn(arguments, self.folder / "town.log", self.folder / "town.out")
        await _until(self._address, self._town, self.folder / "town.log", "the town")
        address = self._address()
        assert address is not None
        self._write_settings(address)

    def _address(self) -> Address | None:
        return read_address(self.town_folder)

    def _write_settings(self, town: Address) -> None:
        (self.folder / "clinic").mkdir(exist_ok=True, mode=0o700)
        zone = zone_at_noon()
        text = _SETTINGS.format(
            instance=json.dumps(str(self.folder / "clinic")),
            zone=zone,
            store=json.dumps(self.plan.store_url),
            console=str(self.plan.console).lower(),
            prompts=json.dumps(str(self.folder / "prompts")),
            calls=self.plan.calls_per_second,
            texts=self.plan.texts_per_second,
            sip=town.sip,
            smpp=town.smpp,
            smtp=town.smtp,
            returns=self._returns,
        )
        self.config.write_text(text)

    async def import_clinic(self, store: Store) -> None:
        """Import the demo clinic's people and appointments, as CSV files like anybody's."""
        await migrate.upgrade(store)
        clinic = self.settings.clinic
        made = people(self.plan.households, self.plan.seed)
        clients, appointments = self.folder / "clients.csv", self.folder / "appointments.csv"
        write_csv(clients, [client for client, _ in made])
        write_csv(appointments, visits(made, datetime.now(UTC).astimezone(ZoneInfo(clinic.zone))))
        read = imports.read_clients(clients, clinic)
        booked = imports.read_appointments(appointments, clinic)
        if read.problems or booked.problems:
            raise RehearsalError(
                f"the demo clinic's own files have problems: {read.problems + booked.problems}"
            )
        now = store.clock()
        await store.run(register.save_people, clinic.id, [row for _, row in read.rows], now)
        await store.run(register.save_visits, clinic.id, [row for _, row in booked.rows])

    async def start_daemon(self) -> None:
        """Start the gateway; it takes up what an earlier one left."""
        arguments = ["-m", "gateway", "run", "--config", str(self.config)]
        self._daemon = await _spawn(arguments, self.daemon_log, self.announced)

    def kill_daemon(self) -> None:
        """SIGKILL: no chance to say goodbye."""
        if self._daemon is not None and self._daemon.returncode is None:
            self._daemon.kill()

    async def daemon_ended(self) -> int:
        """Wait for the daemon's end and return its exit code."""
        assert self._daemon is not None
        return await self._daemon.wait()

    @property
    def daemon_running(self) -> bool:
        """Whether the gateway's process lives."""
        return self._daemon is not None and self._daemon.returncode is None

    async def versions(self) -> dict[str, str]:
        """What was rehearsed with, for the report."""
        asterisk = await asyncio.to_thread(provision.require(settings.cache_folder()).version)
        tested = "" if is_tested(asterisk) else " (not tested with Ringwell)"
        return {"ringwell": metadata.version("ringwell"), "asterisk": asterisk + tested}

    async def stop(self) -> None:
        """Stop everything that was started, the exchange of a killed gateway included."""
        await _stop(self._daemon)
        if self.config.exists():
            await Instance(self.settings.folder / "asterisk").stop()
        await _stop(self._town)


@asynccontextmanager
async def rehearsal(folder: Path, plan: Plan) -> AsyncIterator[Rehearsal]:
    """A rehearsal with its town up; everything is stopped at the end."""
    held = Rehearsal(folder, plan)
    try:
        await held.start_town()
        yield held
    finally:
        await held.stop()


async def _spawn(arguments: Sequence[str], log: Path, out: Path) -> asyncio.subprocess.Process:
    with log.open("ab") as errors, out.open("ab") as said:
        return await asyncio.create_subprocess_exec(
            sys.executable, *arguments, stdout=said, stderr=errors, env=os.environ | {"PYTHONUNBUFFERED": "1"}
        )


async def _until(ready: Any, process: asyncio.subprocess.Process, log: Path, name: str) -> None:
    try:
        async with asyncio.timeout(START_SECONDS):
            while not ready():
                if process.returncode is not None:
                    raise RehearsalError(f"{name} stopped at once: read {log}")
                await asyncio.sleep(0.05)
    except TimeoutError as error:
        raise RehearsalError(f"{name} did not start within {START_SECONDS:.0f} s: read {log}") from error


async def _stop(process: asyncio.subprocess.Process | None) -> None:
    if process is None or process.returncode is not None:
        return
    process.send_signal(signal.SIGTERM)
    try:
        await asyncio.wait_for(process.wait(), 30)
    except TimeoutError:
        process.kill()
        await process.wait()


# Retry intervals are seconds here, and nothing caps them; everything else is as a clinic would have it.
_SETTINGS = """\
instance = {instance}
node = "demo"

[clinic]
name = "Harbor Street Clinic"
callback = "+12125550100"
zone = "{zone}"

[store]
url = {store}

[console]
enabled = {console}
port = 0

[trunks.town]
host = "127.0.0.1"
port = {sip}
caller_id = "+12125550100"
max_calls = 40
max_faxes = 4
calls_per_second = {calls}
ring_seconds = 15

[voice]
prompts = {prompts}
answer_seconds = 3

[binds.town]
host = "127.0.0.1"
port = {smpp}
source = "+12125550100"
per_second = {texts}
window = 50

[relays.town]
host = "127.0.0.1"
port = {smtp}
security = "none"
sender = "reminders@harborstreet.example"

[returns]
domain = "back.harborstreet.example"
port = {returns}

[fax]
header = "Harbor Street Clinic"
station_id = "+12125550100"

# Its days are over within a minute.
[policy.caps]
a_day = 0
a_week = 0

# The town's numbers are nobody's.
[policy.lines]
impossible_dialled = true
premium_dialled = true

[retry.busy]
after_seconds = 3
attempts = 2
[retry.no_answer]
after_seconds = 3
attempts = 2
[retry.passing]
after_seconds = 2
attempts = 3
[retry.temporary]
after_seconds = 2
attempts = 3
[retry.mail]
after_seconds = 2
longest_seconds = 2
attempts = 3
[retry.declined]
after_seconds = 3
attempts = 1
[retry.fax_busy]
after_seconds = 3
attempts = 2
[retry.fax_no_answer]
after_seconds = 3
attempts = 2
[retry.fax_error]
after_seconds = 2
attempts = 3
[retry.line_down]
after_seconds = 1
attempts = 1000000

[dispatch]
drain_seconds = 20
lease_seconds = 20
"""
