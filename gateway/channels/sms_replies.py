"""What a person means by a text to us (rules 1.7): opt-out words, confirmations, cancellations. Pure."""

from __future__ import annotations

import re

from gateway.domain import ReplyKind

_CONFIRM = {"c", "yes", "y", "1", "confirm", "confirmed"}
_STOP_WORDS = {"stop", "stopall", "quit", "revoke", "optout", "unsubscribe"}
_STOP_TEXTS = _STOP_WORDS | {"end", "stop all", "opt out"}
# A sentence that plainly revokes, wherever the words stand in it.
_STOP_PHRASES = re.compile(
    r"\b(opt (me )?out|unsubscribe|(stop|no more|quit) (texting|calling|contacting|messaging|messages"
    r"|texts|calls|emails|sending|reminders))\b"
)
_NEGATION = re.compile(r"\b(dont|do not|not|never)\b")
_NOISE = re.compile(r"[^\w\s]|_")


def classify(text: str) -> ReplyKind:
    """What a text asks for; what is not clear is OTHER, and a person reads it."""
    plain = " ".join(_NOISE.sub("", text.replace("-", " ")).casefold().split())
    plain = plain.removeprefix("please ").removesuffix(" please")
    if _opts_out(plain):
        return ReplyKind.OPT_OUT
    # C1 is the answer that we ask for when CANCEL was ambiguous.
    if plain == "c1" or plain.split(" ")[0] in ("cancel", "cancelled"):
        return ReplyKind.CANCEL
    return ReplyKind.CONFIRM if plain in _CONFIRM else ReplyKind.OTHER


def _opts_out(plain: str) -> bool:
    if plain in _STOP_TEXTS or plain.split(" ")[0] in _STOP_WORDS:
        return True
    return bool(_STOP_PHRASES.search(plain)) and not _NEGATION.search(plain)
