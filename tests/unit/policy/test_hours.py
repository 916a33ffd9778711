"""Calling hours: the table of cases, and every time zone against an oracle that walks minute by minute."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import policy
from gateway.domain import BroadcastClass, Channel
from gateway.policy import Allow, Defer, Refuse, Rules
from gateway.policy.hours import EVERY_DAY, Hours, next_opening, week_of, week_of_lines
from gateway.settings import WEEKDAYS, ClosedSettings, PolicySettings, Region, Settings, Window, spans_of
from tests.unit.factory import BROADCAST, NOON, PERSON, RULES, facts
from tests.unit.policy.tables import Case, cases, message

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
VOICE, SMS = Channel.VOICE, Channel.SMS
_GIVEN = re.compile(r"(\S+) (\S+) (\S+ \d\d:\d\d)(?: (\S+))?")


def far(known):
    """The same with nothing that would end it soon."""
    return replace(
        known,
        appointment=replace(known.appointment, starts_at=datetime(2040, 1, 1, tzinfo=UTC)),
        broadcast=replace(known.broadcast, send_at=datetime(2020, 1, 1, tzinfo=UTC), starts_until=None),
    )


def said(verdict, zone):
    match verdict:
        case Defer(until=until, reason=reason, basis=basis):
            return f"waits until {until.astimezone(zone):%Y-%m-%d %H:%M}: {reason} ({basis})"
        case Refuse(reason=reason):
            return reason
    return "sent"


@pytest.mark.parametrize("case", cases("hours"), ids=lambda case: case.where)
def test_messages_go_in_the_recipients_own_hours(case: Case):
    words = _GIVEN.fullmatch(case.given)
    assert words is not None, case.given
    own = words[2] if words[2] != "-" else None
    clock = ZoneInfo(own or words[4])
    now = datetime.fromisoformat(words[3]).replace(tzinfo=clock).astimezone(UTC)
    known, channel = message(case.when)
    known = far(replace(known, recipient=replace(PERSON, region=words[1], zone=own)))
    assert said(policy.decide(known, channel, None, now, RULES), clock) == case.then


# --- against an oracle ---


def is_open(moment: datetime, window: Window, zone: ZoneInfo) -> bool:
    """By the wall clock, not before an opening that was moved on, nor again after a closing (rules 2.2)."""
    local = moment.astimezone(zone)
    clock, today = local.time(), local.date()
    if WEEKDAYS[today.weekday()] not in window.days:
        return False
    if window.opens == window.closes:
        return True

    def at(clock_time: time) -> datetime:
        return datetime.combine(today, clock_time, zone).astimezone(UTC)

    opened = clock >= window.opens and moment >= at(window.opens)
    closed = clock >= window.closes or moment >= at(window.closes)
    if window.opens < window.closes:
        return opened and not closed
    return opened or not closed


def walk(moment: datetime, window: Window, zone: ZoneInfo) -> datetime:
    while not is_open(moment, window, zone):
        moment += MINUTE
    return moment


@cache
def changes(name: str) -> tuple[tuple[datetime, timedelta], ...]:
    """When a zone's clock changes in 2026 and 2027, and what it shows then."""
    zone, found = ZoneInfo(name), []
    first = datetime(2026, 1, 1, tzinfo=UTC)
    for day in range(0, 730, 7):
        before, after = first + day * DAY, first + (day + 7) * DAY
        if before.astimezone(zone).utcoffset() != after.astimezone(zone).utcoffset():
            while after - before > MINUTE:
                middle = (before + (after - before) / 2).replace(second=0, microsecond=0)
                same = middle.astimezone(zone).utcoffset() == before.astimezone(zone).utcoffset()
                before, after = (middle, after) if same else (before, middle)
            found.append((after, after.astimezone(zone).utcoffset()))
    return tuple(found)


def one_of_each() -> Iterator[str]:
    """Every zone whose clock changes, one name for each way of changing."""
    ways = {changes(name): name for name in sorted(available_timezones()) if name not in ("localtime",)}
    yield from (name for way, name in ways.items() if way)


