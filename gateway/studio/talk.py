"""What is said and asked in a studio call: stages, what happened, what comes next. Pure.

`begin` and `step` return the talk as it is now and one act for whoever holds the telephone; what comes of
the act is the next event. A hang-up is no event: what was recorded waits as a draft.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

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
    Said,
    Taken,
    Welcome,
)

# Silences and keys that mean nothing, in a row, before the call ends.
MOST_MISSES = 3
NUMBER_DIGITS, PROMPT_DIGITS = 8, 6
# A longer wording is not read out: whoever records it has it on paper.
READ_OUT = 300


class Stage(StrEnum):
    """Where a talk is."""

    NUMBER = "number"
    PIN = "pin"
    CHECK = "check"
    OFFER = "offer"
    CHOOSE = "choose"
    FIND = "find"
    RECORD = "record"
    REVIEW = "review"
    SETTLE = "settle"
    OVER = "over"


# --- the talk ---


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk as it is now."""

    language: str
    pin_digits: int
    tries: int
    stage: Stage = Stage.NUMBER
    number: str = ""
    wrong: int = 0
    misses: int = 0
    staff: int | None = None
    drafts: tuple[Draft, ...] = ()
    tasks: tuple[Piece, ...] = ()
    piece: Piece | None = None
    draft: Draft | None = None
    keeping: bool = False


Step = tuple[Talk, Act]


def begin(language: str, pin_digits: int, tries: int) -> Step:
    """Somebody has dialled the studio."""
    return Talk(language, pin_digits, tries), Ask((Line("welcome"), Line("enter-number")), NUMBER_DIGITS)


def step(talk: Talk, event: Event) -> Step:
    """What comes after an event."""
    return _STAGES[talk.stage](talk, event)


def _number(talk: Talk, event: Event) -> Step:
    if not (isinstance(event, Keys) and event.digits):
        return _missed(talk, Ask((Line("enter-number"),), NUMBER_DIGITS))
    asked = replace(talk, stage=Stage.PIN, number=event.digits, misses=0)
    return asked, Ask((Line("enter-pin"),), talk.pin_digits)


def _pin(talk: Talk, event: Event) -> Step:
    if not (isinstance(event, Keys) and event.digits):
        return _missed(talk, Ask((Line("enter-pin"),), talk.pin_digits))
    return replace(talk, stage=Stage.CHECK, misses=0), Check(talk.number, event.digits)


def _check(talk: Talk, event: Event) -> Step:
    match event:
        case Welcome():
            inside = replace(talk, staff=event.staff, language=event.language)
            return _next(replace(inside, drafts=event.drafts, tasks=event.tasks), ())
        case Locked():
            return _over(talk, Line("locked"))
    wrong = talk.wrong + 1
    if wrong >= talk.tries:
        return _over(talk, Line("wrong-too-often"))
    again = replace(talk, stage=Stage.NUMBER, wrong=wrong, number="")
    return again, Ask((Line("wrong"), Line("enter-number")), NUMBER_DIGITS)


def _offer(talk: Talk, event: Event) -> Step:
    piece = talk.tasks[0]
    match event:
        case Keys("1"):
            return _record(talk, piece)
        case Keys("2"):
            return _choose(talk, ())
    return _missed(talk, Ask(_offered(piece), 1))


def _chosen(talk: Talk, event: Event) -> Step:
    if not (isinstance(event, Keys) and event.digits):
        return _missed(talk, Ask((Line("which-prompt"),), PROMPT_DIGITS))
    if not event.digits.isdigit():
        return _missed(talk, Ask((Line("no-such-prompt"), Line("which-prompt")), PROMPT_DIGITS))
    return replace(talk, stage=Stage.FIND), Find(int(event.digits))


def _found(talk: Talk, event: Event) -> Step:
    if isinstance(event, Found) and event.piece is not None:
        return _record(talk, event.piece)
    again = replace(talk, stage=Stage.CHOOSE)
    return _missed(again, Ask((Line("no-such-prompt"), Line("which-prompt")), PROMPT_DIGITS))


