"""Text, then call after four hours without an answer, then mail: which step may go, and when."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway import policy
from gateway.broadcast import judge
from gateway.domain import Channel, State, Step, Then
from gateway.policy import Allow, Defer, Refuse, Rules, cascade
from gateway.settings import PolicySettings
from gateway.wording.missing import Needs
from tests.unit.factory import BROADCAST, NOON, PERSON, RULES, facts

SMS, VOICE, EMAIL = Channel.SMS, Channel.VOICE, Channel.EMAIL
HOUR = timedelta(hours=1)
NEEDS = Needs("en")
CASCADE = (Then(VOICE, 4 * HOUR), Then(EMAIL, 2 * HOUR))
ORDER = replace(BROADCAST, channel=SMS, cascade=CASCADE)
TOGETHER = replace(ORDER, cascade=(Then(VOICE, None),))
WAITS = Step(SMS, State.SCHEDULED, NOON, due_at=NOON)
FOR_GOOD = Rules("America/New_York", PolicySettings(cascade={"unknown_hours": 0}))


def step(state, sent=NOON, channel=SMS, due_at=NOON):
    return Step(channel, state, sent, due_at)


def decide(steps, now=NOON, order=ORDER, rules=RULES, **changes):
    known = facts(broadcast=order, steps=tuple(steps), **changes)
    channel = cascade.channels(known)[len(steps)]
    return policy.decide(known, channel, None, now, rules)


@pytest.mark.parametrize(
    ("before", "hours", "expected"),
    [
        # The text was sent: the call waits for its four hours, whether or not a receipt came.
        ([step(State.ACCEPTED)], 1, Defer(NOON + 4 * HOUR, "earlier-step")),
        ([step(State.DELIVERED)], 3.9, Defer(NOON + 4 * HOUR, "earlier-step")),
        ([step(State.DELIVERED)], 4, Allow()),
        # It is still to go, or under way: four hours from when it may go at the earliest.
        ([step(State.SCHEDULED, due_at=NOON + HOUR)], 0, Defer(NOON + 5 * HOUR, "earlier-step")),
        ([step(State.QUEUED)], 1, Defer(NOON + 5 * HOUR, "earlier-step")),
        ([step(State.CLAIMED)], 1, Defer(NOON + 5 * HOUR, "earlier-step")),
        ([step(State.SENDING)], 1, Defer(NOON + 5 * HOUR, "earlier-step")),
        # It reached nobody: the call goes at once.
        ([step(State.FAILED)], 0, Allow()),
        ([step(State.REFUSED)], 0, Allow()),
        ([step(State.EXPIRED)], 0, Allow()),
        # There is no call: the mail takes its place at its time, not two hours later.
        ([step(State.DELIVERED), step(State.REFUSED)], 1, Defer(NOON + 4 * HOUR, "earlier-step")),
        ([step(State.DELIVERED), step(State.FAILED, NOON + 4 * HOUR)], 4, Allow()),
        # Both failed.
        ([step(State.FAILED), step(State.FAILED)], 0, Allow()),
        # The call was made: the mail waits for two hours more.
        (
            [step(State.DELIVERED), step(State.DELIVERED, NOON + 4 * HOUR)],
            5,
            Defer(NOON + 6 * HOUR, "earlier-step"),
        ),
    ],
)
def test_a_step_waits_for_the_one_before_it(before, hours, expected):
    assert decide(before, NOON + hours * HOUR) == expected


def test_a_wait_that_ends_in_the_night_goes_on_until_the_morning():
    late = NOON + 9 * HOUR
    assert decide([step(State.DELIVERED, late)], late) == Defer(NOON + 21 * HOUR, "outside-window")


def test_a_step_that_comes_too_late_goes_only_if_the_one_before_fails():
    soon = replace(facts().appointment, starts_at=NOON + 3 * HOUR)
    held = Defer(NOON + 3 * HOUR, "only-if-earlier-fails")
    assert decide([step(State.DELIVERED)], appointment=soon) == held
    assert decide([step(State.FAILED)], appointment=soon) == Allow()


@pytest.mark.parametrize("answer", ["confirm", "not-coming", "opt-out", "transferred"])
def test_nobody_who_has_answered_is_contacted_by_another_step(answer):
    answered = Refuse("already-answered", State.CANCELLED)
    assert decide([step(State.DELIVERED)], NOON + 5 * HOUR, answered=answer) == answered
    # Not by a further attempt of the first one either.
    assert decide([], answered=answer) == answered


def test_a_visit_that_was_confirmed_before_needs_the_first_step_alone():
    confirmed = replace(facts().appointment, confirmed_at=NOON - HOUR)
    assert decide([], appointment=confirmed) == Allow()
    assert decide([step(State.FAILED)], appointment=confirmed) == Refuse("already-answered", State.CANCELLED)


def test_who_withdrew_on_any_channel_gets_no_other_step():
    known = decide([step(State.DELIVERED)], NOON + 5 * HOUR, consents=())
    assert known == Refuse("no-consent")


def test_a_step_is_not_tried_again_once_a_later_one_has_begun():
    assert decide([], overtaken=True) == Refuse("later-step-went", State.CANCELLED)
    assert decide([], order=TOGETHER, overtaken=True) == Allow()


def test_steps_go_together_only_where_that_was_asked_for():
    assert decide([WAITS], order=TOGETHER) == Allow()
    assert decide([step(State.SENDING)], order=TOGETHER) == Allow()
    assert isinstance(decide([WAITS]), Defer)


@pytest.mark.parametrize(
    ("hours", "rules", "until"),
    [
        # May have arrived: looked at again, as evidence may still come.
        (1, RULES, 4.0),
        (4, RULES, 4.25),
        (8, RULES, 8.25),
        # A setting's time without any: the next step goes, on another channel.
        (24, RULES, None),
        # Unless the clinic wants a person to decide.
        (24, FOR_GOOD, 24.25),
        (100, FOR_GOOD, 100.25),
    ],
)
def test_a_step_of_unknown_fate_holds_up_the_next_one(hours, rules, until):
    far = replace(facts().appointment, starts_at=NOON + 200 * HOUR)
    order = replace(ORDER, starts_until=None)
    verdict = decide([step(State.UNKNOWN)], NOON + hours * HOUR, order, rules, appointment=far)
    if until is None:
        assert verdict == Allow()
    else:
        assert isinstance(verdict, Defer)
        assert cascade.held_until(
            facts(broadcast=order, steps=(step(State.UNKNOWN),)), NOON + hours * HOUR, rules.windows.cascade
        ) == NOON + timedelta(hours=until)


def test_who_has_a_preference_gets_it_alone():
    known = facts(broadcast=ORDER, recipient=replace(PERSON, preferred=EMAIL))
    assert cascade.channels(known) == (EMAIL,)
    everybody = replace(known, broadcast=replace(ORDER, only_preference=False))
    assert cascade.channels(everybody) == (SMS, VOICE, EMAIL)
    assert cascade.channels(facts(broadcast=ORDER)) == (SMS, VOICE, EMAIL)


def test_the_plan_shows_each_step_with_its_time():
    decisions = judge([facts(broadcast=ORDER)], NOON, RULES, NEEDS)
    assert [(one.step, one.channel, one.verdict) for one in decisions] == [
        (0, SMS, Allow()),
        (1, VOICE, Defer(NOON + 4 * HOUR, "earlier-step")),
        (2, EMAIL, Defer(NOON + 6 * HOUR, "earlier-step")),
    ]


def test_the_plan_of_somebody_without_a_mobile_begins_with_the_call():
    known = facts(broadcast=ORDER)
    contacts = {channel: one for channel, one in known.contacts.items() if channel is not SMS}
    verdicts = [one.verdict for one in judge([replace(known, contacts=contacts)], NOON, RULES, NEEDS)]
    assert verdicts == [Refuse("no-address"), Allow(), Defer(NOON + 2 * HOUR, "earlier-step")]


DAY = timedelta(days=1)
BY_RULE = replace(ORDER, rule=1, send_at=NOON, starts_until=None)
STALE = Refuse("stale", State.EXPIRED)


@pytest.mark.parametrize(
    ("before", "late", "expected"),
    [
        # Everything was down: the text was stale, and so is the call in its place.
        ([step(State.EXPIRED, sent=NOON + 3 * DAY)], 3 * DAY, STALE),
        ([step(State.REFUSED, sent=NOON - DAY)], 3 * DAY, STALE),
        ([step(State.REFUSED, sent=NOON - DAY)], DAY, Allow()),
        # The text went in time, and the call could not.
        ([step(State.DELIVERED)], 4 * HOUR + DAY, Allow()),
        ([step(State.DELIVERED)], 5 * HOUR + DAY, STALE),
        # It went late, or was tried for two days: the call is counted from there.
        ([step(State.DELIVERED, sent=NOON + DAY)], 4 * HOUR + 2 * DAY, Allow()),
        ([step(State.FAILED, sent=NOON + 2 * DAY)], 3 * DAY, Allow()),
        ([step(State.FAILED, sent=NOON + 2 * DAY)], 4 * DAY, STALE),
        # Nobody knows yet: for as long as it holds up the call.
        ([step(State.UNKNOWN)], 2 * DAY, Allow()),
        ([step(State.UNKNOWN)], 2 * DAY + HOUR, STALE),
        ([step(State.DELIVERED), step(State.DELIVERED, channel=VOICE)], 2 * HOUR + DAY, Allow()),
        ([step(State.DELIVERED), step(State.EXPIRED, channel=VOICE)], 5 * DAY, STALE),
    ],
)
def test_a_step_of_a_rule_is_stale_when_its_own_turn_is_long_past(before, late, expected):
    far = replace(facts().appointment, starts_at=NOON + 9 * DAY)
    verdict = decide(before, NOON + late, BY_RULE, appointment=far)
    if isinstance(verdict, Allow):
        verdict = Allow()
    assert verdict == expected
    # What somebody ordered themselves goes all the same.
    assert isinstance(decide(before, NOON + late, replace(BY_RULE, rule=None), appointment=far), Allow)
