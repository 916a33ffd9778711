"""Which days of a rule are planned, which are stale, and which are still to come."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway import schedule
from gateway.domain.offsets import OffsetError
from gateway.policy import Rules
from gateway.schedule import Due, ScheduleError
from gateway.settings import PolicySettings

ZONE = "America/New_York"
RULES = Rules(ZONE, PolicySettings())


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(ZONE)).astimezone(UTC)


def coming(now: str, created: str = "2026-11-02T00:00", known=(), **kept) -> list[Due]:
    wanted = schedule.read(kept)
    return schedule.upcoming(wanted, ZONE, local(created), local(now), RULES, set(known))


def planned(found: list[Due]) -> list[tuple[str, int, bool]]:
    """(day, step, stale) of those that are not too early."""
    return [(str(due.day), due.step, due.stale) for due in found if due.stale or not due.early]


def goes(found: list[Due]) -> list[str]:
    zone = ZoneInfo(ZONE)
    return [due.goes_at.astimezone(zone).strftime("%Y-%m-%d %H:%M") for due in found if not due.stale]


SEQUENCE = {"offsets": ["7d@10:00", "2d@10:00", "3h"]}


def test_a_day_whose_every_message_had_its_time_before_the_rule_is_stale():
    def two_days_later(created: str) -> bool:
        found = coming("2026-11-24T14:00", created, offsets=["2d@10:00"])
        return next(due.stale for due in found if due.day == date(2026, 11, 26))

    assert [two_days_later(f"2026-11-24T{clock}") for clock in ("10:00", "10:01")] == [False, True]

    def tomorrow(created: str) -> bool:
        found = coming("2026-11-24T14:00", created, offsets=["1d"])
        return next(due.stale for due in found if due.day == date(2026, 11, 25))

    # The appointments of tomorrow afternoon have their time still to come.
    assert not tomorrow("2026-11-24T13:00")


def test_each_day_has_a_step_for_each_offset_and_is_planned_ahead():
    now, started = "2026-11-24T12:00", "2026-11-24T00:00"
    found = planned(coming(now, started, **SEQUENCE))
    fresh = [(day, step) for day, step, stale in found if not stale]
    assert fresh == [
        ("2026-11-24", 2),
        ("2026-11-26", 1),
        ("2026-12-01", 0),
        ("2026-11-25", 2),
        ("2026-11-27", 1),
        ("2026-12-02", 0),
    ]
    # What comes too late for the week's appointments is written down as such.
    assert [(day, step) for day, step, stale in found if stale and step == 1] == [
        ("2026-11-24", 1),
        ("2026-11-25", 1),
    ]
    assert len([step for _, step, stale in found if stale and step == 0]) == 7


def test_a_step_is_stale_when_the_next_one_has_begun_for_the_whole_day():
    kept = {"offsets": ["2d@10:00", "1d@10:00"]}
    # Not late for the first yet, but the second has had its time.
    found = {
        step: stale for day, step, stale in planned(coming("2026-11-24T10:00", **kept)) if day == "2026-11-25"
    }
    assert found == {0: True, 1: False}


def test_days_that_passed_while_everything_was_down_are_stale():
    known = {(date(2026, 11, 2) + timedelta(days=days), step) for days in range(12) for step in range(3)}
    found = coming("2026-11-16T08:00", known=known, **SEQUENCE)
    gone = [str(due.day) for due in found if due.step == 2 and due.stale]
    assert gone == ["2026-11-14", "2026-11-15"]
    assert ("2026-11-16", 2, False) in planned(found)


def test_nothing_is_known_twice():
    all_days = coming("2026-11-24T12:00", **SEQUENCE)
    known = {(due.day, due.step) for due in all_days}
    assert coming("2026-11-24T12:00", known=known, **SEQUENCE) == []


@pytest.mark.parametrize(
    ("kept", "expected"),
    [
        ({"every": "daily", "at": "09:00"}, ["2026-11-27 09:00", "2026-11-28 09:00", "2026-11-29 09:00"]),
        (
            {"every": "daily", "at": "09:00", "business_days": True},
            ["2026-11-27 09:00", "2026-11-30 09:00", "2026-12-01 09:00"],
        ),
        ({"every": "weekly", "on": "mon"}, ["2026-11-30 10:00", "2026-12-07 10:00"]),
        ({"every": "monthly", "on": "31", "at": "08:30"}, ["2026-11-30 08:30"]),
        ({"every": "monthly", "on": "6", "business_days": True}, ["2026-12-04 10:00"]),
        ({"every": "once", "on": "2026-12-01", "at": "16:00"}, ["2026-12-01 16:00"]),
    ],
)
def test_a_rule_repeats(kept, expected):
    found = goes(coming("2026-11-26T12:00", "2026-11-26T12:00", **kept))
    assert found[: len(expected)] == expected


def test_a_month_without_the_day_has_its_last_one():
    found = coming("2027-02-20T12:00", "2027-02-20T00:00", every="monthly", on="30")
    assert goes(found) == ["2027-02-28 10:00"]


def test_a_time_that_clocks_skip_moves_on():
    found = coming("2027-03-13T12:00", "2027-03-13T12:00", every="daily", at="02:30")
    assert goes(found)[:2] == ["2027-03-14 03:30", "2027-03-15 02:30"]


def test_what_had_its_time_before_the_rule_was_made_was_never_meant():
    found = coming("2026-11-26T12:00", "2026-11-26T12:00", every="daily", at="09:00")
    assert str(found[0].day) == "2026-11-27"


def test_a_repeating_rule_is_about_days_from_its_own_on():
    (due, *_) = coming("2026-11-26T12:00", "2026-11-26T12:00", every="weekly", on="fri", first=3, span=7)
    assert (due.starts_from, due.starts_until) == (local("2026-11-30T00:00"), local("2026-12-07T00:00"))
    assert not due.early


def test_a_missed_day_of_a_repeating_rule_is_late_for_a_day_and_stale_afterwards():
    kept = {"every": "weekly", "on": "mon", "at": "09:00"}
    late, stale = coming("2026-11-24T09:00", **kept), coming("2026-11-24T09:01", **kept)
    assert ("2026-11-23", 0, False) in planned(late)
    assert ("2026-11-23", 0, True) in planned(stale)
    assert ("2026-11-16", 0, True) in planned(late)


def test_of_missed_days_that_are_about_nothing_the_newest_alone_goes():
    patient = Rules(ZONE, PolicySettings(planning={"late_hours": 96}))
    wanted = schedule.read({"every": "daily", "at": "12:00"})

    def days(now: str) -> list[tuple[str, bool]]:
        found = schedule.upcoming(wanted, ZONE, local("2026-11-21T00:00"), local(now), patient, set())
        newest = schedule.newest_only(found, local(now))
        return [(str(due.day), due.stale) for due in newest if due.stale or not due.early]

    gone = [("2026-11-21", True), ("2026-11-22", True)]
    assert days("2026-11-24T11:00") == [*gone, ("2026-11-23", False), ("2026-11-24", False)]
    assert days("2026-11-24T12:00")[:-1] == [*gone, ("2026-11-23", True), ("2026-11-24", False)]


def test_a_schedule_comes_back_as_it_was_kept():
    for kept in ({"offsets": ["7d", "3h"], "business_days": True}, {"every": "weekly", "on": "fri"}):
        found = schedule.read(kept)
        assert schedule.read(schedule.write(found)) == found
    assert schedule.told(schedule.read({"offsets": ["7d", "3h"]})) == "7d, 3h before"
    assert schedule.told(schedule.read({"every": "weekly", "on": "fri"})) == "weekly fri at 10:00"
    assert (
        schedule.parse_offsets(["7d,2d@10:00", "3h"])
        == schedule.read(SEQUENCE | {"offsets": ["7d", "2d@10:00", "3h"]}).offsets
    )


@pytest.mark.parametrize(
    "kept",
    [
        {},
        {"offsets": ["7d"], "every": "daily"},
        {"offsets": ["2d", "7d"]},
        {"offsets": ["2d", "48h"]},
        {"every": "hourly"},
        {"every": "weekly", "on": "monday"},
        {"every": "monthly", "on": "0"},
        {"every": "monthly", "on": "first"},
        {"every": "once", "on": "tomorrow"},
        {"every": "daily", "at": "noon"},
        {"every": "daily", "span": 0},
        {"offsets": ["soon"]},
    ],
)
def test_a_schedule_that_cannot_be_kept_is_refused(kept):
    with pytest.raises((ScheduleError, OffsetError)):
        schedule.read(kept)


def goings(begins: str, ends: str, **kept) -> list[tuple[str, str, int]]:
    """(day it goes, day it is about, step) from one day to another."""
    days = date.fromisoformat(begins), date.fromisoformat(ends)
    found = schedule.goings(schedule.read(kept), *days, ZONE, RULES)
    return [(str(one.on), str(one.about), one.step) for one in found]


def test_a_calendar_has_the_days_on_which_messages_go():
    assert goings("2026-12-01", "2026-12-09", every="weekly", on="mon", first=2) == [
        ("2026-12-07", "2026-12-09", 0)
    ]
    assert goings("2026-12-01", "2026-12-02", offsets=["7d@10:00", "3h"]) == [
        ("2026-12-01", "2026-12-08", 0),
        ("2026-12-01", "2026-12-01", 1),
        ("2026-12-02", "2026-12-09", 0),
        ("2026-12-02", "2026-12-02", 1),
    ]
    assert goings("2026-12-31", "2026-12-31", every="monthly", on="31") == [("2026-12-31", "2026-12-31", 0)]
    assert goings("2026-12-01", "2026-12-31", every="once", on="2027-03-01") == []


def test_what_would_go_on_a_weekend_stands_on_the_business_day_before():
    # 6 December 2026 is a Sunday.
    assert goings("2026-12-04", "2026-12-06", every="monthly", on="6", business_days=True) == [
        ("2026-12-04", "2026-12-06", 0)
    ]
    daily = goings("2026-12-04", "2026-12-07", every="daily", business_days=True)
    assert [on for on, _, _ in daily] == ["2026-12-04", "2026-12-07"]
