"""An import that is killed leaves nothing, or everything; done again it completes."""

from __future__ import annotations

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

ROWS = 6_000
KILLS, KILLS_AT_MOST = 4, 15


def clinic(folder: Path) -> dict[str, str]:
    """The environment of a clinic with an empty store."""
    folder.mkdir()
    settings = folder / "ringwell.toml"
    settings.write_text(f'instance = "{folder / "instance"}"\n[console]\nenabled = false\n')
    environment = os.environ | {"RINGWELL_CONFIG": str(settings)}
    command = [sys.executable, "-m", "gateway", "migrate"]
    subprocess.run(command, env=environment, check=True, capture_output=True)
    return environment


def many(folder: Path) -> Path:
    file = folder / "clients.csv"
    rows = (f"C{n},Ann,Doe,+1212555{n:04d},a{n}@home.example,yes" for n in range(ROWS))
    file.write_text("\n".join(["id,given_name,family_name,mobile,email,messaging_consent", *rows]))
    return file


def counts(folder: Path) -> tuple[int, int, int]:
    """Recipients, contacts and consents, as another program reads them."""
    with sqlite3.connect(folder / "instance" / "ringwell.sqlite3") as store:
        found = [store.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
    store.close()
    return found[0], found[1], found[2]


TABLES = ("recipient", "contact", "consent")
# A mobile number is called and texted, and there is a mailbox.
NOTHING, EVERYTHING = (0, 0, 0), (ROWS, 3 * ROWS, ROWS)


def test_a_killed_import_leaves_nothing_or_everything(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "gateway", "import", "clients", str(many(tmp_path)), "--json"]
    begin = time.monotonic()
    subprocess.run(command, env=clinic(tmp_path / "undisturbed"), capture_output=True, check=True)
    seconds = time.monotonic() - begin
    environment = clinic(tmp_path / "killed")
    chance = random.Random(7)
    interrupted = 0
    for _ in range(KILLS_AT_MOST):
        begin = time.monotonic()
        running = subprocess.Popen(
            command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        # Not a wait for anything: the random moment, reading and writing included, is what is tested.
        time.sleep(seconds * chance.uniform(0.3, 1.0))
        if running.poll() is None:
            running.send_signal(signal.SIGKILL)
        else:
            # The machine was busier when the whole was measured.
            seconds = min(seconds, time.monotonic() - begin)
        interrupted += running.wait() == -signal.SIGKILL
        assert counts(tmp_path / "killed") in (NOTHING, EVERYTHING)
        if interrupted == KILLS:
            break
    assert interrupted == KILLS
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    assert json.loads(done.stdout) == {"imported": ROWS, "problems": []}
    assert counts(tmp_path / "killed") == EVERYTHING
