"""Changes laid over the settings file, and the table of all settings."""

from __future__ import annotations

from datetime import time
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from gateway import settings as of_settings
from gateway.policy import Rules
from gateway.settings import Settings, SettingsError, wrong
from gateway.settings.changing import change, laid_over, may_change
from gateway.settings.table import Row, rows, told
from gateway.settings.topics import TOPICS, topic_of

USUAL = Settings()


@pytest.mark.parametrize(
    ("name", "typed", "stored"),
    [
        ("policy.sms.opens", "09:00", '"09:00:00"'),
        ("policy.caps.a_day", "5", "5"),
        ("policy.consent.emergencies_without", "true", "true"),
        ("retry.busy.after_seconds", "60.5", "60.5"),
        ("texts.answers", "false", "false"),
        ("policy.sms.days", "mon,tue", '["mon", "tue"]'),
        ("policy.sms.days", "sun", '["sun"]'),
        ("policy.sms.days", '["mon", "fri"]', '["mon", "fri"]'),
        (
            "policy.closed.dates",
            "2026-12-24, 2026-12-31/2027-01-02",
            '["2026-12-24", "2026-12-31/2027-01-02"]',
        ),
        (
            "policy.regions.US-FL.hours",
            "mon-fri 09:00-20:00, sat 10:00-12:00",
            '["mon-fri 09:00-20:00", "sat 10:00-12:00"]',
        ),
        ("policy.email.opens", "22:00", '"22:00:00"'),
        ("policy.sms.closes", "00:00", '"00:00:00"'),
    ],
)
def test_a_change_is_checked_and_kept_as_json(name: str, typed: str, stored: str) -> None:
    found, text = change(USUAL, name, typed)
    assert text == stored
    again, left_out = laid_over(USUAL, {name: text})
    assert left_out == []
    assert again == found
    assert again != USUAL


@pytest.mark.parametrize(
    ("name", "typed", "says"),
    [
        ("policy.sms.opens", "25:99", "'25:99' is not a time of day: write hours and minutes, such as 09:00"),
        ("policy.sms.opens", "9:00", "such as 09:00"),
        ("policy.sms.opens", "9", "such as 09:00"),
        ("policy.sms.opens", "09:00Z", "such as 09:00"),
        ("policy.caps.a_day", "-1", "'-1' is too small: write 0 or more. Calls and texts to one client"),
        ("policy.caps.a_day", "many", "'many' is not a whole number such as 3. Calls and texts"),
        ("policy.caps.gap_minutes", "2000", "'2000' is too large: write 1440 or less"),
        ("policy.sms.days", "mon,tuesday", "'tuesday' is none of 'mon', 'tue',"),
        ("policy.sms.days", "", "is empty: name one at least, such as mon,tue,"),
        ("policy.sms.days", '{"mon": 1}', "is not a list such as mon,tue,"),
        ("policy.sms.holidays", "maybe", "'maybe' is not true or false"),
        ("retry.busy.after_seconds", "soon", "'soon' is not a number such as"),
        ("policy.no_consent.types", "letters", "'letters' is none of 'client-upcoming-appointments'"),
        ("policy.caps.a_year", "3", "policy.caps.a_year: is not a known setting"),
        ("no.such", "3", "is not a known setting"),
        ("policy.caps", "{}", "is a whole section"),
        ("policy", "{}", "is a whole section"),
        ("clinic.name", "Other", "is set in the settings file"),
        ("store.url", "sqlite:///x", "is set in the settings file"),
    ],
)
def test_a_change_that_cannot_be_says_why(name: str, typed: str, says: str) -> None:
    with pytest.raises(SettingsError) as caught:
        change(USUAL, name, typed)
    assert says in str(caught.value)
    assert name in str(caught.value)


@pytest.mark.parametrize("channel", ["voice", "sms"])
def test_nobody_is_called_or_texted_through_the_night_by_mistake(channel: str) -> None:
    for name, typed in (("opens", "22:00"), ("closes", "07:30")):
        with pytest.raises(SettingsError) as caught:
            change(USUAL, f"policy.{channel}.{name}", typed)
        assert f"setting policy.{channel}: opens at " in str(caught.value)
        assert typed in str(caught.value)
        assert "such as 08:00" in str(caught.value)


