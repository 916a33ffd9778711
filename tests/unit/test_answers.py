"""What answers to texts say of several visits: in one text each, and what the word of a cancellation is."""

from __future__ import annotations

import pytest

from gateway.alphabet import estimate
from gateway.domain import DirectKind
from gateway.meant import means_all
from gateway.settings import Clinic
from gateway.wording import answer
from gateway.wording.answers import Answered

OF_SEVERAL = (DirectKind.CONFIRMED, DirectKind.CANCELLED, DirectKind.ASK)


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", OF_SEVERAL)
def test_an_answer_about_several_visits_says_how_many_in_one_text(kind: DirectKind, language: str) -> None:
    clinic = Clinic(name="The Lakeside Family Practice", callback="+1 202 555 0100")
    said = answer(kind, clinic, language, Answered(12, "C2"))
    assert "12" in said
    assert ("C2" in said) == (kind is DirectKind.ASK)
    found = estimate(said)
    assert (found.segments, found.foreign) == (1, "")
    assert answer(kind, clinic, language, Answered(1, "C1")) == answer(kind, clinic, language)


@pytest.mark.parametrize(("words", "every"), [("C2", True), (" c-2!", True), ("C1", False), ("", False)])
def test_the_word_that_cancels_all(words: str, every: bool) -> None:
    assert means_all(words) == every
