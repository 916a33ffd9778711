"""When a message goes that is counted back from something, and from when on it is too late for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policy
from gateway.domain import Channel, MessageType, State
from gateway.domain.offsets import Offset, OffsetError, Timing, parse_offset
from gateway.policy import Defer, Refuse, Rules
from gateway.policy.moments import at, moment_before, send_time
from gateway.settings import ClosedSettings, Planning, PolicySettings, Window
from store import renewals
from tests.unit.factory import BROADCAST, RULES, facts

ZONE = "America/New_York"
NEW_YORK = ZoneInfo(ZONE)
CLOSED = Rules(ZONE, PolicySettings(closed=ClosedSettings(dates=("2026-11-26",))))


def local(text: str) -> datetime:
    """A clock time in New York."""
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK).astimezone(UTC)


@pytest.mark.parametrize(
    ("text", "offset"),
    [
        ("7d", Offset(7)),
        ("2d@10:00", Offset(2, time(10))),
        ("0d@09:30", Offset(0, time(9, 30))),
        ("3h", Offset(ahead=timedelta(hours=3))),
        (" 90m ", Offset(ahead=timedelta(minutes=90))),
    ],
)
def test_an_offset_is_read_and_written(text, offset):
    assert parse_offset(text) == offset
    assert parse_offset(str(offset)) == offset


@pytest.mark.parametrize("text", ["", "7", "d", "7 d", "-1d", "3h@10:00", "2d@25:00", "1000d", "2d@9", "1w"])
def test_what_is_no_offset_is_told(text):
    with pytest.raises(OffsetError, match="is no time before"):
        parse_offset(text)


@pytest.mark.parametrize(
    ("starts_at", "offset", "business_days", "goes_at"),
    [
        # At the clock time of the appointment, or at the one that is named.
        ("2026-11-25T09:00", "2d", False, "2026-11-23T09:00"),
        ("2026-11-25T09:00", "2d@17:00", False, "2026-11-23T17:00"),
        ("2026-11-25T09:00", "3h", False, "2026-11-25T06:00"),
        # Clocks went back on the first: the same time of day, which is 25 hours before.
        ("2026-11-02T09:00", "1d", False, "2026-11-01T09:00"),
        ("2026-11-02T00:30", "3h", False, "2026-11-01T21:30"),
        # Clocks go on at two on 14 March: a time that is skipped moves on, of two the first is taken.
        ("2027-03-15T02:30", "1d", False, "2027-03-14T03:30"),
        ("2026-11-02T01:30", "1d", False, "2026-11-01T01:30"),
        # Saturday, Sunday and a holiday.
        ("2026-11-30T09:00", "2d@10:00", True, "2026-11-27T10:00"),
        ("2026-11-30T09:00", "1d@10:00", True, "2026-11-27T10:00"),
        ("2026-11-27T09:00", "1d", True, "2026-11-25T09:00"),
        ("2026-11-28T09:00", "3h", True, "2026-11-27T06:00"),
        ("2026-11-27T09:00", "3h", True, "2026-11-27T06:00"),
    ],
)
def test_a_message_goes_so_long_before(starts_at, offset, business_days, goes_at):
    begins = local(starts_at)
    clock = begins.astimezone(NEW_YORK).time()
    found = moment_before(
        begins, parse_offset(offset), clock, NEW_YORK, business_days, CLOSED.is_business_day
    )
    assert found == local(goes_at)


def test_an_ambiguous_time_is_the_first_of_the_two():
    assert at(date(2026, 11, 1), time(1, 30), NEW_YORK) == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


MINUTE = timedelta(minutes=1)
ZONES = ["America/New_York", "Asia/Beirut", "Europe/London", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]


@given(
    st.sampled_from(ZONES),
    st.integers(0, 6 * 366 * 1440).map(lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + minutes * MINUTE),
    st.integers(0, 30),
    st.times(timezones=st.none()),
)
def test_every_moment_exists_and_lies_on_its_day(zone, starts_at, days, clock):
    zoned = ZoneInfo(zone)
    clock = clock.replace(microsecond=0)
    goes_at = moment_before(starts_at, Offset(days, clock), clock, zoned, False, lambda day: True)
    day = starts_at.astimezone(zoned).date() - timedelta(days=days)
    there = goes_at.astimezone(zoned)
    assert there.astimezone(UTC) == goes_at
    # A clock change moves it by an hour at most, which may be over midnight.
    wanted = datetime.combine(day, clock)
    assert abs(there.replace(tzinfo=None) - wanted) <= timedelta(hours=1)


# --- the verdict ---


def before(offset: str, following: str | None = None, **changes: object):
    """An appointment on Wednesday, 25 November, at nine in the morning."""
    timing = Timing(parse_offset(offset), parse_offset(following) if following else None)
    order = replace(BROADCAST, timing=timing, zone=ZONE, starts_from=None, starts_until=None)
    visit = replace(facts().appointment, starts_at=local("2026-11-25T09:00"))
    return facts(broadcast=order, appointment=visit, **changes)


def judged(known, moment: str):
    return policy.decide(known, Channel.SMS, None, local(moment), RULES)


def test_a_message_waits_for_its_own_time_and_moves_with_its_appointment():
    known = before("2d")
    assert judged(known, "2026-11-20T12:00") == Defer(local("2026-11-23T09:00"), "broadcast-time")
    assert judged(known, "2026-11-23T09:00") == policy.ALLOW
    moved = replace(known, appointment=replace(known.appointment, starts_at=local("2026-11-26T15:00")))
    assert judged(moved, "2026-11-23T09:00") == Defer(local("2026-11-24T15:00"), "broadcast-time")


def test_a_message_that_was_missed_is_stale_and_one_that_is_late_still_goes():
    known = before("7d@10:00")
    assert judged(known, "2026-11-18T18:00") == policy.ALLOW
    assert judged(known, "2026-11-19T10:00") == policy.ALLOW
    assert judged(known, "2026-11-19T10:01") == Refuse("stale", State.EXPIRED)
    assert judged(replace(known, tried=True), "2026-11-19T10:01") == policy.ALLOW, "a retry is not missed"
    patient = replace(CLOSED, windows=PolicySettings(planning=Planning(late_hours=0)))
    assert policy.decide(known, Channel.SMS, None, local("2026-11-22T10:01"), patient) == policy.ALLOW


def test_a_message_that_other_rules_held_back_is_late_from_when_they_let_it_go():
    known = before("7d@10:00")
    weekdays = Window(days=("mon", "tue", "wed", "thu", "fri"), opens=time(9), closes=time(18))
    # The 21st of November 2026 is a Saturday.
    known = replace(known, appointment=replace(known.appointment, starts_at=local("2026-11-28T15:00")))
    office = Rules(ZONE, PolicySettings(sms=weekdays))

    def at_office(moment: str):
        return policy.decide(known, Channel.SMS, None, local(moment), office)

    assert at_office("2026-11-21T10:00") == Defer(local("2026-11-23T09:00"), "outside-window")
    assert at_office("2026-11-23T09:00") == policy.ALLOW
    assert at_office("2026-11-24T09:00") == policy.ALLOW
    assert at_office("2026-11-24T09:01") == Refuse("stale", State.EXPIRED)


def test_a_step_is_overtaken_by_the_next_one():
    known = before("2d@10:00", "3h")
    assert judged(known, "2026-11-23T20:00") == policy.ALLOW
    late = before("1d@10:00", "3h")
    assert judged(late, "2026-11-25T05:59") == Defer(local("2026-11-25T08:00"), "outside-window")
    assert judged(late, "2026-11-25T06:00") == Refuse("stale", State.EXPIRED)


def test_what_is_ordered_for_a_moment_that_passed_is_not_stale():
    known = facts(broadcast=replace(BROADCAST, send_at=local("2026-11-20T10:00")))
    assert judged(known, "2026-11-24T12:00") == policy.ALLOW
    # Unless a rule planned it.
    by_rule = replace(known, broadcast=replace(known.broadcast, rule=1))
    assert judged(by_rule, "2026-11-24T12:00") == Refuse("stale", State.EXPIRED)


def test_what_was_ordered_for_later_is_stale_when_it_was_missed():
    ahead = facts(broadcast=replace(BROADCAST, send_at=local("2026-11-20T10:00")))

    def ordered(at: str, **changes: object):
        return replace(ahead, broadcast=replace(ahead.broadcast, created_at=local(at)), **changes)

    assert judged(ordered("2026-11-20T09:59"), "2026-11-21T10:00") == policy.ALLOW
    assert judged(ordered("2026-11-20T09:59"), "2026-11-21T10:01") == Refuse("stale", State.EXPIRED)
    assert judged(ordered("2026-11-20T09:59", tried=True), "2026-11-21T10:01") == policy.ALLOW
    assert judged(ordered("2026-11-20T10:00"), "2026-11-24T12:00") == policy.ALLOW


def test_what_had_its_time_before_its_rule_was_added_is_stale():
    known = before("2d@10:00")

    def by_rule(since: str, **changes: object):
        return replace(known, broadcast=replace(known.broadcast, rule=4, rule_since=local(since)), **changes)

    assert judged(by_rule("2026-11-23T10:00"), "2026-11-23T12:00") == policy.ALLOW
    assert judged(by_rule("2026-11-23T10:01"), "2026-11-23T12:00") == Refuse("stale", State.EXPIRED, "rule:4")
    assert judged(by_rule("2026-11-23T10:01", tried=True), "2026-11-23T12:00") == policy.ALLOW
    patient = replace(CLOSED, windows=PolicySettings(planning=Planning(late_hours=0)))
    late = by_rule("2026-11-23T10:01")
    assert isinstance(policy.decide(late, Channel.SMS, None, local("2026-11-23T12:00"), patient), Refuse)


def test_renewals_and_birthdays_go_on_their_day_at_the_usual_time_or_at_one_that_is_named():
    day = renewals.occasion(1, date(2026, 12, 1), ZONE, "Licence")

    def goes(offset: str) -> datetime:
        known = before(offset, occasion=day)
        order = replace(known.broadcast, type=MessageType.UPCOMING_RENEWALS)
        return send_time(replace(known, appointment=None, broadcast=order), CLOSED.is_business_day)

    assert goes("14d") == local("2026-11-17T10:00")
    assert goes("0d@09:00") == local("2026-12-01T09:00")


def test_business_days_are_those_on_which_the_clinic_works():
    settings = PolicySettings(
        closed=ClosedSettings(days=("wed",), dates=("2026-12-21/2026-12-23",), holidays=True),
        planning=Planning(business_days=("mon", "tue", "wed", "fri")),
    )
    rules = Rules(ZONE, settings, clinic_region="US-NY")
    days = [date(2026, 12, 14) + timedelta(days=number) for number in range(14)]
    # Neither Thursdays nor weekends, no Wednesdays, not in the week before Christmas, and not at Christmas.
    assert [day.day for day in days if rules.is_business_day(day)] == [14, 15, 18]
