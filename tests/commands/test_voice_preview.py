"""What calls will say is shown and measured beforehand, and rendered when a broadcast is made."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gateway.__main__ import main
from gateway.commands import shared
from voices import wav


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out)


Ringwell = Callable[..., Said]


@pytest.fixture
def ringwell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ringwell:
    config = tmp_path / "ringwell.toml"
    config.write_text(
        f'instance = "{tmp_path}/clinic"\n[clinic]\nname = "Harbor Street Clinic"\nzone = "UTC"\n'
        f'[voice]\nnames = "{tmp_path}/names.toml"\nwarn_seconds = 20\n'
        "[policy.voice]\nopens = 00:00:00\ncloses = 00:00:00\n"
    )
    (tmp_path / "names.toml").write_text('[en]\n"Nguyen" = "Win"\n')
    monkeypatch.setenv("RINGWELL_CONFIG", str(config))
    monkeypatch.setenv("RINGWELL_CACHE", str(tmp_path / "cache"))

    def called(*words: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["ringwell", *words])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        return Said(int(ended.value.code or 0), *capsys.readouterr())

    return called


@pytest.fixture
def templates(tmp_path: Path) -> Callable[[str], str]:
    def written(text: str) -> str:
        (tmp_path / "texts.toml").write_text(text)
        return str(tmp_path / "texts.toml")

    return written


def test_a_preview_tells_every_word_and_its_seconds(ringwell: Ringwell, tmp_path: Path) -> None:
    told = ringwell("voice", "preview", "--json", "--name", "NGUYEN, Tuan", "--save", str(tmp_path / "out"))
    assert told.code == 0
    said = told.data["said"]
    words = [one["words"] for one in said if one["version"] == "person"]
    assert words[:4] == ["This is", "Harbor Street Clinic", ". We are calling to remind", "Tuan Win"]
    assert words[7] == "nine thirty A M"
    for version in ("person", "machine"):
        heard = wav.seconds(tmp_path / "out" / f"{version}.wav")
        assert heard == pytest.approx(
            sum(one["seconds"] for one in said if one["version"] == version), abs=0.1
        )
    assert told.data["remarks"] == []


def test_a_preview_warns_of_calls_that_are_too_long_and_of_keys_that_are_not_told(
    ringwell: Ringwell, templates: Callable[[str], str]
) -> None:
    advice = "We look forward to seeing you, and ask you to bring the papers that we sent you. " * 5
    file = templates(
        f'[voice]\nperson = "<Practice> <CallBack> {advice} Press nine."\n'
        '[voice.menu]\n1 = "confirm"\n9 = "opt-out"\n'
    )
    remarks = ringwell("voice", "preview", "--templates", file, "--json").data["remarks"]
    assert len(remarks) == 2
    assert remarks[0] == "voice.person: does not tell that key 1 is for confirm"
    assert "are more than the 20 that a call may take" in remarks[1]


def test_a_voice_that_is_missing_is_named_with_the_way_to_get_it(
    ringwell: Ringwell, templates: Callable[[str], str]
) -> None:
    file = templates(
        '[voice.es]\nperson = "Le llama <Practice>. Cita el <ServiceDate>. Marque 9. <CallBack>"\n'
        'machine = "Le llama <Practice>. <CallBack>"\n'
        '[voice.menu]\n1 = "confirm"\n5 = "language"\n9 = "opt-out"\n'
    )
    told = ringwell("voice", "preview", "--templates", file, "--language", "es", "--json")
    assert told.code == 1
    spanish = [one for one in told.data["said"] if one["version"] == "person"]
    assert spanish[0]["words"] == "Le llama"
    assert all("es_MX-claude-high" in one["trouble"] for one in spanish)
    assert all(not one["trouble"] for one in told.data["said"] if one["version"] == "other language")


def test_a_menu_that_cannot_be_used_is_one_line(ringwell: Ringwell, templates: Callable[[str], str]) -> None:
    file = templates('[voice.menu]\n0 = "transfer"\n9 = "opt-out"\n')
    told = ringwell("broadcast", "plan", "--channel", "voice", "--templates", file)
    assert (told.code, told.err.count("\n")) == (2, 1)
    assert "voice.front_desk" in told.err


@pytest.fixture
def clinic(ringwell: Ringwell, tmp_path: Path) -> None:
    day = (datetime.now() + timedelta(days=1)).strftime("%Y-%m-%d")  # noqa: DTZ005
    (tmp_path / "clients.csv").write_text(
        "id,given_name,family_name,mobile,messaging_consent\nC1,Rosa,Costa,+12125550001,yes\n"
        "C2,Анна,Каренина,+12125550002,yes\nC3,Tuan,Nguyen,+12125550003,yes\nC4,Ana,Diaz,+12125550004,no\n"
    )
    (tmp_path / "appointments.csv").write_text(
        "id,client,starts_at,service,clinician\n"
        + "".join(f"A{n},C{n},{day} 09:30,Check-up,Dr. Ito\n" for n in (1, 2, 3, 4))
    )
    assert ringwell("import", "clients", str(tmp_path / "clients.csv")).code == 0
    assert ringwell("import", "appointments", str(tmp_path / "appointments.csv")).code == 0


def test_a_plan_tells_the_segments_of_each_text_and_of_all(
    ringwell: Ringwell, clinic: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared.out, "width", 200)
    file = tmp_path / "templates.toml"
    file.write_text(f'[sms]\nbody = "{"x" * 150} <ClientName>"\n')
    told = ringwell("broadcast", "plan", "--channel", "sms", "--templates", str(file)).out
    (rosa,) = [line for line in told.splitlines() if "Rosa Costa" in line]
    (anna,) = [line for line in told.splitlines() if "Анна" in line]
    assert (rosa.split()[-2], anna.split()[-2]) == ("2", "3")
    assert "3 texts of 7 segments" in told


def test_a_plan_tells_how_long_calls_take_and_who_cannot_be_called(ringwell: Ringwell, clinic: None) -> None:
    told = ringwell("broadcast", "plan", "--channel", "voice", "--json")
    assert told.code == 0
    reasons = {line["name"]: (line["decision"], line["reason"]) for line in told.data}
    assert reasons["Rosa Costa"] == ("allow", "")
    assert reasons["Анна Каренина"][0] == "refuse"
    assert "Cyrillic" in reasons["Анна Каренина"][1]
    assert reasons["Ana Diaz"] == ("refuse", "consent-withdrawn")
    assert "a person hears" in told.err
    assert "an answering machine hears" in told.err


def test_what_calls_need_is_rendered_when_the_broadcast_is_made(
    ringwell: Ringwell, clinic: None, tmp_path: Path
) -> None:
    told = ringwell("broadcast", "create", "Tomorrow", "--channel", "voice", "--json")
    assert told.code == 0
    assert told.data["messages"]["to send"] == 2
    sounds = {file.name for file in (tmp_path / "cache" / "sounds").glob("*.wav")}
    # Six pieces of the texts, the clinic, two names, date, time and number.
    assert len(sounds) == 12


def test_rendering_can_be_left_to_the_gateway(ringwell: Ringwell, clinic: None, tmp_path: Path) -> None:
    told = ringwell("broadcast", "create", "Tomorrow", "--channel", "voice", "--no-render", "--json")
    assert told.data["messages"]["to send"] == 3
    assert not (tmp_path / "cache" / "sounds").exists()


def test_a_plan_and_a_preview_remark_a_machine_version_that_tells_details(
    ringwell: Ringwell, templates: Callable[[str], str]
) -> None:
    file = templates('[voice]\nmachine = "This is <Practice>. <ClientName>, please call <CallBack>."\n')
    remark = "voice.machine: tells <ClientName> to anybody who listens"
    previewed = ringwell("voice", "preview", "--templates", file, "--json").data["remarks"]
    assert [one.startswith(remark) for one in previewed] == [True]
    assert remark in ringwell("broadcast", "plan", "--channel", "voice", "--templates", file).err
