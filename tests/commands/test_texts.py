"""`ringwell texts` as staff would use it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.__main__ import app
from gateway.domain import Channel, RecipientKind, Reply, ReplyKind
from gateway.replies import Replies
from gateway.settings import Settings
from store import migrate, register
from store.engine import Store
from store.people import Person

PHONE = "+12025550107"
runner = CliRunner()


@pytest.fixture
async def clinic(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """A clinic whom a client asked something."""
    monkeypatch.setenv("RINGWELL_INSTANCE", str(tmp_path))
    settings = Settings(instance=tmp_path)
    async with Store(settings.store_url) as store:
        await migrate.upgrade(store)
        now = store.clock()
        numbers = {Channel.SMS: PHONE}
        rosa = Person(RecipientKind.CLIENT, "C-1", "Rosa", "Costa", "en", details=numbers, consent=True)
        await store.run(register.save_person, 1, rosa, now)
        question = Reply(Channel.SMS, ReplyKind.OTHER, PHONE, now, "Is there parking?")
        await store.run(Replies(settings, lambda parts: question).record, question, now)
    return settings


def _run(*words: str, typed: str = "", fails: bool = False) -> str:
    done = runner.invoke(app, ["texts", *words], input=typed)
    assert (done.exit_code != 0) is fails, done.output
    return done.output if not fails else str(done.exception)


def test_a_question_is_answered_from_the_command_line(clinic: Settings) -> None:
    assert "Rosa Costa" in _run("inbox")
    assert "Is there parking?" in _run("show", "1")
    assert "queued" in _run("answer", "1", "--by", "Ana", typed="Yes, behind the house.\n")
    assert "Nothing waits" in _run("inbox")
    (row,) = json.loads(_run("inbox", "--all", "--json"))
    assert PHONE not in str(row)
    lines = json.loads(_run("show", "1", "--json"))["lines"]
    assert [(line["by"], line["text"], line["state"]) for line in lines][-1] == (
        "Ana",
        "Yes, behind the house.",
        "queued",
    )


def test_a_client_is_written_to_and_a_conversation_marked_as_read(clinic: Settings) -> None:
    assert "queued" in _run("write", "--client", "C-1", typed="Please bring your card.")
    _run("read", "1")
    assert "Nothing waits" in _run("inbox")
    assert "no client" in _run("write", "--client", "C-9", typed="Hello", fails=True)
    assert "no conversation 7" in _run("show", "7", fails=True)
    assert "empty" in _run("answer", "1", typed=" \n", fails=True)


def test_the_length_of_a_text_is_told_with_what_would_make_it_shorter(clinic: Settings) -> None:
    told = _run("length", typed="Dr. Ito’s office: " + "x" * 80)
    assert "2 segments in UCS-2" in told
    assert "not in GSM-7: ’" in told
    assert "1 segment with plain characters" in told
    assert json.loads(_run("length", "--json", typed="Hello"))["segments"] == 1


def test_the_length_of_a_text_is_that_on_the_bind_that_is_used_first(
    clinic: Settings, tmp_path: Path
) -> None:
    file = tmp_path / "ringwell.toml"
    binds = ("main", 0, "false", "sar"), ("spare", 1, "true", "udh")
    lines = (
        f'[binds.{name}]\npriority = {first}\ngsm7_default = {gsm}\nconcatenation = "{way}"\n'
        for name, first, gsm, way in binds
    )
    file.write_text("".join(lines))
    told = _run("length", "--config", str(file), typed="x" * 150 + "€")
    assert "3 segments in UCS-2, 151 characters, joined by sar (bind main)" in told
    assert "not in Latin-1: €" in told
    assert "2 segments in Latin-1" in _run("length", "--config", str(file), typed="x" * 141)