# Usual hours, hours in the night that a change skips or repeats, and hours over midnight.
WINDOWS = [
    Window(),
    Window(opens=time(2, 30), closes=time(4, 0)),
    Window(opens=time(1, 30), closes=time(2, 15)),
    Window(opens=time(0, 30), closes=time(1, 30)),
    Window(opens=time(22, 0), closes=time(2, 15)),
    Window(opens=time(0, 0), closes=time(23, 30)),
]


@pytest.mark.parametrize("window", WINDOWS)
def test_hours_are_exact_where_clocks_change(window):
    for name in one_of_each():
        zone = ZoneInfo(name)
        # One change forward and one back show all that a zone does.
        for change, _ in changes(name)[:2]:
            for minutes in (-150, -61, -1, 0, 29, 60):
                moment = change + minutes * MINUTE
                found = next_opening(moment, window, zone)
                assert found == walk(moment, window, zone), (name, moment)


@pytest.mark.parametrize("start", [datetime(2026, 1, 1, 3, 17, tzinfo=UTC), datetime(2027, 7, 2, tzinfo=UTC)])
def test_every_time_zone_opens_within_a_day_inside_its_hours(start):
    window = Window()
    for name in sorted(available_timezones()):
        zone = ZoneInfo(name)
        for hours in range(0, 24, 5):
            moment = start + hours * HOUR
            opening = next_opening(moment, window, zone)
            assert moment <= opening <= moment + 25 * HOUR, name
            assert is_open(opening, window, zone), name
            assert opening == moment or not is_open(opening - MINUTE, window, zone), name


_clock = st.builds(time, st.integers(0, 23), st.sampled_from([0, 15, 30]))
_windows = st.builds(
    Window, opens=_clock, closes=_clock, days=st.lists(st.sampled_from(WEEKDAYS), min_size=2, unique=True)
)
_moments = st.datetimes(datetime(2024, 1, 1), datetime(2032, 12, 31)).map(
    lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
)
_ZONES = sorted(available_timezones())


@settings(max_examples=150, deadline=None, derandomize=True)
@given(_moments, _windows, st.sampled_from(_ZONES))
def test_an_opening_is_the_earliest_open_minute_of_any_month(moment, window, zone):
    place = ZoneInfo(zone)
    assert next_opening(moment, window, place) == walk(moment, window, place)


# --- all gates together ---

RICH = Rules(
    "America/New_York",
    PolicySettings(
        voice=Window(holidays=False),
        closed=ClosedSettings(dates=("2026-11-27", "2026-12-24/2027-01-02"), days=("sun",)),
        caps={"a_day": 2, "a_week": 4, "gap_minutes": 90},
    ),
    clinic_region="US-NY",
)
_REGIONS = [None, "US-TX", "US-FL", "US-AL", "CA-ON", "US-TN", "FR", "US-HI"]


@settings(max_examples=120, deadline=None, derandomize=True)
@given(
    at=st.datetimes(datetime(2026, 10, 25), datetime(2027, 1, 5)).map(
        lambda at: at.replace(second=0, microsecond=0, tzinfo=UTC)
    ),
    region=st.sampled_from(_REGIONS),
    channel=st.sampled_from([VOICE, SMS]),
    back=st.lists(st.integers(0, 7 * 24 * 4), max_size=7),
    probe=st.floats(0, 1, exclude_max=True),
)
def test_a_deferral_lands_at_the_earliest_moment_at_which_all_rules_agree(at, region, channel, back, probe):
    made = tuple(at - quarter * 15 * MINUTE for quarter in back)
    known = far(facts(recipient=replace(PERSON, region=region), contacted=made))

    def verdict(now):
        return policy.decide(known, channel, None, now, RICH)

    found = verdict(at)
    if isinstance(found, Allow):
        return
    assert isinstance(found, Defer)
    assert found.until > at
    assert verdict(found.until) == Allow()
    # Nothing before it would have done: the minute before, and one anywhere between.
    waited = int((found.until - at) / MINUTE)
    for minutes in (waited - 1, int(waited * probe)):
        earlier = verdict(at + minutes * MINUTE)
        assert isinstance(earlier, Defer)
        assert earlier.until == found.until


