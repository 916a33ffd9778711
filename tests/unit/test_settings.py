"""One file, the environment over it, and one line for a wrong setting."""

from __future__ import annotations

import tomllib
from datetime import time
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway import settings
from gateway.domain import RetryKind
from gateway.settings import Settings, SettingsError
from gateway.wording.covers import SHIPPED

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
            model_or_plain = inner.__args__[1]
            plain = not hasattr(model_or_plain, "model_fields")
            found |= (
                {prefix + name} if plain else names(model_or_plain, f"{prefix}{name}.{example_of(name)}.")
            )
        else:
            found.add(prefix + name)
    return found


def example_of(table: str) -> str:
    """The name that the example gives to an entry of a table of tables."""
    return {"covers": "en", "regions": "US-FL"}.get(table, "main")


def keys(table: dict, prefix: str = "") -> set[str]:
    found = set()
    for name, value in table.items():
        a_section = isinstance(value, dict) and not any(key.startswith("+") for key in value)
        found |= keys(value, f"{prefix}{name}.") if a_section else {prefix + name}
    return found


def test_the_example_is_read_and_names_every_setting():
    settings.load(EXAMPLE)
    assert keys(tomllib.loads(EXAMPLE.read_text())) == names(Settings)


def test_the_example_shows_the_defaults():
    shown, default = settings.load(EXAMPLE), settings.load()
    for section in ("clinic", "store", "console", "asterisk", "policy", "retry", "dispatch"):
        assert getattr(shown, section) == getattr(default, section), section
    assert shown.fax.model_copy(update={"inboxes": {}, "covers": {}}) == default.fax
    assert shown.fax.covers == {"en": SHIPPED["en"]}


def test_the_environment_wins_over_the_file(write, monkeypatch):
    monkeypatch.setenv("RINGWELL_CLINIC__NAME", "Harbor Street Clinic")
    assert settings.load(write('[clinic]\nname = "Other"\n')).clinic.name == "Harbor Street Clinic"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[clinic]\nzone = 'Nowhere/Land'", "setting clinic.zone: 'Nowhere/Land' is not a time zone"),
        ("[clinic]\nflavour = 1", "setting clinic.flavour: is not a known setting"),
        ("colour = 1", "setting colour: is not a known setting"),
        (
            "[trunks.main]\nring_seconds = 5",
            "trunks.main.ring_seconds: '5' is too small: write 15 or more",
        ),
        ('[clinic]\nname = "a\\r\\nAction: Originate"', "setting clinic.name: holds a control character"),
        ("[clinic]\ncolour = 'blue'", "setting clinic.colour: "),
        ("[clinic", "is not TOML"),
        ("[fax]\nheader = ' '", "setting fax.header: "),
        ("[fax]\nstation_id = 'Example Clinic'", "setting fax.station_id: "),
        ("[fax]\nheader = '" + "x" * 2000 + "'", "setting fax.header: is too long: 50 characters at most"),
        ("[clinic]\nname = ''", "setting clinic.name: "),
        ("[trunks.main]\ncaller_id = ''", "setting trunks.main.caller_id: "),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_it(write, text, complaint):
    with pytest.raises(SettingsError, match=complaint) as raised:
        settings.load(write(text))
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("trunk", "staff"),
    [
        ("host = '192.0.2.5'", "host = '192.0.2.5'"),
        ("host = 'pbx.example'\nport = 5070", "host = 'PBX.example'"),
        ("host = '198.51.100.1'\nsources = ['192.0.2.0/24']", "host = '192.0.2.5'"),
        ("host = 'localhost'\nport = 5070", "host = '127.0.0.1'"),
    ],
)
def test_a_provider_at_the_address_of_the_clinics_own_exchange_is_refused(write, trunk, staff):
    with pytest.raises(SettingsError, match=r"staff_line\.host and trunks\.main: .*give one of the two"):
        settings.load(write(f"[trunks.main]\n{trunk}\n[staff_line]\n{staff}"))


def test_ports_tell_a_provider_and_the_clinics_own_exchange_apart_at_one_address(write):
    lines = "[trunks.main]\nhost = '192.0.2.5'\nport = 5070\n[staff_line]\nhost = '192.0.2.5'"
    assert settings.load(write(lines)).trunks["main"].port == 5070


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
    for kind in (RetryKind.NO_ANSWER, RetryKind.TEMPORARY, RetryKind.MAIL):
        assert retry.interval(kind).after_seconds >= 1800


def test_mails_keep_their_hours_where_only_their_days_are_set(write):
    found = settings.load(write("[policy.email]\nholidays = false\n[policy.fax]\ndays = ['mon']\n")).policy
    assert (
        (found.email.opens, found.email.closes) == (found.fax.opens, found.fax.closes) == (time(0), time(0))
    )
    assert (found.email.holidays, found.fax.days) == (False, ("mon",))
