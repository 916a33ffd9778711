"""How long a verdict holds that lets a message go: what is about to leave is not judged again before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import policy
from gateway.domain import Channel, Facts
from gateway.domain.offsets import Timing, parse_offset
from gateway.policy import Allow, Rules
from gateway.settings import Caps, ClosedSettings, PolicySettings, Window
from tests.unit.factory import BROADCAST, NOON, PERSON, RULES, facts

ZONES = ("America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Pacific/Apia", "America/Havana")
YEAR = datetime(2026, 1, 1, tzinfo=UTC)
SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
_clocks = st.builds(time, st.integers(0, 23), st.integers(0, 59))
_windows = st.builds(
    lambda clocks, holidays: Window(opens=min(clocks), closes=max(clocks), holidays=holidays),
    st.tuples(_clocks, _clocks),
    st.booleans(),
)
_closed = st.builds(ClosedSettings, channels=st.just((Channel.SMS,)), days=st.sampled_from([(), ("sun",)]))
_caps = st.builds(Caps, a_day=st.integers(0, 3), a_week=st.integers(0, 6), gap_minutes=st.integers(0, 90))
_timings = st.none() | st.builds(
    Timing,
    st.sampled_from(["7d@10:00", "2d", "3h", "90m"]).map(parse_offset),
    st.sampled_from([None, parse_offset("30m"), parse_offset("1h")]),
)


def known_at(now: datetime, zone: str, starts: float, ages: list[int], timing: Timing | None) -> Facts:
    """A client who was texted so many seconds ago, with an appointment that begins in so many seconds."""
    usual = facts()
    assert usual.appointment is not None
    starts_at = now + timedelta(seconds=starts)
    order = replace(BROADCAST, send_at=now - HOUR, starts_from=None, starts_until=None, timing=timing)
    return replace(
        usual,
        recipient=replace(PERSON, zone=zone, region="US-FL"),
        contacted=tuple(now - timedelta(seconds=age) for age in ages),
        broadcast=order,
        appointment=replace(usual.appointment, starts_at=starts_at),
    )


@settings(max_examples=500, deadline=None)
@given(
    st.floats(0, 365 * 86_400).map(lambda seconds: YEAR + timedelta(seconds=seconds)),
    st.sampled_from(ZONES),
    st.floats(1, 300) | st.floats(1, 8 * 86_400),
    st.lists(st.integers(0, 3 * 86_400), max_size=4),
    _timings,
    st.builds(PolicySettings, sms=_windows, closed=_closed, caps=_caps),
    st.floats(0, 1, exclude_max=True),
)
def test_what_may_go_may_go_until_the_moment_that_the_verdict_names(
    now: datetime,
    zone: str,
    starts: float,
    ages: list[int],
    timing: Timing | None,
    windows: PolicySettings,
    share: float,
) -> None:
    known, rules = known_at(now, zone, starts, ages, timing), Rules(zone, windows)
    verdict = policy.decide(known, Channel.SMS, None, now, rules)
    if isinstance(verdict, Allow):
        assert verdict.until is not None
        assert now < verdict.until <= now + MINUTE
        later = min(now + share * (verdict.until - now), verdict.until - timedelta(microseconds=1))
        assert isinstance(policy.decide(known, Channel.SMS, None, later, rules), Allow)


def until(known: Facts, now: datetime) -> datetime | None:
    """How long it may go."""
    verdict = policy.decide(known, Channel.SMS, None, now, RULES)
    assert isinstance(verdict, Allow)
    return verdict.until


def test_it_holds_to_the_end_of_the_minute_or_of_the_message() -> None:
    known = facts()
    assert known.appointment is not None
    assert until(known, NOON + 20 * SECOND) == NOON + MINUTE
    begins = replace(known, appointment=replace(known.appointment, starts_at=NOON + 30 * SECOND))
    assert until(begins, NOON) == NOON + 30 * SECOND


def test_it_holds_until_the_next_step_has_its_moment() -> None:
    timing = Timing(parse_offset("2h"), parse_offset("1h"))
    known = known_at(NOON, "America/New_York", 3600 + 40, [], timing)
    assert until(known, NOON) == NOON + 40 * SECOND


def test_of_several_visits_the_first_end_counts() -> None:
    known, first = facts(), known_at(NOON, "America/New_York", 50, [], None)
    assert until(replace(known, together=(first,)), NOON) == NOON + 50 * SECOND


def test_windows_are_told_to_the_minute() -> None:
    assert Window(opens=time(8, 30)).opens == time(8, 30)
    for moment in (time(8, 30, 1), time(8, 30, 0, 5)):
        with pytest.raises(ValueError, match="08:30"):
            Window(closes=moment)
