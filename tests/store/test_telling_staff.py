"""Staff are told that a patient answered: once, with the reply or not at all, and nothing of who or what."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.domain import Channel, DirectKind, Reply, ReplyKind, State
from gateway.intake import Intake
from gateway.link import StoreLink
from gateway.outbox import Outbox
from gateway.settings import Clinic, Settings
from gateway.wording import notices
from gateway.wording.notices import Said
from store import conversations, migrate, visits
from store.engine import Store
from store.schema import appointment, direct, message, reply
from tests.store.test_intake import Line
from tests.store.world import CLINIC, NOON, OWNER, Clock, World

PHONE = "+12025550107"
CONFIRMED, CANCELLED, UNCLEAR = (f"{said}@clinic.example" for said in Said)
SETTINGS = Settings.model_validate(
    {
        "clinic": {"id": CLINIC},
        "relays": {"main": {}},
        "notify": {"confirmed": [CONFIRMED], "cancelled": [CANCELLED], "unclear": [UNCLEAR]},
    }
)


async def _reminded(world: World, way: Channel = Channel.SMS) -> str:
    """A client who was reminded of a visit; the attempt."""
    person = await world.person("rosa", details={way: PHONE})
    await world.visit("v1", "rosa")
    number = await world.message(
        State.DELIVERED, recipient=person, appointment=1, address=PHONE, channel=way, started_at=world.clock()
    )
    return f"rw-{CLINIC}-{number}-1"


async def _hear(world: World, *replies: Reply) -> None:
    link = StoreLink(world.store)
    intake = Intake(link, Outbox(link, SETTINGS, OWNER), SETTINGS, OWNER)
    await intake.follow(Line(*replies))  # type: ignore[arg-type]


async def _told(world: World) -> list[str]:
    """Whom notices wait for, in their order."""
    rows = await world.rows(message, broadcast=0, channel="email", state="queued")
    kinds = {row["message"]: row["kind"] for row in await world.rows(direct)}
    assert {kinds[row["id"]] for row in rows} <= {DirectKind.NOTICE}
    return [row["address"] for row in sorted(rows, key=lambda row: row["id"])]


@pytest.mark.parametrize(
    ("kind", "words", "told"),
    [
        (ReplyKind.CONFIRM, "C", [CONFIRMED]),
        (ReplyKind.NOT_COMING, "C1", [CANCELLED]),
        (ReplyKind.CANCEL, "cancel", [UNCLEAR]),
        (ReplyKind.OTHER, "Is there parking?", [UNCLEAR]),
        (ReplyKind.OPT_OUT, "stop", []),
        (ReplyKind.HELP, "help", []),
    ],
)
async def test_each_kind_of_answer_is_told_to_its_own_addresses(
    world: World, kind: ReplyKind, words: str, told: list[str]
) -> None:
    await _reminded(world)
    await _hear(world, Reply(Channel.SMS, kind, PHONE, NOON, words))
    assert await _told(world) == told


async def test_an_answer_is_told_once_however_often_it_is_given(world: World) -> None:
    await _reminded(world)
    for minutes, words in enumerate(("C", "C", "Yes!")):
        at = NOON + timedelta(minutes=minutes)
        await _hear(world, Reply(Channel.SMS, ReplyKind.CONFIRM, PHONE, at, words))
    assert await world.store.read(visits.is_confirmed, CLINIC, 1)
    for minutes, words in enumerate(("C1", "not coming", "C1")):
        at = NOON + timedelta(minutes=30 + minutes)
        await _hear(world, Reply(Channel.SMS, ReplyKind.NOT_COMING, PHONE, at, words))
    assert await _told(world) == [CONFIRMED, CANCELLED]


async def test_a_visit_cancelled_by_key_waits_in_the_inbox_for_somebody_to_fill_the_slot(
    world: World,
) -> None:
    attempt = await _reminded(world, Channel.VOICE)
    pressed = Reply(Channel.VOICE, ReplyKind.CANCEL, PHONE, NOON, "3", attempt)
    await _hear(world, pressed, pressed)
    assert await _told(world) == [CANCELLED]
    (heading,) = await world.store.read(conversations.listing, CLINIC, unread=True)
    assert (heading.names, heading.unread) == (("Rosa Costa",), 1)
    theirs = [line for line in await world.store.read(conversations.lines, CLINIC, PHONE) if not line.ours]
    assert [(line.kind, line.text) for line in theirs] == [(conversations.KEY, "3")]
    await world.store.run(conversations.mark_read, CLINIC, heading.id, world.clock())
    assert await world.store.read(conversations.unread, CLINIC) == 0


async def test_a_key_that_confirms_waits_for_nobody(world: World) -> None:
    attempt = await _reminded(world, Channel.VOICE)
    await _hear(world, Reply(Channel.VOICE, ReplyKind.CONFIRM, PHONE, NOON, "1", attempt))
    assert await _told(world) == [CONFIRMED]
    assert await world.store.read(conversations.listing, CLINIC) == []


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("said", Said)
def test_a_notice_says_what_happened_and_when_and_nothing_else(said: Said, language: str) -> None:
    told = notices.answered(said, NOON, Clinic(language=language))
    subject, empty, text = told.split("\n", 2)
    assert empty == ""
    assert subject
    assert "Ringwell" in text
    assert ("10 mar 2026" if language == "es" else "Mar 10, 2026") in text


def test_staff_are_told_by_mail_which_needs_a_relay() -> None:
    with pytest.raises(ValueError, match=r"notify.unclear needs a mail relay"):
        Settings.model_validate({"notify": {"unclear": [UNCLEAR]}})


# Writes the reply, and is killed either just before its transaction ends or just after.
_KILLED = """
import asyncio, os, signal, sys
from gateway.replies import Replies
from store.engine import Store
from tests.store.test_telling_staff import REPLY, SETTINGS, NOON

def write(conn):
    Replies(SETTINGS, None).record(conn, REPLY, NOON)
    if sys.argv[2] == "before":
        os.kill(os.getpid(), signal.SIGKILL)

async def main():
    async with Store(sys.argv[1]) as store:
        await store.run(write)
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
REPLY = Reply(Channel.SMS, ReplyKind.NOT_COMING, PHONE, NOON, "C1")


@pytest.mark.parametrize(("moment", "kept"), [("before", 0), ("after", 1)])
async def test_a_gateway_that_is_killed_neither_loses_a_notice_nor_doubles_it(
    tmp_path: Path, moment: str, kept: int
) -> None:
    url = f"sqlite:///{tmp_path / 'store.db'}"
    async with Store(url, Clock()) as store:
        await migrate.upgrade(store)
        await _reminded(World(store, Clock()))
    command = [sys.executable, "-c", _KILLED, url, moment]
    killed = await asyncio.to_thread(subprocess.run, command, capture_output=True, timeout=60)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    async with Store(url, Clock()) as store:
        world = World(store, Clock())
        assert (len(await world.rows(reply)), len(await _told(world))) == (kept, kept)
        # Not acknowledged to the network, it comes again.
        await _hear(world, REPLY)
        assert await _told(world) == [CANCELLED]
        assert [row["status"] for row in await world.rows(appointment)] == ["cancelled"]
