"""Answers to texts name the clinic, and each fits into one segment."""

from __future__ import annotations

import pytest

from gateway import wording
from gateway.alphabet import estimate
from gateway.domain import DirectKind
from gateway.settings import Clinic

CLINIC = Clinic(name="Riverside Family Practice", callback="+1 202 555 0100")

# What staff write, and what follows from a setting or an import.
NO_ANSWERS = {DirectKind.STAFF, DirectKind.NOTICE, DirectKind.VISIT}


@pytest.mark.parametrize("language", ["en", "es"])
@pytest.mark.parametrize("kind", sorted(set(DirectKind) - NO_ANSWERS))
def test_an_answer_names_the_clinic_and_is_one_segment(kind: DirectKind, language: str) -> None:
    words = wording.answer(kind, CLINIC, language)
    assert words.startswith("Riverside Family Practice: ")
    assert (estimate(words).alphabet, estimate(words).segments) == ("GSM-7", 1)


def test_a_language_without_answers_takes_the_clinics() -> None:
    spanish = Clinic(language="es")
    assert wording.answer(DirectKind.CONFIRMED, spanish, "fr") == wording.answer(
        DirectKind.CONFIRMED, spanish, "es"
    )
