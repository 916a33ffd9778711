"""What is given to a voice, what is refused, and the pauses that marks stand for."""

from __future__ import annotations

import pytest

from voices.errors import SpeechError
from voices.phrasing import NO_MARK, Phrase, cleaned, phrase


@pytest.mark.parametrize(
    ("text", "voiced"),
    [
        ("  Rosa \n Costa\t", "Rosa Costa"),
        ("Jose\u0301", "José"),
        # Raw phonemes are a language of Piper's own: data must not speak it.
        ("Ann [[hɛlˈoʊ]] Lee", "Ann hɛlˈoʊ Lee"),
        ("x" * 50, "x" * 50),
    ],
)
def test_a_text_is_voiced_as_plain_words(text, voiced):
    assert cleaned(text, 50) == voiced


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "nothing to say"),
        (" \n ", "nothing to say"),
        ("... ,", "nothing to say"),
        ("a\x07b", "control character"),
        ("a\x1b[2J", "control character"),
        ("a\ud800", "control character"),
        ("secret " * 8, "longer than 50"),
    ],
)
def test_a_text_that_cannot_be_voiced_is_refused_without_repeating_it(text, complaint):
    with pytest.raises(SpeechError, match=complaint) as raised:
        cleaned(text, 50)
    assert "secret" not in str(raised.value)


@pytest.mark.parametrize(
    ("text", "apart"),
    [
        ("Rosa Costa", Phrase("Rosa Costa", 0, NO_MARK)),
        (". Press 1 to confirm.", Phrase("Press 1 to confirm.", 300, 300)),
        (", you have", Phrase("you have", 150, NO_MARK)),
        ("5 5 5,", Phrase("5 5 5,", 0, 150)),
    ],
)
def test_marks_at_the_ends_become_pauses(text, apart):
    assert phrase(text) == apart