# --- single rules ---


def decide(known, now, rules, channel=VOICE):
    return said(policy.decide(far(known), channel, None, now, rules), ZoneInfo("America/New_York"))


def rules(**changes):
    return Rules("America/New_York", PolicySettings(**changes), clinic_region="US-NY")


THANKSGIVING = datetime(2026, 11, 26, 16, 0, tzinfo=UTC)


def test_holidays_count_where_a_channel_says_so():
    closed = rules(voice=Window(holidays=False))
    held = "waits until 2026-11-27 08:00: holiday (setting:policy.voice.holidays)"
    assert decide(facts(), THANKSGIVING, closed) == held
    assert decide(facts(), THANKSGIVING, closed, SMS) == "sent"
    assert decide(facts(), THANKSGIVING, rules()) == "sent"
    in_france = facts(recipient=replace(PERSON, region="FR"))
    assert decide(in_france, THANKSGIVING, closed) == "sent"
    assert decide(in_france, datetime(2026, 7, 14, 10, tzinfo=UTC), closed).startswith(
        "waits until 2026-07-15"
    )
    # A state that is not known has its country's holidays, an unknown country none.
    for region, held in (("US-ZZ", True), ("US", True), ("ZZ", False)):
        person = replace(PERSON, region=region)
        assert decide(facts(recipient=person), THANKSGIVING, closed).startswith("waits") is held


def test_a_state_has_holidays_of_its_own():
    patriots_day = datetime(2026, 4, 20, 16, 0, tzinfo=UTC)
    closed = rules(voice=Window(holidays=False))
    for region, held in (("US-MA", True), ("US-NY", False), ("US", False)):
        known = facts(recipient=replace(PERSON, region=region, zone="America/New_York"))
        assert decide(known, patriots_day, closed).startswith("waits") is held


def test_rules_are_those_of_the_settings_with_the_clinics_state():
    found = Rules.of(Settings(clinic={"region": "US-TX", "zone": "America/Chicago", "language": "es"}))
    assert (found.clinic_region, found.clinic_zone, found.language) == ("US-TX", "America/Chicago", "es")
    assert Rules.of(Settings(clinic={"country": "CA"})).clinic_region == "CA"
    assert found.version != Rules.of(Settings()).version
    early = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)
    assert said(policy.decide(far(facts()), VOICE, None, early, found), ZoneInfo("America/Chicago")) == (
        "waits until 2026-11-24 09:00: outside-state-hours (setting:policy.regions.US-TX)"
    )


def test_a_region_may_close_on_holidays():
    row = rules(regions={"US-NY": Region(holidays=False)})
    held = "waits until 2026-11-27 08:00: holiday (setting:policy.regions.US-NY)"
    assert decide(facts(), THANKSGIVING, row) == held
    # The built-in rows stay.
    assert row.windows.regions["US-FL"].in_24_hours == 3


def test_the_tables_of_states_can_be_left_out():
    texan = facts(recipient=replace(PERSON, region="US-TX", zone="America/New_York"))
    early = datetime(2026, 11, 24, 13, 30, tzinfo=UTC)
    assert decide(texan, early, rules()).startswith("waits until 2026-11-24 09:00: outside-state-hours")
    assert decide(texan, early, rules(regional=False)) == "sent"


def test_while_the_clinic_is_closed_calls_and_texts_wait_in_its_own_time():
    closed = rules(closed=ClosedSettings(dates=("2026-11-24/2026-11-25",)))
    held = "waits until 2026-11-26 08:00: clinic-closed (setting:policy.closed.dates)"
    assert decide(facts(), NOON, closed) == held
    assert decide(facts(), NOON, closed, Channel.EMAIL) == "sent"
    assert decide(facts(), NOON - 2 * DAY, closed) == "sent"
    # In Honolulu it is still the day before when the clinic opens again.
    there = facts(recipient=replace(PERSON, zone="Pacific/Honolulu"))
    assert (
        decide(there, NOON, closed)
        == "waits until 2026-11-26 00:00: clinic-closed (setting:policy.closed.dates)"
    )
    weekly = rules(closed=ClosedSettings(days=("tue", "wed")))
    assert decide(facts(), NOON, weekly) == (
        "waits until 2026-11-26 08:00: clinic-closed (setting:policy.closed.days)"
    )
    on_holidays = rules(closed=ClosedSettings(holidays=True, channels=(SMS,)))
    assert decide(facts(), THANKSGIVING, on_holidays) == "sent"
    assert decide(facts(), THANKSGIVING, on_holidays, SMS) == (
        "waits until 2026-11-27 08:00: clinic-closed (setting:policy.closed.holidays)"
    )


