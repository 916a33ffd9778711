"""Menus in calls: what people press on the town's telephones, and what they and the front desk hear then.

All calls of one exchange are placed at once; each test looks at one of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import pytest
import pytest_asyncio

from gateway.asterisk.ami import Ami
from gateway.channels.trunks import trunk_lines
from gateway.channels.voice import VoiceChannel, rendered
from gateway.domain import (
    Action,
    Attempt,
    Delivered,
    Desk,
    Event,
    Outcome,
    Parts,
    Prompt,
    Reply,
    ReplyKind,
    Script,
)
from gateway.settings import Trunk, VoiceSettings
from gateway.town.audio import measure
from gateway.town.households import MENU_AREA, number
from gateway.town.ledger import Entry, read_ledger
from gateway.town.town import Town
from tests.exchange import CALLER, ami_of, clinic_exchange, running, until
from tests.studio.world import holds, spoken

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRUNK = Trunk(max_calls=40, calls_per_second=100, ring_seconds=15, detect_machines=False, caller_id=CALLER)
VOICE = VoiceSettings(answer_seconds=3.0)
MENU = {
    "1": Action.CONFIRM,
    "2": Action.CANCEL,
    "3": Action.REPEAT,
    "4": Action.LANGUAGE,
    "0": Action.TRANSFER,
    "9": Action.OPT_OUT,
}
# What is said, as voices that can be told apart: name -> (seconds, pitch).
VOICES = {
    "english": (2.0, 140.0),
    "date": (1.5, 190.0),
    "machine": (1.0, 120.0),
    "spanish": (2.5, 250.0),
    "patient-is-calling": (1.5, 330.0),
    "one-moment": (0.8, 400.0),
    "nobody-there": (1.2, 290.0),
}
SCRIPT = Script(
    person=(Prompt("english"), Prompt("date")),
    machine=(Prompt("machine"),),
    menu=MENU,
    other=(Prompt("spanish"),),
    desk=Desk((Prompt("patient-is-calling"),), (Prompt("one-moment"),), (Prompt("nobody-there"),)),
)
DESK, LUNCH = "250", "260"
# name -> V of the number in the area of menus (gateway/town/households.py)
CALLS = {
    "cancels": 0,
    "repeats": 1,
    "changes": 2,
    "transfers": 3,
    "strays": 4,
    "strays-silently": 5,
    "leaves-the-desk": 6,
    "stars": 7,
    "leans-on-a-key": 8,
    "repeats-for-ever": 9,
}


@dataclass(frozen=True)
class Evening:
    """All calls: what the channel said of them, and where the town wrote what it saw."""

    outcomes: Mapping[str, Outcome]
    events: Sequence[Event]
    town: Town
    folder: Path

    def entry(self, name: str) -> Entry:
        """What the town saw of a call."""
        return self.to(number(CALLS[name], 0, CALLS[name], MENU_AREA))

    def to(self, address: str) -> Entry:
        """The town's only call to an address."""
        (entry,) = (entry for entry in read_ledger(self.town.ledger) if entry.address == address)
        return entry

    def replies(self, name: str) -> list[Reply]:
        """The keys of one call, in order."""
        attempt = f"rw-1-{CALLS[name]}-1"
        return [event for event in self.events if isinstance(event, Reply) and event.attempt == attempt]

    def kinds(self, name: str) -> list[tuple[str, ReplyKind]]:
        """Keys and what they meant."""
        return [(reply.text, reply.kind) for reply in self.replies(name)]

    def heard(self, name: str, sound: str) -> bool:
        """Whether a household heard this sound."""
        return holds(Path(self.entry(name).recording), self.folder / f"{sound}.wav")


async def render(folder: Path, parts: Parts) -> tuple[Path, ...]:
    files = []
    for part in parts:
        assert isinstance(part, Prompt)
        file = folder / f"{part.name}.wav"
        files.append(file if file.exists() else spoken(file, *VOICES[part.name]))
    return tuple(files)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("menus")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(folder: Path) -> AsyncIterator[Town]:
    async with Town(folder / "town", seed=1, pace=0.4, keep=True) as town:
        yield town


async def place(
    ami: Ami, folder: Path, events: list[Event], calls: Mapping[str, int], **changed: tuple[Path, ...]
) -> dict[str, Outcome]:
    """Place these calls at once; `changed`: other files than those of the script."""
    channel = VoiceChannel(ami, trunk_lines({"town": TRUNK}), VOICE, lambda parts: render(folder, parts))
    sounds = replace(await rendered(SCRIPT, lambda parts: render(folder, parts)), **changed)

    async def call(voice: int) -> Outcome:
        return await channel.send(Attempt(1, voice, 1, number(voice % 10, 0, voice, MENU_AREA), sounds))

    async def follow() -> None:
        async for batch in channel.batches(10):
            events.extend(batch)

    async with running(ami.run, follow):
        await ami.up()
        ended = await asyncio.gather(*map(call, calls.values()))
    return dict(zip(calls, ended, strict=True))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def evening(folder: Path, town: Town) -> Evening:
    phones = {"host": "127.0.0.1", "port": town.address.phones}
    events: list[Event] = []
    async with clinic_exchange(
        folder / "clinic", town.address.sip, staff_line=phones, voice={"front_desk": DESK}
    ) as exchange:
        outcomes = await place(ami_of(exchange), folder, events, CALLS)
    await until(lambda: all(entry.ended for entry in read_ledger(town.ledger)))
    return Evening(outcomes, events, town, folder)


