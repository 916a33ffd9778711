"""The caps on calls and texts: given what a client got, when, then when may the next one go?"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway import policy
from gateway.domain import BroadcastClass, Channel, RecipientKind, State
from gateway.policy import Allow, Defer, Refuse, Rules
from gateway.policy.caps import DAY as A_DAY
from gateway.policy.caps import WEEK, CapsGate, counted_since
from gateway.settings import Caps, PolicySettings
from tests.unit.factory import BROADCAST, NOON, PERSON, RULES, facts

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# Eight in the morning of the next day in New York.
TOMORROW = datetime(2026, 11, 25, 13, 0, tzinfo=UTC)
NEW_YORK = ZoneInfo("America/New_York")
# The appointment is far enough away for every deferral.
FAR = replace(facts().appointment, starts_at=NOON + 9 * DAY)
OPEN = replace(BROADCAST, starts_until=None)


def decide(contacted, channel=Channel.VOICE, rules=RULES, **changes):
    known = facts(contacted=tuple(contacted), appointment=FAR, broadcast=OPEN)
    return policy.decide(replace(known, **changes), channel, None, NOON, rules)


@pytest.mark.parametrize(
    ("contacted", "verdict"),
    [
        ([], Allow()),
        ([NOON - HOUR] * 2, Allow()),
        ([NOON - HOUR] * 3, Defer(TOMORROW, "day-cap")),
        # Eleven hours earlier it is still the same day in New York, twelve hours earlier it was not.
        ([NOON - 10 * HOUR] * 3, Defer(TOMORROW, "day-cap")),
        ([NOON - 12 * HOUR] * 3, Allow()),
        ([NOON - n * DAY for n in (1, 2, 3, 4, 5, 6)], Allow()),
        ([NOON - n * DAY for n in (1, 1, 2, 3, 4, 5, 6)], Defer(TOMORROW, "week-cap")),
        ([NOON - n * DAY for n in (1, 1, 1, 2, 2, 2, 3)], Defer(TOMORROW + 3 * DAY, "week-cap")),
        ([NOON - 7 * DAY] * 7, Allow()),
        # By a clock that is ahead: of today, for one that is not.
        ([NOON + 13 * HOUR] * 3, Defer(TOMORROW + DAY, "day-cap")),
        ([NOON + 30 * DAY] * 3, Refuse("cap-after-expiry", State.EXPIRED)),
    ],
)
def test_a_client_gets_three_attempts_a_day_and_seven_a_week(contacted, verdict):
    assert decide(contacted) == verdict


def test_calls_and_texts_count_together_and_mails_and_faxes_are_not_capped():
    often = [NOON - HOUR] * 5
    capped = {channel: isinstance(decide(often, channel), Defer) for channel in Channel}
    assert [channel for channel, held in capped.items() if held] == [Channel.VOICE, Channel.SMS]


def test_days_are_the_clients_own():
    # It is six in the morning in Honolulu: seven hours ago was the day before, five hours ago was not.
    honolulu = replace(PERSON, zone="Pacific/Honolulu")
    opening = NOON + 2 * HOUR
    assert decide([NOON - 7 * HOUR] * 3, recipient=honolulu) == Defer(opening, "outside-window")
    assert decide([NOON - 5 * HOUR] * 3, recipient=honolulu) == Defer(opening + DAY, "day-cap")


def test_a_cap_that_lasts_until_the_appointment_ends_the_message():
    soon = replace(FAR, starts_at=NOON + 20 * HOUR)
    assert decide([NOON - HOUR] * 3, appointment=soon) == Refuse("cap-after-expiry", State.EXPIRED)


def test_staff_and_emergencies_are_not_capped_and_zero_caps_nobody():
    often = [NOON - HOUR] * 9
    assert decide(often, recipient=replace(PERSON, kind=RecipientKind.STAFF)) == Allow()
    emergency = replace(OPEN, broadcast_class=BroadcastClass.EMERGENCY)
    assert decide(often, broadcast=emergency) == Allow()
    free = Rules(RULES.clinic_zone, PolicySettings(caps=Caps(a_day=0, a_week=0)))
    assert decide(often, rules=free) == Allow()


@given(
    hours=st.lists(st.integers(-30, 24 * 9), max_size=30),
    most=st.integers(1, 9),
    span=st.sampled_from([A_DAY, WEEK]),
    zone=st.sampled_from(["America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "UTC"]),
)
def test_whoever_waits_as_long_as_told_is_below_the_cap(hours, most, span, zone):
    contacted, place = [NOON - HOUR * back for back in hours], ZoneInfo(zone)
    gate = CapsGate(contacted, most, span, "cap")
    at = gate.next(NOON, (place,))
    assert NOON <= at <= NOON + 8 * DAY
    day = at.astimezone(place).date()
    days = [min(one.astimezone(place).date(), NOON.astimezone(place).date()) for one in contacted]
    assert sum(0 <= (day - one).days < span for one in days) < most
    # Attempts that are not read any more would not have held anybody.
    recent = [one for one in contacted if one >= counted_since(NOON)]
    assert CapsGate(recent, most, span, "cap").next(NOON, (place,)) == at
    # What a start counts says the same: otherwise a message would go round and round between the two.
    [limit] = gate.limits(NOON, (place,))
    assert (sum(one >= limit.since for one in contacted) < limit.most) == (at == NOON)


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Asia/Beirut", "2026-03-29"),  # begins at one: midnight is skipped
        ("America/Havana", "2026-11-01"),  # has midnight twice
        ("America/New_York", "2026-03-08"),
    ],
)
def test_a_day_begins_at_its_first_moment_also_when_the_clock_changes(zone, day):
    place = ZoneInfo(zone)
    noon = datetime.fromisoformat(f"{day}T12:00").replace(tzinfo=place)
    [limit] = CapsGate((), 3, A_DAY, "cap").limits(noon.astimezone(UTC), (place,))
    first = limit.since.astimezone(place)
    before = (limit.since - timedelta(seconds=1)).astimezone(place)
    assert (first.date().isoformat(), limit.most) == (day, 3)
    assert before.date() < first.date()
