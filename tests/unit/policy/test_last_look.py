"""What is judged and what the last look before a start counts agree: else a message would go to and fro."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway import policy
from gateway.domain import Channel, Facts
from gateway.policy import Allow, Defer, Rules
from gateway.settings import Caps, PolicySettings, Window
from tests.unit.factory import BROADCAST, PERSON, facts

YEAR = datetime(2026, 1, 1, tzinfo=UTC)
# Clocks that change at midnight, by half an hour, in the south; some far from UTC.
ZONES = ("America/New_York", "America/Havana", "Asia/Beirut", "Australia/Lord_Howe", "Pacific/Apia")
ALL_DAY = Window(opens=time(0), closes=time(0))
BY_CAPS = ("day-cap", "week-cap", "too-soon", "state-cap")

_moments = st.integers(0, 365 * 24 * 60).map(lambda minutes: YEAR + timedelta(minutes=minutes))
# A moment before midnight in New York and Havana.
_moments |= st.integers(0, 60).map(lambda days: YEAR + timedelta(days=days, hours=5, seconds=-20))
# Less than nothing: the clock of the gateway that made it is ahead.
_ages = st.integers(-7200, 9 * 86_400) | st.sampled_from([-60, 0, 1, 60, 3600, 86_400])
_caps = st.builds(
    Caps, a_day=st.integers(0, 3), a_week=st.integers(0, 6), gap_minutes=st.sampled_from([0, 1, 60, 1440])
)


def of_client(now: datetime, ages: list[int], zone: str, region: str | None) -> Facts:
    """A client who was contacted so many seconds ago, with an appointment weeks ahead."""
    usual = facts()
    assert usual.appointment is not None
    return replace(
        usual,
        recipient=replace(PERSON, zone=zone, region=region),
        contacted=tuple(now - timedelta(seconds=age) for age in ages),
        broadcast=replace(BROADCAST, send_at=now, starts_from=now, starts_until=now + timedelta(days=30)),
        appointment=replace(usual.appointment, starts_at=now + timedelta(days=20)),
    )


def has_room(known: Facts, now: datetime, rules: Rules) -> bool:
    """The count of the last look, for a client alone."""
    limits = policy.limits_on(known, Channel.SMS, now, rules, Allow())
    return all(sum(one >= limit.since for one in known.contacted) < limit.most for limit in limits)


@settings(max_examples=400, deadline=None)
@given(_moments, st.lists(_ages, max_size=8), _caps, st.sampled_from(ZONES), st.sampled_from([None, "US-FL"]))
def test_a_message_waits_for_a_cap_exactly_when_it_would_be_one_too_many_and_until_it_is_not(
    now: datetime, ages: list[int], caps: Caps, zone: str, region: str | None
) -> None:
    rules, known = Rules(zone, PolicySettings(caps=caps, sms=ALL_DAY)), of_client(now, ages, zone, region)
    verdict = policy.decide(known, Channel.SMS, None, now, rules)
    if has_room(known, now, rules):
        assert isinstance(verdict, Allow) or verdict.reason not in BY_CAPS
        return
    assert isinstance(verdict, Defer)
    if verdict.reason in BY_CAPS:
        assert isinstance(policy.decide(known, Channel.SMS, None, verdict.until, rules), Allow)
        assert has_room(known, verdict.until, rules)