@pytest.mark.parametrize(
    ("name", "expected", "pressed"),
    [
        ("cancels", Delivered("visit-cancelled"), "2"),
        ("repeats", Delivered("confirmed"), "31"),
        ("changes", Delivered("confirmed"), "41"),
        ("transfers", Delivered("transferred"), "0"),
        ("strays", Delivered("confirmed"), "771"),
        ("strays-silently", Delivered("played"), "5"),
        ("stars", Delivered("confirmed"), "*1"),
        ("leans-on-a-key", Delivered("played"), "7777777"),
    ],
)
async def test_a_key_decides_how_a_call_ends(
    evening: Evening, name: str, expected: Outcome, pressed: str
) -> None:
    outcome = evening.outcomes[name]
    assert (type(outcome), outcome.cause) == (type(expected), expected.cause)
    assert (evening.entry(name).pressed, evening.entry(name).hung_up_by) == (pressed, "caller")


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("cancels", [("2", ReplyKind.CANCEL)]),
        ("repeats", [("3", ReplyKind.REPEAT), ("1", ReplyKind.CONFIRM)]),
        ("changes", [("4", ReplyKind.LANGUAGE), ("1", ReplyKind.CONFIRM)]),
        ("transfers", [("0", ReplyKind.TRANSFER)]),
        ("strays", [("7", ReplyKind.OTHER), ("7", ReplyKind.OTHER), ("1", ReplyKind.CONFIRM)]),
        ("stars", [("*", ReplyKind.OTHER), ("1", ReplyKind.CONFIRM)]),
    ],
)
async def test_every_key_is_a_reply_in_the_order_of_pressing(
    evening: Evening, name: str, kinds: list[tuple[str, ReplyKind]]
) -> None:
    assert evening.kinds(name) == kinds


async def test_every_reply_has_the_time_of_its_key(evening: Evening) -> None:
    entry, (repeat, confirm) = evening.entry("repeats"), evening.replies("repeats")
    assert entry.answered is not None
    assert entry.ended is not None
    assert _whole(entry.answered) <= repeat.at < confirm.at <= entry.ended


def _whole(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


async def test_the_repeat_key_reads_the_message_again_to_its_end(evening: Evening) -> None:
    assert evening.heard("repeats", "english")
    assert not evening.heard("repeats", "spanish")


async def test_the_language_key_reads_the_message_in_the_other_language(evening: Evening) -> None:
    assert evening.heard("changes", "spanish")


async def test_an_unknown_key_gets_one_repeat_and_later_ones_do_not_break_the_message_off(
    evening: Evening,
) -> None:
    for name in ("strays-silently", "leans-on-a-key"):
        assert evening.heard(name, "english"), name
        assert evening.heard(name, "date"), name


async def test_silence_after_an_unknown_key_still_gets_its_own_repeat(evening: Evening) -> None:
    once = (
        measure(evening.folder / "english.wav").voiced_seconds
        + measure(evening.folder / "date.wav").voiced_seconds
    )
    assert 1.9 * once < evening.entry("strays-silently").voiced_seconds < 3.1 * once


async def test_somebody_who_asks_for_repeats_for_ever_is_hung_up_on(evening: Evening) -> None:
    entry = evening.entry("repeats-for-ever")
    assert entry.hung_up_by == "caller"
    assert entry.pressed == "3" * 7


async def test_the_front_desk_alone_hears_who_is_calling_and_then_talks_with_the_patient(
    evening: Evening,
) -> None:
    desks = [entry for entry in read_ledger(evening.town.ledger) if entry.address == f"+{DESK}"]
    assert len(desks) == 2
    for desk in desks:
        assert holds(Path(desk.recording), evening.folder / "patient-is-calling.wav")
        assert not holds(Path(desk.recording), evening.folder / "one-moment.wav")
    assert evening.heard("transfers", "one-moment")
    assert not evening.heard("transfers", "patient-is-calling")
    assert not evening.heard("transfers", "nobody-there")


async def test_a_patient_who_hangs_up_while_talking_to_the_front_desk_did_talk_to_it(
    evening: Evening,
) -> None:
    outcome = evening.outcomes["leaves-the-desk"]
    assert isinstance(outcome, Delivered)
    assert outcome.cause == "transferred"
    assert evening.entry("leaves-the-desk").hung_up_by == "household"


async def test_a_front_desk_that_does_not_answer_is_told_to_the_patient_and_to_staff(
    town: Town, folder: Path
) -> None:
    phones = {"host": "127.0.0.1", "port": town.address.phones}
    events: list[Event] = []
    voice = {"front_desk": LUNCH, "desk_ring_seconds": 5}
    async with clinic_exchange(
        folder / "lunch", town.address.sip, staff_line=phones, voice=voice
    ) as exchange:
        calls = {"transfers": 13, "leaves-the-desk": 16}
        outcomes = await place(ami_of(exchange), folder, events, calls)
    # Also of a patient who hangs up while it rings, and who was told the message before.
    assert {name: (type(end), end.cause) for name, end in outcomes.items()} == dict.fromkeys(
        calls, (Delivered, "desk-missed")
    )
    address = number(3, 0, 13, MENU_AREA)
    evening = Evening(outcomes, events, town, folder)
    await until(lambda: evening.to(address).recording != "")
    assert holds(Path(evening.to(address).recording), folder / "nobody-there.wav")


async def test_a_message_that_was_heard_whole_was_heard_although_the_other_language_is_missing(
    folder: Path,
) -> None:
    async with (
        Town(folder / "other-town", seed=1, pace=0.4) as town,
        clinic_exchange(folder / "broken", town.address.sip) as exchange,
    ):
        missing = (folder / "never-rendered.wav",)
        outcomes = await place(ami_of(exchange), folder, [], {"changes": 2}, other=missing)
    outcome = outcomes["changes"]
    assert isinstance(outcome, Delivered)
    assert (outcome.cause, outcome.evidence["key"]) == ("played", "4")
