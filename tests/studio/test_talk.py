"""What the studio says and asks, one event after the other; no telephone is needed."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.studio import talk
from gateway.studio.acts import (
    Act,
    Ask,
    Bye,
    Check,
    Discard,
    Done,
    Draft,
    Event,
    Find,
    Found,
    Keep,
    Keys,
    Line,
    Locked,
    Piece,
    Playback,
    Record,
    Taken,
    Welcome,
    Wrong,
)
from gateway.studio.talk import Stage, Talk

GREETING = Piece(7, "Greeting", "Good day", "en")
CLOSING = Piece(8, "Closing", "", "es")
DRAFT = Draft(31, GREETING, "a" * 64, ())
SILENCE = Keys("")


def walk(*events: Event) -> tuple[Talk, Act]:
    now, act = talk.begin("en", 6, 3)
    for event in events:
        now, act = talk.step(now, event)
    return now, act


def inside(*events: Event, drafts: tuple[Draft, ...] = (), tasks: tuple[Piece, ...] = ()) -> tuple[Talk, Act]:
    return walk(Keys("42"), Keys("482913"), Welcome(5, "es", drafts, tasks), *events)


def names(act: Act) -> list[str]:
    said = act.say if isinstance(act, Ask | Record | Bye) else ()
    return [line.name if isinstance(line, Line) else "playback" for line in said]


def test_a_call_begins_with_a_number_and_a_pin() -> None:
    assert names(walk()[1]) == ["welcome", "enter-number"]
    assert walk(Keys("42"))[1] == Ask((Line("enter-pin"),), 6)
    assert walk(Keys("42"), Keys("482913"))[1] == Check("42", "482913")


def test_the_third_wrong_pin_ends_the_call() -> None:
    once = (Keys("42"), Keys("000000"), Wrong())
    assert names(walk(*once)[1]) == ["wrong", "enter-number"]
    assert names(walk(*once * 2)[1]) == ["wrong", "enter-number"]
    assert walk(*once * 3)[1] == Bye((Line("wrong-too-often"), Line("goodbye")))


def test_another_number_does_not_start_the_count_again() -> None:
    events = [event for number in "123" for event in (Keys(number), Keys("000000"), Wrong())]
    assert isinstance(walk(*events)[1], Bye)


def test_a_locked_user_hears_so_and_the_call_ends() -> None:
    assert names(walk(Keys("42"), Keys("482913"), Locked())[1]) == ["locked", "goodbye"]


def test_the_callers_own_language_is_spoken_once_the_pin_was_right() -> None:
    assert walk(Keys("42"))[0].language == "en"
    assert inside()[0].language == "es"


def test_without_anything_to_do_the_caller_chooses_a_prompt() -> None:
    assert names(inside()[1]) == ["which-prompt"]
    assert inside(Keys("7"))[1] == Find(7)
    now, act = inside(Keys("7"), Found(GREETING))
    assert act == Record(
        (
            Line("recording"),
            Line("title", "Greeting"),
            Line("please-say"),
            Line("wording", "Good day", "en"),
            Line("after-the-tone"),
        ),
        GREETING,
    )
    assert now.stage is Stage.RECORD


@pytest.mark.parametrize("event", [Keys("99"), Keys("*7")])
def test_a_number_of_no_prompt_is_asked_for_again(event: Keys) -> None:
    now, act = inside(event)
    if isinstance(act, Find):
        now, act = talk.step(now, Found(None))
    assert names(act) == ["no-such-prompt", "which-prompt"]
    assert now.stage is Stage.CHOOSE


def test_a_long_wording_is_not_read_out() -> None:
    long = replace(GREETING, wording="word " * 1000)
    assert "wording" not in names(inside(Keys("7"), Found(long))[1])


def test_what_is_asked_for_is_offered() -> None:
    assert names(inside(tasks=(GREETING,))[1]) == ["asked-for", "title", "offer"]
    assert isinstance(inside(Keys("1"), tasks=(GREETING,))[1], Record)
    assert names(inside(Keys("2"), tasks=(GREETING,))[1]) == ["which-prompt"]


RECORDED = (Keys("7"), Found(GREETING), Taken(DRAFT))


def test_a_recording_is_played_back_before_it_is_kept() -> None:
    act = inside(*RECORDED)[1]
    assert act == Ask((Line("you-recorded"), Playback("a" * 64), Line("menu")), 1)


def test_what_is_wrong_with_it_is_told_first() -> None:
    poor = replace(DRAFT, findings=("clipped", "too-short"))
    act = inside(Keys("7"), Found(GREETING), Taken(poor))[1]
    assert names(act) == ["finding-clipped", "finding-too-short", "you-recorded", "playback", "menu"]


def test_the_menu_keeps_repeats_plays_and_cancels() -> None:
    assert inside(*RECORDED, Keys("1"))[1] == Keep(31)
    assert inside(*RECORDED, Keys("*"))[1] == Discard(31)
    again = inside(*RECORDED, Keys("2"))[1]
    assert isinstance(again, Record)
    assert again.instead_of == 31
    assert inside(*RECORDED, Keys("3"))[1] == Ask((Playback("a" * 64), Line("menu")), 1)
    assert inside(*RECORDED, Keys("8"))[1] == Ask((Line("menu"),), 1)


def test_after_keeping_comes_the_next_task_and_then_whatever_is_chosen() -> None:
    start = inside(Keys("1"), Taken(DRAFT), Keys("1"), Done(), tasks=(GREETING, CLOSING))
    assert names(start[1]) == ["kept", "asked-for", "title", "offer"]
    assert start[0].tasks == (CLOSING,)
    last = inside(Keys("1"), Taken(DRAFT), Keys("1"), Done(), tasks=(GREETING,))
    assert names(last[1]) == ["kept", "another-prompt"]


def test_a_prompt_that_was_cancelled_is_not_offered_again_in_this_call() -> None:
    now, act = inside(Keys("1"), Taken(DRAFT), Keys("*"), Done(), tasks=(GREETING,))
    assert names(act) == ["cancelled", "another-prompt"]
    assert now.tasks == ()


def test_the_same_prompt_in_another_language_is_another_task() -> None:
    spanish = replace(GREETING, language="es")
    now, _ = inside(Keys("1"), Taken(DRAFT), Keys("1"), Done(), tasks=(GREETING, spanish))
    assert now.tasks == (spanish,)


def test_somebody_else_may_have_settled_it_meanwhile() -> None:
    assert names(inside(*RECORDED, Keys("1"), Done(False))[1]) == ["gone", "another-prompt"]


def test_a_draft_that_waits_comes_first() -> None:
    older = replace(DRAFT, version=30)
    now, act = inside(drafts=(DRAFT, older), tasks=(CLOSING,))
    assert names(act) == ["draft-waiting", "title", "playback", "menu"]
    now, act = talk.step(now, Keys("1"))
    assert act == Keep(31)
    now, act = talk.step(now, Done())
    assert names(act) == ["kept", "draft-waiting", "title", "playback", "menu"]
    assert now.drafts == (older,)


def test_what_is_wrong_with_a_draft_that_waits_is_told_before_it_can_be_kept() -> None:
    cut = replace(DRAFT, findings=("clipped", "cut-off"))
    _, act = inside(drafts=(cut,))
    assert names(act) == [
        "draft-waiting",
        "title",
        "finding-clipped",
        "finding-cut-off",
        "playback",
        "menu",
    ]


def test_a_draft_that_was_recorded_again_is_not_offered_any_more() -> None:
    new = replace(DRAFT, version=32)
    now, act = inside(Keys("2"), Taken(new), Keys("1"), Done(), drafts=(DRAFT,))
    assert now.drafts == ()
    assert names(act) == ["kept", "another-prompt"]


def test_where_nobody_spoke_it_is_recorded_again_and_the_older_draft_stays() -> None:
    now, act = inside(*RECORDED, Keys("2"), Taken(None))
    assert isinstance(act, Record)
    assert names(act) == ["heard-nothing", "after-the-tone"]
    assert act.instead_of == 31
    assert names(talk.step(*_twice(now))[1]) == ["goodbye"]


def _twice(now: Talk) -> tuple[Talk, Event]:
    return talk.step(now, Taken(None))[0], Taken(None)


@pytest.mark.parametrize(
    ("before", "last"),
    [
        ((), ["goodbye"]),
        ((Keys("42"),), ["goodbye"]),
        ((Keys("42"), Keys("482913"), Welcome(5, "en")), ["goodbye"]),
        ((Keys("42"), Keys("482913"), Welcome(5, "en", (), (GREETING,))), ["goodbye"]),
        ((Keys("42"), Keys("482913"), Welcome(5, "en"), *RECORDED), ["draft-waits", "goodbye"]),
    ],
)
def test_who_says_nothing_three_times_is_bidden_goodbye(before: tuple[Event, ...], last: list[str]) -> None:
    assert isinstance(walk(*before, SILENCE, SILENCE)[1], Ask)
    assert names(walk(*before, *[SILENCE] * 3)[1]) == last


def test_an_answer_in_between_starts_the_silences_anew() -> None:
    act = walk(SILENCE, SILENCE, Keys("42"), SILENCE, SILENCE)[1]
    assert isinstance(act, Ask)


KEYS = st.builds(Keys, st.text("0123456789*#", max_size=8))
PIECES = st.sampled_from([GREETING, CLOSING])
DRAFTS = st.builds(Draft, st.integers(1, 9), PIECES, st.just("a"), st.just(()))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_every_talk_comes_to_an_end_and_nothing_is_kept_that_was_not_offered(data: st.DataObject) -> None:
    now, act = talk.begin("en", 6, 3)
    offered: set[int] = set()
    for _ in itertools.count():
        if isinstance(act, Bye):
            return
        assert now.staff is not None or isinstance(act, Ask | Check)
        now, act = talk.step(now, _answer(data, now, act, offered))
        if now.misses == 0 and data.draw(st.integers(0, 30)) == 0:
            return  # the caller hangs up


def _answer(data: st.DataObject, now: Talk, act: Act, offered: set[int]) -> Event:
    match act:
        case Ask():
            return data.draw(KEYS)
        case Check():
            drafts = data.draw(st.lists(DRAFTS, max_size=2, unique_by=lambda one: one.version))
            offered |= {one.version for one in drafts}
            welcome = Welcome(5, "en", tuple(drafts), tuple(data.draw(st.lists(PIECES, max_size=2))))
            return data.draw(st.sampled_from([Wrong(), Locked(), welcome]))
        case Find():
            return Found(data.draw(st.none() | PIECES))
        case Record():
            draft = data.draw(st.none() | DRAFTS)
            offered |= {draft.version} if draft else set()
            return Taken(draft)
        case Keep() | Discard():
            assert act.version in offered
            return Done(data.draw(st.booleans()))
    raise AssertionError(act)
