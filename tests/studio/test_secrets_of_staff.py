"""PINs: which are taken, how they are kept, and when no more are looked at."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from gateway.settings import StudioSettings
from gateway.studio import guidance, locks, pins
from gateway.studio.acts import Line
from gateway.studio.pins import WeakPinError
from voices.findings import Finding

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
RULES = StudioSettings()
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def until(*ago: timedelta) -> datetime | None:
    return locks.judge(RULES, NOW)([NOW - one for one in sorted(ago, reverse=True)])


@pytest.mark.parametrize(
    ("ago", "locked"),
    [
        ((), None),
        ((MINUTE, MINUTE, MINUTE), None),
        ((MINUTE,) * 4, NOW + 14 * MINUTE),
        ((16 * MINUTE,) * 4, NOW - MINUTE),
        ((59 * MINUTE, 40 * MINUTE, 30 * MINUTE, 20 * MINUTE, 16 * MINUTE), NOW + MINUTE),
        ((61 * MINUTE, 40 * MINUTE, 30 * MINUTE), None),
        (tuple(n * 2 * HOUR + HOUR for n in range(10)), NOW + 5 * HOUR),
        (tuple(n * 2 * HOUR + HOUR for n in range(9)), None),
    ],
)
def test_wrong_tries_lock_for_minutes_then_an_hour_then_a_day(ago, locked) -> None:
    assert until(*ago) == locked


def test_a_guesser_who_never_stops_gets_ten_tries_a_day() -> None:
    wrong: list[datetime] = []
    for minute in range(3 * 24 * 60):
        now = NOW + minute * MINUTE
        end = locks.judge(RULES, now)(wrong)
        if end is None or end <= now:
            wrong.append(now)
    for first in wrong:
        assert sum(first <= at < first + timedelta(days=1) for at in wrong) <= 10
        assert sum(first <= at < first + HOUR for at in wrong) <= 5
    assert len(wrong) > 20


@pytest.mark.parametrize(
    "pin", ["000000", "123456", "987654", "121212", "123123", "24680", "4829131", "48291a", ""]
)
def test_a_pin_that_is_guessed_first_or_has_another_length_is_refused(pin: str) -> None:
    with pytest.raises(WeakPinError):
        pins.hashed(pin, 6)


def test_a_pin_is_kept_as_a_salted_hash_alone() -> None:
    kept = pins.hashed("482913", 6)
    assert kept.startswith("$argon2id$")
    assert "482913" not in kept
    assert pins.hashed("482913", 6) != kept
    assert pins.matches("482913", kept)
    assert not pins.matches("482914", kept)
    assert not pins.matches("482913", None)
    assert not pins.matches("482913", "no hash at all")


def test_a_number_of_nobody_takes_as_long_as_one_of_somebody() -> None:
    kept = pins.hashed("482913", 6)

    def seconds(pin_hash: str | None) -> float:
        taken = []
        for _ in range(7):
            began = time.process_time()
            pins.matches("000000", pin_hash)
            taken.append(time.process_time() - began)
        return min(taken)

    assert seconds(None) == pytest.approx(seconds(kept), rel=0.5)


def test_each_language_says_everything() -> None:
    english = guidance.TEXTS["en"]
    assert set(guidance.TEXTS) == {"en", "es"}
    for texts in guidance.TEXTS.values():
        assert texts.keys() == english.keys()
    for finding in set(Finding) - {Finding.SILENT}:
        assert f"finding-{finding}" in english


def test_titles_are_said_as_they_are_and_other_languages_fall_back() -> None:
    assert guidance.spoken(Line("title", "Saludo"), "es").text == "Saludo"
    assert guidance.spoken(Line("wording", "Good day", "en"), "es").language == "en"
    assert guidance.spoken(Line("welcome"), "fr").language == "en"
    assert guidance.everything("fr") == []
