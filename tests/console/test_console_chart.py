"""The chart's geometry and hours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from gateway.console import chart

NEW_YORK = ZoneInfo("America/New_York")
KATHMANDU = ZoneInfo("Asia/Kathmandu")
NOW = datetime(2026, 3, 10, 15, 30, tzinfo=UTC)


def test_quarters_add_up_to_the_clinics_own_hours() -> None:
    # 05:00 and 05:15 UTC are 10:45 and 11:00 in Kathmandu (+05:45).
    quarters = [NOW.replace(hour=5, minute=0), NOW.replace(hour=5, minute=15)]
    drawn = chart.draw([(q, "delivered", "confirmed", 2) for q in quarters], KATHMANDU, NOW)
    assert [(hour.label, hour.total) for hour in drawn.hours[:3]] == [
        ("10:00", 2),
        ("11:00", 2),
        ("12:00", 0),
    ]


def test_stacks_end_where_the_scale_says() -> None:
    drawn = chart.draw([(NOW, "delivered", "confirmed", 30), (NOW, "retry", "busy", 10)], NEW_YORK, NOW)
    bars = drawn.hours[0].bars
    assert float(bars[0].y) + float(bars[0].height) == pytest.approx(chart.TOP + chart.HEIGHT)
    assert sum(float(bar.height) for bar in bars) == pytest.approx(chart.HEIGHT)
    assert [tick.label for tick in drawn.ticks] == ["0", "10", "20", "30", "40"]


@pytest.mark.parametrize("highest", [0, 1, 4, 5, 41, 399, 400, 401, 123_456])
def test_the_scale_has_room_for_the_highest_stack(highest: int) -> None:
    drawn = chart.draw([(NOW, "delivered", "played", highest)], NEW_YORK, NOW)
    assert min(float(bar.y) for bar in drawn.hours[0].bars) >= chart.TOP


def test_hours_never_exceed_a_day() -> None:
    drawn = chart.draw([(NOW - timedelta(hours=40), "delivered", "played", 1)], NEW_YORK, NOW)
    assert len(drawn.hours) == 24


def test_the_hour_that_a_clock_change_skips_is_not_drawn() -> None:
    now = datetime(2026, 3, 8, 9, 0, tzinfo=UTC)
    drawn = chart.draw([(datetime(2026, 3, 8, 6, 0, tzinfo=UTC), "delivered", "played", 1)], NEW_YORK, now)
    assert [hour.label for hour in drawn.hours[:3]] == ["01:00", "03:00", "04:00"]