def test_emergencies_wait_for_nothing_where_a_setting_says_so():
    emergency = facts(broadcast=replace(BROADCAST, broadcast_class=BroadcastClass.EMERGENCY))
    night = NOON + 14 * HOUR
    assert decide(emergency, night, rules()).startswith("waits")
    assert decide(emergency, night, rules(emergencies_any_time=True)) == "sent"
    assert decide(facts(), night, rules(emergencies_any_time=True)).startswith("waits")


def test_what_never_opens_ends_the_message():
    never = rules(regions={"US-NY": Region(hours=("mon 09:00-10:00",))}, closed=ClosedSettings(days=("mon",)))
    assert decide(facts(), NOON, never) == "window-after-expiry"
    assert decide(facts(), NOON, rules(closed=ClosedSettings(days=WEEKDAYS))) == "window-after-expiry"
    nothing = Hours(tuple(() for _ in EVERY_DAY))
    assert nothing.next(NOON, ZoneInfo("UTC")) is None


def test_lines_of_a_table_are_read_by_weekday():
    week = week_of_lines(
        pair for line in ("sat 12:00-13:00", "mon-sat 08:00-11:00") for pair in spans_of(line)
    )
    assert week[0] == ((time(8), time(11)),)
    assert week[5] == ((time(8), time(11)), (time(12), time(13)))
    assert week[6] == ()
    assert list(spans_of("sun 09:00-24:00")) == [(6, (time(9), None))]
    for wrong in ("mon", "mon 9:00-10:00", "xyz 09:00-10:00", "mon-xyz 09:00-10:00", "fri-mon 09:00-10:00"):
        with pytest.raises(ValueError, match=re.escape(wrong)):
            list(spans_of(wrong))
    with pytest.raises(ValueError, match="ends before it begins"):
        list(spans_of("mon 10:00-10:00"))


def test_a_window_may_end_at_midnight_or_go_over_it():
    assert week_of(Window(opens=time(20), closes=time(0)))[3] == ((time(20), None),)
    assert week_of(Window(opens=time(20), closes=time(2)))[3] == ((time(0), time(2)), (time(20), None))
    assert week_of(Window(opens=time(5), closes=time(5))) == EVERY_DAY
    assert week_of(Window(days=("mon",)))[1:] == ((),) * 6


@pytest.mark.parametrize("window", WINDOWS)
def test_what_was_asked_before_changes_no_answer(window):
    zone = ZoneInfo("Australia/Lord_Howe")
    for change, _ in changes(zone.key)[:2]:
        asked = Hours(week_of(window))
        moments = [change + minutes * MINUTE for minutes in range(-1800, 1800, 7)]
        for moment in (*moments, *reversed(moments), *moments[::37]):
            assert asked.next(moment, zone) == next_opening(moment, window, zone)


def test_days_are_kept_for_a_while_and_forgotten_before_they_fill_the_memory():
    hours, zone = Hours(week_of(Window())), ZoneInfo("America/New_York")
    for day in range(5000):
        hours.next(NOON + day * DAY, zone)
    assert len(hours._kept) <= 4096
    assert hours.next(NOON - 5 * HOUR, zone) == datetime(2026, 11, 24, 13, tzinfo=UTC)
    assert hours.next(NOON, ZoneInfo("Pacific/Honolulu")).astimezone(ZoneInfo("Pacific/Honolulu")).hour == 8
    assert date(2026, 11, 24) == NOON.date()