def _recorded(talk: Talk, event: Event) -> Step:
    assert talk.piece is not None
    if not isinstance(event, Taken) or event.draft is None:
        said = (Line("heard-nothing"), Line("after-the-tone"))
        return _missed(talk, Record(said, talk.piece, talk.draft.version if talk.draft else None))
    others = tuple(one for one in talk.drafts if one != talk.draft)
    taken = replace(talk, drafts=others, draft=event.draft, stage=Stage.REVIEW, misses=0)
    return taken, Ask((*_findings(event.draft), Line("you-recorded"), *_menu(event.draft)), 1)


def _reviewed(talk: Talk, event: Event) -> Step:
    assert talk.draft is not None
    match event:
        case Keys("1"):
            return replace(talk, stage=Stage.SETTLE, keeping=True), Keep(talk.draft.version)
        case Keys("*"):
            return replace(talk, stage=Stage.SETTLE, keeping=False), Discard(talk.draft.version)
        case Keys("2"):
            return _record(talk, talk.draft.piece, talk.draft)
        case Keys("3"):
            return replace(talk, misses=0), Ask(_menu(talk.draft), 1)
    return _missed(talk, Ask((Line("menu"),), 1), Line("draft-waits"))


def _settled(talk: Talk, event: Event) -> Step:
    assert talk.draft is not None
    if isinstance(event, Done) and not event.well:
        said = Line("gone")
    else:
        said = Line("kept" if talk.keeping else "cancelled")
    left = replace(
        talk,
        drafts=tuple(one for one in talk.drafts if one.version != talk.draft.version),
        # Cancelled, it is still asked for, but not again in this call.
        tasks=tuple(one for one in talk.tasks if not _same(one, talk.draft.piece)),
        draft=None,
        piece=None,
        misses=0,
    )
    return _next(left, (said,))


def _same(one: Piece, other: Piece) -> bool:
    return (one.number, one.language) == (other.number, other.language)


# --- ways between stages ---


def _next(talk: Talk, said: Said) -> Step:
    """Drafts that wait, then what is asked for, then whatever the caller chooses."""
    if talk.drafts:
        draft = talk.drafts[0]
        waiting = (Line("draft-waiting"), Line("title", draft.piece.title))
        review = replace(talk, stage=Stage.REVIEW, draft=draft, piece=draft.piece)
        return review, Ask((*said, *waiting, *_findings(draft), *_menu(draft)), 1)
    if talk.tasks:
        return replace(talk, stage=Stage.OFFER), Ask((*said, *_offered(talk.tasks[0])), 1)
    return _choose(talk, said)


def _choose(talk: Talk, said: Said) -> Step:
    question = Line("another-prompt") if said else Line("which-prompt")
    return replace(talk, stage=Stage.CHOOSE, misses=0), Ask((*said, question), PROMPT_DIGITS)


def _offered(piece: Piece) -> Said:
    return (Line("asked-for"), Line("title", piece.title), Line("offer"))


def _record(talk: Talk, piece: Piece, instead_of: Draft | None = None) -> Step:
    said: list[Line] = [Line("recording"), Line("title", piece.title)]
    if 0 < len(piece.wording) <= READ_OUT and instead_of is None:
        said += [Line("please-say"), Line("wording", piece.wording, piece.language)]
    recording = replace(talk, stage=Stage.RECORD, piece=piece, draft=instead_of, misses=0)
    act = Record((*said, Line("after-the-tone")), piece, instead_of.version if instead_of else None)
    return recording, act


def _findings(draft: Draft) -> Said:
    return tuple(Line(f"finding-{finding}") for finding in draft.findings)


def _menu(draft: Draft) -> Said:
    return (Playback(draft.audio), Line("menu"))


def _missed(talk: Talk, again: Act, last: Line | None = None) -> Step:
    if talk.misses + 1 >= MOST_MISSES:
        return _over(talk, last or Line("goodbye"))
    return replace(talk, misses=talk.misses + 1), again


def _over(talk: Talk, last: Line) -> Step:
    said = (last,) if last.name == "goodbye" else (last, Line("goodbye"))
    return replace(talk, stage=Stage.OVER), Bye(said)


_STAGES: dict[Stage, Callable[[Talk, Event], Step]] = {
    Stage.NUMBER: _number,
    Stage.PIN: _pin,
    Stage.CHECK: _check,
    Stage.OFFER: _offer,
    Stage.CHOOSE: _chosen,
    Stage.FIND: _found,
    Stage.RECORD: _recorded,
    Stage.REVIEW: _reviewed,
    Stage.SETTLE: _settled,
}
