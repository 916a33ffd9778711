"""Uploads become versions: what cannot be used is refused in plain words, originals are kept."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soundfile
from typer.testing import CliRunner

from gateway import __main__ as command_line
from gateway.link import StoreLink
from gateway.settings import Settings
from gateway.studio.kept import kept_prompts
from gateway.studio.recordings import Recordings
from gateway.studio.shelf import Shelf, UnknownPromptError
from store import migrate, prompts
from store.engine import Store
from tests.studio.world import CLINIC, spoken, write
from voices import wav
from voices.errors import RecordingError

NAME, ME = "greeting", "grace"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(instance=tmp_path / "clinic", studio={"upload_mb": 1, "longest_seconds": 20})


@pytest_asyncio.fixture
async def store(settings: Settings) -> AsyncIterator[Store]:
    settings.folder.mkdir()
    async with Store(settings.store_url) as opened:
        await migrate.upgrade(opened)
        yield opened


@pytest.fixture
def shelf(store: Store, settings: Settings) -> Shelf:
    return Shelf(store, settings)


async def _upload(shelf: Shelf, file: Path, language: str = "en", **more: Any) -> int:
    return (await shelf.upload(file, NAME, language, ME, **more)).version


async def test_an_upload_is_played_from_now_on_and_its_original_is_kept(
    shelf: Shelf, store: Store, settings: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "greeting.mp3"
    sound, rate = soundfile.read(spoken(tmp_path / "s.wav", 2))
    soundfile.write(file, sound, rate, format="MP3")
    done = await shelf.upload(file, NAME, "en", ME)
    version = await shelf.version(done.version)
    assert (version.take.source, version.take.author, version.active) == ("upload", ME, True)
    original = settings.recordings / version.take.original
    assert original.name == f"{hashlib.sha256(file.read_bytes()).hexdigest()}.mp3"
    assert original.read_bytes() == file.read_bytes()
    played = await kept_prompts(settings, StoreLink(store))
    assert played == {(NAME, "en"): settings.recordings / f"{version.take.audio}.wav"}
    with played[NAME, "en"].open("rb") as opened:
        assert wav.read_format(opened).is_telephone


REFUSED: dict[str, tuple[Callable[[Path], object], str]] = {
    "text.mp3": (lambda file: file.write_text("not a sound"), "text.mp3 cannot be read as sound"),
    "empty.wav": (lambda file: file.write_bytes(b""), "empty.wav cannot be read as sound"),
    "silence.wav": (lambda file: write(file, np.zeros(16_000)), "silence.wav holds nothing but silence"),
    "large.wav": (
        lambda file: file.write_bytes(b"RIFF" + bytes(3 << 20)),
        "has 3 MB, more than the 1 allowed",
    ),
    "folder.wav": (lambda file: file.mkdir(), "folder.wav is not a file"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_cannot_be_used_is_refused_by_name_and_leaves_nothing(
    shelf: Shelf, store: Store, settings: Settings, tmp_path: Path, name: str
) -> None:
    make, complaint = REFUSED[name]
    make(tmp_path / name)
    with pytest.raises(RecordingError, match=complaint):
        await _upload(shelf, tmp_path / name)
    assert await store.read(prompts.versions, CLINIC) == []
    assert [file for file in settings.recordings.rglob("*") if file.is_file()] == []


async def test_two_hours_in_a_small_file_are_refused_at_once(shelf: Shelf, tmp_path: Path) -> None:
    file = tmp_path / "hours.flac"
    with soundfile.SoundFile(file, "w", 8000, 1) as writing:
        for _ in range(720):
            writing.write(np.zeros(80_000))
    assert file.stat().st_size < 1 << 20
    began = time.monotonic()
    with pytest.raises(RecordingError, match="plays longer than the 22 s allowed"):
        await _upload(shelf, file)
    assert time.monotonic() - began < 30


async def test_versions_are_rolled_back_named_and_never_lost(shelf: Shelf, tmp_path: Path) -> None:
    first, second, third = [
        await _upload(shelf, spoken(tmp_path / f"{hertz}.wav", 1.5, hertz)) for hertz in (120, 150, 180)
    ]
    spanish = await _upload(shelf, spoken(tmp_path / "es.wav", 1.5, 200), "es")
    entry = await shelf.prompt(NAME)
    assert (await shelf.played(entry, "en")).id == third
    assert (await shelf.roll_back(entry, "en")).id == second
    assert (await shelf.roll_back(entry, "en")).id == first
    with pytest.raises(UnknownPromptError, match="no earlier version in 'en'"):
        await shelf.roll_back(entry, "en")
    assert (await shelf.roll_back(entry, "en", third)).id == third
    assert (await shelf.played(entry, "es")).id == spanish
    await shelf.label(first, "Summer hours")
    assert (await shelf.version(first)).label == "Summer hours"
    for what in (shelf.roll_back(entry, "en", 99), shelf.label(99, "x"), shelf.played(entry, "fr")):
        with pytest.raises(UnknownPromptError):
            await what


async def test_a_draft_is_not_played(shelf: Shelf, store: Store, settings: Settings, tmp_path: Path) -> None:
    await _upload(shelf, spoken(tmp_path / "s.wav", 1.5), instead=False)
    assert await kept_prompts(settings, StoreLink(store)) == {}


@pytest.mark.parametrize("name", ["", "a/b", "..", "a b", "x" * 65, "a\nb", "[x]"])
async def test_a_name_from_outside_becomes_no_path(shelf: Shelf, tmp_path: Path, name: str) -> None:
    with pytest.raises(UnknownPromptError, match="no name of a prompt"):
        await shelf.upload(spoken(tmp_path / "s.wav", 1.5), name, "en", ME)


async def test_only_files_that_no_version_needs_are_swept_and_only_old_ones(
    shelf: Shelf, store: Store, settings: Settings, tmp_path: Path
) -> None:
    await _upload(shelf, spoken(tmp_path / "s.wav", 1.5))
    kept = sorted(settings.recordings.glob("*.*"))
    stray, young = settings.recordings / f"{'0' * 64}.wav", settings.recordings / f"{'1' * 64}.wav"
    for file in (stray, young):
        file.write_bytes(b"")
    for file in (*kept, stray):
        os.utime(file, (1, 1))
    recordings = Recordings.of(settings)
    assert recordings.sweep(await store.read(prompts.recordings)) == 1
    await recordings.close()
    assert sorted(settings.recordings.glob("*.*")) == sorted([*kept, young])


async def test_a_prompt_that_we_made_ourselves_may_be_uploaded_again(
    shelf: Shelf, settings: Settings, tmp_path: Path
) -> None:
    first = await shelf.version(await _upload(shelf, spoken(tmp_path / "s.wav", 1.5)))
    again = await shelf.version(await _upload(shelf, settings.recordings / f"{first.take.audio}.wav"))
    for take in (first.take, again.take):
        assert (settings.recordings / take.original).is_file()
        assert (settings.recordings / f"{take.audio}.wav").is_file()


# --- the command line ---


class Ringwell:
    """Runs commands on an installation in a folder."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "ringwell.toml"
        self.config.write_text(f'instance = "{folder / "clinic"}"\n[staff_line]\nhost = "127.0.0.1"\n')

    def __call__(self, *words: str, typed: str = "", well: bool = True) -> str:
        done = CliRunner().invoke(command_line.app, [*words, "--config", str(self.config)], input=typed)
        assert (done.exit_code == 0) == well, done.output
        return done.output if well else str(done.exception or done.output)

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json"))


