"""Every reason has words, in English and in Spanish."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import gateway.policy
from gateway.console.causes import CAUSES
from gateway.policy.words import WORDS, told

_NO_REASONS = {"words.py", "regions.py", "snapshot.py", "exempt.py"}


def _reasons() -> Iterator[str]:
    """Every text in the policy's source that looks like a reason code."""
    for file in Path(gateway.policy.__path__[0]).glob("*.py"):
        if file.name not in _NO_REASONS:
            for node in ast.walk(ast.parse(file.read_text())):
                if isinstance(node, ast.Constant) and isinstance(node.value, str):
                    yield node.value


def test_every_reason_has_words_in_both_languages_and_no_others_have():
    assert WORDS["en"].keys() == WORDS["es"].keys()
    written = set(_reasons())
    # The plan decides these: gateway.broadcast.
    assert sorted(WORDS["en"].keys() - written) == ["missing-value", "told-together"]
    given = {word for word in written if "-" in word and word.replace("-", "").isalpha() and word.islower()}
    assert sorted(given - WORDS["en"].keys()) == []


def test_the_words_are_the_ones_that_the_console_shows():
    assert {code: CAUSES[code] for code in WORDS["en"]} == WORDS["en"]
    assert len(set(WORDS["en"].values())) == len(WORDS["en"])
    assert len(set(WORDS["es"].values())) == len(WORDS["es"])


def test_a_reason_is_told_in_the_language_asked_for():
    assert told("no-consent") == "No consent on record"
    assert told("no-consent", "es") == "No consta ningún consentimiento"
    assert told("no-consent", "fr") == "No consent on record"
    assert told("something-new", "es") == "something-new"
