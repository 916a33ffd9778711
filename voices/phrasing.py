"""What a voice is given to say, and the pauses around it; pure."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

from voices.errors import SpeechError

# Milliseconds of silence that a punctuation mark at either end of a piece stands for. Pieces are played
# one after another, so a mark that ends one piece is the pause before the next.
_PAUSES = {".": 300, "!": 300, "?": 300, "…": 300, ":": 250, ";": 200, ",": 150}
NO_MARK = 50


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words without marks at their start, and the pauses in milliseconds."""

    words: str
    before: int
    after: int


def cleaned(text: str, longest: int) -> str:
    """The text as it is voiced and addressed, or SpeechError; the error never repeats the text."""
    if len(text) > longest:
        raise SpeechError(
            f"a spoken text of {len(text)} characters is longer than {longest}: split it up, or record it"
        )
    # Piper reads what stands in [[ ]] as raw phonemes: a name must not be able to.
    plain = " ".join(unicodedata.normalize("NFC", text).replace("[[", " ").replace("]]", " ").split())
    if any(unicodedata.category(mark) in ("Cc", "Cs") for mark in plain):
        raise SpeechError("a spoken text holds a control character")
    if not any(mark.isalnum() for mark in plain):
        raise SpeechError("a spoken text holds nothing to say")
    return plain


def phrase(text: str) -> Phrase:
    """A cleaned text taken apart."""
    words = text.lstrip(" .!?…:;,")
    leading = text[: len(text) - len(words)].replace(" ", "")
    before = max((_PAUSES[mark] for mark in leading), default=0)
    return Phrase(words, before, _PAUSES.get(words[-1:], NO_MARK))