@pytest.fixture
def ringwell(tmp_path: Path) -> Ringwell:
    made = Ringwell(tmp_path)
    staff = tmp_path / "staff.csv"
    staff.write_text("id,given_name,family_name\nS1,Grace,Okafor\nS2,Hugo,Lopez\n")
    made("import", "staff", str(staff))
    return made


def test_prompts_are_added_listed_shown_and_rolled_back(ringwell: Ringwell, tmp_path: Path) -> None:
    for hertz in (120, 160):
        file = spoken(tmp_path / "greeting.wav", 1.5, hertz)
        told = ringwell.json("prompts", "add", str(file), "--label", f"{hertz} Hz")
    assert (told["prompt"], told["version"], told["findings"]) == (1, 2, [])
    assert told["loudness"] == pytest.approx(-23, abs=0.3)
    (listed,) = ringwell.json("prompts", "list")
    assert (listed["name"], [one["id"] for one in listed["played"]]) == ("greeting", [2])
    assert "greeting" in ringwell("prompts", "list")
    assert "version 1" in ringwell("prompts", "rollback", "greeting")
    ringwell("prompts", "name", "2", "winter")
    found = ringwell.json("prompts", "versions", "1")
    assert [(one["id"], one["active"], one["label"]) for one in found] == [
        (2, False, "winter"),
        (1, True, "120 Hz"),
    ]
    assert all(one["by"] and one["source"] == "upload" for one in found)
    assert [one["id"] for one in ringwell.json("prompts", "show", "greeting")["played"]] == [1]
    assert "played" in ringwell("prompts", "versions", "greeting")


