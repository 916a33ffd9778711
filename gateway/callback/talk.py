"""What is said and asked when a patient calls back: stages, what happened, what comes next. Pure.

Nothing here tells whether a number or a birthday is known: whoever is not found hears the same words.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

# Silences in a row before the call ends.
MOST_SILENCES = 2
BIRTHDAY_DIGITS, NUMBER_DIGITS = 4, 15
DESK_KEY, OPT_OUT_KEY = "0", "9"


class Line(StrEnum):
    """What can be said; gateway.callback.words has the words."""

    WELCOME = "welcome"
    OPT_OUT_WELCOME = "opt-out-welcome"
    ENTER_NUMBER = "enter-number"
    ENTER_BIRTHDAY = "enter-birthday"
    OR_DESK = "or-desk"
    NOT_FOUND = "not-found"
    TOO_OFTEN = "too-often"
    CONNECTING = "connecting"
    PRESS_TO_STOP = "press-to-stop"
    STOPPED = "stopped"
    GOODBYE = "goodbye"


@dataclass(frozen=True, slots=True)
class Ask:
    """Say this, then take up to `most` keys."""

    say: tuple[Line, ...]
    most: int


@dataclass(frozen=True, slots=True)
class Check:
    """Look for the last message to this number, for somebody born on this day."""

    number: str
    birthday: str


@dataclass(frozen=True, slots=True)
class OptOut:
    """Nobody contacts this number any more."""

    number: str


@dataclass(frozen=True, slots=True)
class Play:
    """The message that was found, with its menu."""


@dataclass(frozen=True, slots=True)
class ToDesk:
    """Say this, then the front desk."""

    say: tuple[Line, ...] = ()


@dataclass(frozen=True, slots=True)
class Bye:
    """Say this and hang up."""

    say: tuple[Line, ...]


Act = Ask | Check | OptOut | Play | ToDesk | Bye


@dataclass(frozen=True, slots=True)
class Keys:
    """What was pressed; empty: nothing."""

    digits: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Whether a message was found; `allowed` False: this number tried too often."""

    found: bool
    allowed: bool = True


@dataclass(frozen=True, slots=True)
class Noted:
    """The opt-out is on record."""


Event = Keys | Checked | Noted


class Stage(StrEnum):
    """Where a talk is."""

    NUMBER = "number"
    BIRTHDAY = "birthday"
    CHECK = "check"
    STOP = "stop"
    NOTE = "note"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk as it is now. `desk`: there is one to be connected to."""

    number: str
    opt_out: bool
    desk: bool
    tries: int
    stage: Stage = Stage.NUMBER
    wrong: int = 0
    silences: int = 0


Step = tuple[Talk, Act]


def begin(number: str, opt_out: bool, desk: bool, tries: int) -> Step:
    """Somebody called; `number` is empty where it is withheld."""
    talk = Talk(number, opt_out, desk, tries)
    welcome = Line.OPT_OUT_WELCOME if opt_out else Line.WELCOME
    return _known(talk, (welcome,)) if number else (talk, Ask((welcome, Line.ENTER_NUMBER), NUMBER_DIGITS))


def step(talk: Talk, event: Event) -> Step:
    """What comes after an event."""
    match talk.stage, event:
        case Stage.CHECK, Checked():
            return _checked(talk, event)
        case Stage.NOTE, Noted():
            return _over(talk, Bye((Line.STOPPED, Line.GOODBYE)))
        case _, Keys(digits=""):
            return _silent(talk)
        case _, Keys(digits=digits):
            return _pressed(replace(talk, silences=0), digits)
    raise AssertionError(f"{event} says nothing in {talk.stage}")


def _pressed(talk: Talk, digits: str) -> Step:
    match talk.stage:
        case Stage.NUMBER:
            return _known(replace(talk, number=digits), ())
        case Stage.STOP if digits == OPT_OUT_KEY:
            return replace(talk, stage=Stage.NOTE), OptOut(talk.number)
        case Stage.BIRTHDAY if digits == DESK_KEY and talk.desk:
            return _over(talk, ToDesk((Line.CONNECTING,)))
        case Stage.BIRTHDAY:
            return replace(talk, stage=Stage.CHECK), Check(talk.number, digits)
    return _silent(talk)


def _known(talk: Talk, said: tuple[Line, ...]) -> Step:
    if talk.opt_out:
        return replace(talk, stage=Stage.STOP), Ask((*said, Line.PRESS_TO_STOP), 1)
    return replace(talk, stage=Stage.BIRTHDAY), _birthday(talk, said)


def _birthday(talk: Talk, said: tuple[Line, ...] = ()) -> Ask:
    desk = (Line.OR_DESK,) if talk.desk else ()
    return Ask((*said, Line.ENTER_BIRTHDAY, *desk), BIRTHDAY_DIGITS)


def _checked(talk: Talk, event: Checked) -> Step:
    if event.found and event.allowed:
        return _over(talk, Play())
    wrong = talk.wrong + 1
    if wrong < talk.tries and event.allowed:
        again = replace(talk, stage=Stage.BIRTHDAY, wrong=wrong)
        return again, _birthday(talk, (Line.NOT_FOUND,))
    why = Line.NOT_FOUND if event.allowed else Line.TOO_OFTEN
    return _over(talk, ToDesk((why, Line.CONNECTING)) if talk.desk else Bye((why, Line.GOODBYE)))


def _silent(talk: Talk) -> Step:
    if talk.silences + 1 >= MOST_SILENCES:
        to_desk = talk.desk and not talk.opt_out
        return _over(talk, ToDesk((Line.CONNECTING,)) if to_desk else Bye((Line.GOODBYE,)))
    again = replace(talk, silences=talk.silences + 1)
    match talk.stage:
        case Stage.NUMBER:
            return again, Ask((Line.ENTER_NUMBER,), NUMBER_DIGITS)
        case Stage.STOP:
            return again, Ask((Line.PRESS_TO_STOP,), 1)
    return again, _birthday(talk)


def _over(talk: Talk, act: Act) -> Step:
    return replace(talk, stage=Stage.OVER), act
