"""One file, the environment over it, and one line for a wrong setting."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway import settings
from gateway.domain import RetryKind
from gateway.settings import Settings, SettingsError

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "ringwell.toml"


@pytest.fixture
def write(tmp_path):
    def written(text: str) -> Path:
        file = tmp_path / "ringwell.toml"
        file.write_text(text)
        return file

    return written


def names(model: type[BaseModel], prefix: str = "") -> set[str]:
    found = set()
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            found |= names(inner, f"{prefix}{name}.")
        elif getattr(inner, "__origin__", None) is dict:
            found |= names(inner.__args__[1], f"{prefix}{name}.main.")
        else:
            found.add(prefix + name)
    return found


def keys(table: dict, prefix: str = "") -> set[str]:
    found = set()
    for name, value in table.items():
        found |= keys(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name}
    return found


def test_the_example_is_read_and_names_every_setting():
    settings.load(EXAMPLE)
    assert keys(tomllib.loads(EXAMPLE.read_text())) == names(Settings)


def test_the_example_shows_the_defaults():
    shown, default = settings.load(EXAMPLE), settings.load()
    for section in ("clinic", "store", "console", "asterisk", "fax", "policy", "retry", "dispatch"):
        assert getattr(shown, section) == getattr(default, section), section


def test_the_environment_wins_over_the_file(write, monkeypatch):
    monkeypatch.setenv("RINGWELL_CLINIC__NAME", "Harbor Street Clinic")
    assert settings.load(write('[clinic]\nname = "Other"\n')).clinic.name == "Harbor Street Clinic"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[clinic]\nzone = 'Nowhere/Land'", "setting clinic.zone: 'Nowhere/Land' is not a time zone"),
        ("[clinic]\ncolour = 1", "setting clinic.colour: is not a known setting"),
        ("colour = 1", "setting colour: is not a known setting"),
        (
            "[trunks.main]\nring_seconds = 5",
            "trunks.main.ring_seconds: .*greater than or equal",
        ),
        ('[clinic]\nname = "a\\r\\nAction: Originate"', "setting clinic.name: holds a control character"),
        ("[clinic", "is not TOML"),
        ("[fax]\nheader = ' '", "setting fax.header: "),
        ("[fax]\nstation_id = 'Example Clinic'", "setting fax.station_id: "),
        ("[fax]\nheader = '" + "x" * 2000 + "'", "setting fax.header: .*at most 80"),
        ("[clinic]\nname = ''", "setting clinic.name: "),
        ("[trunks.main]\ncaller_id = ''", "setting trunks.main.caller_id: "),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(write, text, complaint):
    with pytest.raises(SettingsError, match=complaint) as raised:
        settings.load(write(text))
    assert "\n" not in str(raised.value)


def test_an_unknown_setting_of_the_environment_is_named(monkeypatch):
    monkeypatch.setenv("RINGWELL_COLOUR", "blue")
    with pytest.raises(SettingsError, match="RINGWELL_COLOUR"):
        settings.load()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(SettingsError, match=r"cannot read settings file .*nowhere\.toml"):
        settings.load(tmp_path / "nowhere.toml")


def test_secrets_are_never_printed(write):
    loaded = settings.load(write("[binds.main]\npassword = 'hush-hush'\n[relays.r]\npassword = 'hush-hush'"))
    assert "hush-hush" not in repr(loaded)
    assert "hush-hush" not in str(loaded)


def test_every_kind_of_retry_has_an_interval():
    for kind in RetryKind:
        assert settings.load().retry.interval(kind).attempts >= 1


def test_what_passes_soon_is_tried_again_soon():
    retry = settings.load().retry
    for kind in (RetryKind.BUSY, RetryKind.PASSING):
        assert 180 <= retry.interval(kind).after_seconds <= 900
    for kind in (RetryKind.NO_ANSWER, RetryKind.TEMPORARY):
        assert retry.interval(kind).after_seconds >= 1800