def test_what_is_wrong_with_an_upload_is_said_before_anybody_hears_it(
    ringwell: Ringwell, tmp_path: Path
) -> None:
    loud = spoken(tmp_path / "loud.wav", 2, level=4.0)
    said = ringwell("prompts", "add", str(loud))
    assert "distorted" in said
    assert "ringwell prompts keep loud 1" in said
    assert ringwell.json("prompts", "show", "loud")["played"] == []
    kept = ringwell("prompts", "keep", "loud", "1")
    assert kept.index("distorted") < kept.index("version 1 is played from now on")
    assert [one["id"] for one in ringwell.json("prompts", "show", "loud")["played"]] == [1]
    assert "has no draft 1" in ringwell("prompts", "keep", "loud", "1", well=False)
    (tmp_path / "bad.wav").write_text("nothing")
    assert "bad.wav cannot be read as sound" in ringwell(
        "prompts", "add", str(tmp_path / "bad.wav"), well=False
    )
    assert "gone.wav" in ringwell("prompts", "add", str(tmp_path / "gone.wav"), well=False)


def test_a_draft_waits_until_it_is_kept(ringwell: Ringwell, tmp_path: Path) -> None:
    file = spoken(tmp_path / "greeting.wav", 1.5)
    assert "It is a draft" in ringwell("prompts", "add", str(file), "--draft")
    assert ringwell.json("prompts", "show", "greeting")["played"] == []
    ringwell("prompts", "new", "closing")
    assert "has no draft 1" in ringwell("prompts", "keep", "closing", "1", well=False)
    ringwell("prompts", "keep", "greeting", "1")
    assert [one["id"] for one in ringwell.json("prompts", "show", "greeting")["played"]] == [1]


def test_staff_get_a_pin_from_standard_input_and_are_asked_for_a_prompt(ringwell: Ringwell) -> None:
    assert "Grace Okafor has user number 42" in ringwell(
        "staff", "pin", "42", "--staff", "S1", typed="482913\n"
    )
    assert "482913" not in json.dumps(ringwell.json("staff", "list"))
    assert [row["number"] for row in ringwell.json("staff", "list")] == [None, "42"]
    ringwell("staff", "pin", "42", typed="918273\n")
    ringwell("prompts", "new", "closing", "--wording", "Goodbye then")
    assert "Grace Okafor is asked for it when they dial 7700" in ringwell("prompts", "ask", "42", "closing")
    assert "Hugo Lopez" in ringwell("prompts", "ask", "S2", "1", "--language", "es")
    (listed,) = ringwell.json("prompts", "list")
    assert len(listed["tasks"]) == 2
    ringwell("staff", "pin", "42", "--remove")
    assert [row["number"] for row in ringwell.json("staff", "list")] == [None, None]


@pytest.mark.parametrize(
    ("words", "typed", "complaint"),
    [
        (("staff", "pin", "42", "--staff", "S1"), "123456\n", "guessed first"),
        (("staff", "pin", "42", "--staff", "S1"), "\n", "6 digits"),
        (("staff", "pin", "42", "--staff", "S9"), "482913\n", "no member of staff 'S9'"),
        (("staff", "pin", "4x"), "482913\n", "up to 8 digits"),
        (("prompts", "show", "nothing"), "", "there is no prompt 'nothing'"),
        (("prompts", "ask", "S1", "nothing"), "", "there is no prompt 'nothing'"),
        (("prompts", "play", "nothing", "201"), "", "there is no prompt 'nothing'"),
        (("prompts", "name", "7", "x"), "", "there is no version 7"),
        (("prompts", "new", "a/b"), "", "no name of a prompt"),
    ],
)
def test_mistakes_are_named(ringwell: Ringwell, words: tuple[str, ...], typed: str, complaint: str) -> None:
    assert complaint in ringwell(*words, typed=typed, well=False)
    assert [row["number"] for row in ringwell.json("staff", "list")] == [None, None]


def test_a_recording_is_played_to_nobody_while_the_exchange_is_away(
    ringwell: Ringwell, tmp_path: Path
) -> None:
    ringwell("prompts", "add", str(spoken(tmp_path / "greeting.wav", 1.5)))
    assert "does not run" in ringwell("prompts", "play", "greeting", "201", well=False)