def test_changes_that_only_go_together_are_laid_over_in_any_order() -> None:
    kept = {"policy.sms.opens": '"22:00:00"', "policy.sms.closes": '"23:00:00"'}
    for changes in (kept, dict(reversed(kept.items()))):
        found, left_out = laid_over(USUAL, changes)
        assert left_out == []
        assert (found.policy.sms.opens, found.policy.sms.closes) == (time(22), time(23))


def test_a_kept_change_that_is_no_good_any_more_is_left_out_and_told() -> None:
    kept = {"policy.caps.a_day": "-7", "policy.gone": "1", "policy.caps.a_week": "9"}
    found, left_out = laid_over(USUAL, kept)
    assert (found.policy.caps.a_day, found.policy.caps.a_week) == (3, 9)
    assert len(left_out) == 2


def test_other_rules_have_another_version_and_the_same_ones_the_same() -> None:
    found, _ = change(USUAL, "policy.sms.opens", "09:00")
    assert found.policy.sms.opens == time(9)
    assert Rules.of(found.as_changed(4)).version.startswith("4.")
    assert Rules.of(found).version != Rules.of(USUAL).version
    answers, _ = change(USUAL, "texts.answers", "false")
    assert Rules.of(answers).version == Rules.of(USUAL).version


def _row(found: Settings, name: str, changed: tuple[str, ...] = ()) -> Row:
    (row,) = [row for row in rows(found, changed) if row.name == name]
    return row


def test_the_table_tells_where_a_value_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "ringwell.toml"
    file.write_text('[policy.sms]\nopens = "10:00"\n[policy.caps]\na_day = 2\n[trunks.main]\nhost = "h"\n')
    monkeypatch.setenv("RINGWELL_POLICY__CAPS__A_DAY", "4")
    found = of_settings.load(file)
    assert (_row(found, "policy.caps.a_day").value, _row(found, "policy.caps.a_day").origin) == (
        4,
        "environment",
    )
    opens = _row(found, "policy.sms.opens")
    assert (opens.value, opens.default, opens.origin) == ("10:00:00", "08:00:00", "file")
    assert _row(found, "policy.sms.closes").origin == "default"
    assert _row(found, "policy.sms.opens", ("policy.sms.opens",)).origin == "changed here"
    assert _row(found, "trunks.main.host").origin == "file"
    assert _row(found, "trunks.main.port").origin == "default"
    assert _row(found, "trunks.main.port").default == 5060
    assert _row(found, "policy.email.opens").default == "00:00:00"


@pytest.mark.parametrize(
    ("word", "finds"),
    [
        ("messaging", "clinic.name"),
        ("Messaging", "policy.sms.opens"),
        ("messaging", "policy.consent.emergencies_without"),
        ("reminder", "policy.planning.ahead_hours"),
        ("quiet hours", "policy.voice.closes"),
        ("opt-out", "policy.consent.do_not_call_years"),
        ("SMS", "texts.reply_days"),
        ("voicemail", "voice.machine_details"),
        ("mailbox", "mail.attachments_mb"),
        ("weekend", "policy.regions.CA.hours"),
        ("busy", "retry.busy.attempts"),
        ("webhook", "events.enabled"),
        ("America/New_York", "clinic.zone"),
        ("21:00", "policy.voice.closes"),
    ],
)
def test_the_table_is_filtered_by_the_words_of_a_clinic(word: str, finds: str) -> None:
    assert finds in {row.name for row in rows(USUAL, word=word)}


def test_what_is_no_messaging_is_not_among_it() -> None:
    found = {row.name for row in rows(USUAL, word="messaging")}
    assert not found & {"store.url", "instance", "dispatch.claim", "retry.busy.attempts", "console.port"}


def test_a_secret_is_not_found_by_its_value() -> None:
    assert rows(Settings(asterisk={"secret": "hidden2"}), word="hidden2") == []


def test_the_table_is_filtered_by_a_word_in_name_or_explanation() -> None:
    assert {row.name for row in rows(USUAL, word="A_DAY")} >= {"policy.caps.a_day"}
    by_explanation = rows(USUAL, word="calls and texts to one client")
    assert {row.name for row in by_explanation} == {"policy.caps.a_day", "policy.caps.a_week"}
    assert rows(USUAL, word="no such word at all") == []


def test_secrets_are_never_in_the_table() -> None:
    found = Settings(
        store={"url": "postgresql://clinic:hidden1@db/ringwell"},
        asterisk={"secret": "hidden2"},
        binds={"main": {"password": "hidden3"}},
        webhooks={"one": {"url": "https://x.example/hook", "secret": "hidden4-hidden4-hidden4-hidden4"}},
    )
    table = rows(found)
    assert "hidden" not in str(table)
    assert _row(found, "binds.main.password").value == "(set)"
    assert _row(found, "store.url").value == "postgresql://…@db/ringwell"


def test_values_are_told_for_people() -> None:
    shown = {"08:00:00": "08:00", "en": "en", 3: "3", True: "true", None: ""}
    assert {told(value) for value in shown} == set(shown.values())
    assert told(["mon", "tue"]) == "mon, tue"


@pytest.mark.parametrize(
    ("written", "says"),
    [
        (
            {"clinic": {"colour": "blue"}},
            "clinic.colour: 'blue' cannot be used, write it like #0b3b4f. The",
        ),
        (
            {"clinic": {"region": "Texas"}},
            "clinic.region: 'Texas' cannot be used. The clinic's state",
        ),
        ({"clinic": {"name": 5}}, "clinic.name: '5' is not words in quotation marks."),
        ({"clinic": {"name": "x" * 201}}, "clinic.name: is too long: 200 characters at most."),
        (
            {"trunks": {"main": {"max_calls": "x"}}},
            "trunks.main.max_calls: 'x' is not a whole number such as 4",
        ),
        ({"trunks": 3}, "trunks: '3' is not a table of settings."),
        ({"binds": {"host": {"port": 99999}}}, "binds.host.port: '99999' is too large: write 65535 or less."),
        ({"webhooks": {"a": {"url": "https://a.example/"}}}, "webhooks.a.secret: must be given. Signs what"),
        ({"nonsense": {"a": 1}}, "nonsense: is not a known setting"),
        ({"fax": {"resolution": "best"}}, "fax.resolution: 'best' is none of 'fine' or 'standard'."),
        ({"policy": {"sms": {"days": ["mon", "x"]}}}, "policy.sms.days: 'x' is none of 'mon',"),
    ],
)
def test_a_wrong_file_says_what_to_write_instead(written: dict[str, Any], says: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Settings(**written)
    first = caught.value.errors()[0]
    assert f"{wrong.place(first['loc'])}: {wrong.told(first, Settings)}".startswith(says)


@pytest.mark.parametrize("secret", ["hidden", ["hidden"]])
def test_a_secret_is_never_in_an_error(secret: Any) -> None:
    hook = {"url": "https://a.example/", "secret": secret}
    with pytest.raises(ValidationError) as caught:
        Settings(webhooks={"a": hook})
    assert "hidden" not in wrong.told(caught.value.errors()[0], Settings)


def _fields(model: type[BaseModel], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        inner = field.annotation
        arguments = getattr(inner, "__args__", ())
        section = next(
            (one for one in (inner, *arguments) if isinstance(one, type) and issubclass(one, BaseModel)), None
        )
        if section is not None:
            found |= _fields(section, f"{prefix}{name}.")
        else:
            found[f"{prefix}{name}"] = field
    return found


FIELDS = _fields(Settings)


def test_every_setting_has_a_topic_and_every_topic_settings() -> None:
    named = {name for name in TOPICS if any(f"{field}.".startswith(f"{name}.") for field in FIELDS)}
    assert named == set(TOPICS)
    assert all(topic_of(name).title for name in FIELDS)


@pytest.mark.parametrize("name", FIELDS)
def test_every_setting_says_what_it_is_for_in_plain_words(name: str) -> None:
    text = FIELDS[name].description
    assert text, f"{name} has no description"
    assert text[0].isupper() or text[0].isdigit()
    assert text.endswith(".")
    assert "_" not in text.replace("RINGWELL_CACHE", ""), "code names are for programmers"
    assert not any(word in text for word in ("TODO", "None", "bool", "regex", "async", "tuple", "dict"))


def test_only_rules_change_while_running() -> None:
    changeable = {name for name in FIELDS if may_change(name)}
    assert all(name.startswith(("policy.", "retry.", "texts.", "voice.")) for name in changeable)
    for name in ("clinic.name", "store.url", "asterisk.secret", "trunks.host", "console.port", "instance"):
        assert name not in changeable
