"""What a person means by a text to us (rules 1.7): opt-out words, confirmations, cancellations. Pure.

Words of every language are known to every clinic: a Spanish text may come to an English reminder.
"""

from __future__ import annotations

import re
import unicodedata

from gateway.channels.sms_stops import opts_out
from gateway.domain import ReplyKind

# Compared without case, accents and punctuation.
_CONFIRM = frozenset(
    (
        *("c", "yes", "y", "1", "confirm", "confirmed", "yes confirm", "yes confirmed"),
        *("si", "confirmar", "confirmado", "confirmada", "si confirmo"),
    )
)
# Sentences that plainly confirm; anything more ("yes but at ten") is read by a person. Apostrophes are gone.
_CONFIRM_SENTENCE = re.compile(
    r"(yes |si )?(i |we )?(confirm|confirmo)( my| the| mi| la)?( appointment| visit| cita| visita)?"
    r"|(yes |si )?((i |we )will|ill|well) be there|(yes )?(i am|im|we are|were) coming"
    r"|(yes |si )?(see you (then|there|tomorrow)|(ahi|alli) estare(mos)?|nos vemos (ahi|alli|manana))"
)
# CANCEL alone may mean the visit or all messages; with the visit named, as C1 or as C2, it is plain.
_NOT_COMING = re.compile(
    r"c[12]|(i |we )?(want to |would like to |need to )?(cancel|cancelar|cancelo|cancelen|anular|anulen)"
    r"( my| our| the| mi| la)( appointment| visit| cita| visita)"
)
_START_TEXTS = frozenset({"start", "unstop", "opt in", "optin", "subscribe", "alta", "reanudar", "empezar"})
_HELP_TEXTS = frozenset({"help", "info", "ayuda", "informacion"})
_CANCEL = frozenset("cancel cancelled cancelar cancela cancelo anular".split())
_POLITE = re.compile(
    r"^(please|pls|plz|kindly|por favor)\s+|\s+(please|pls|plz|por favor|thanks|thank you|thx|gracias)$"
)
_NOISE = re.compile(r"[^\w\s]|_")
_CLAUSES = re.compile(r"[.,;:!?¡¿()\n\u2013\u2014\u2026]+| -+ |\b(?:but|and|pero|y)\b", re.IGNORECASE)


def classify(text: str) -> ReplyKind:
    """What a text asks for; what is not clear is OTHER, and a person reads it."""
    plain = _plain(text)
    if opts_out(plain, [clause for part in _CLAUSES.split(text) if (clause := _plain(part))]):
        return ReplyKind.OPT_OUT
    if _NOT_COMING.fullmatch(plain):
        return ReplyKind.NOT_COMING
    if plain.split(" ")[0] in _CANCEL:
        return ReplyKind.CANCEL
    if plain in _START_TEXTS:
        return ReplyKind.OPT_IN
    if plain in _HELP_TEXTS:
        return ReplyKind.HELP
    if plain in _CONFIRM or _CONFIRM_SENTENCE.fullmatch(plain):
        return ReplyKind.CONFIRM
    return ReplyKind.OTHER


def _plain(text: str) -> str:
    """Small letters without accents and punctuation, and without what is said for politeness."""
    apart = unicodedata.normalize("NFKD", text.replace("-", " ").casefold())
    bare = "".join(mark for mark in apart if not unicodedata.combining(mark))
    plain = " ".join(_NOISE.sub("", bare).split())
    while (shorter := _POLITE.sub("", plain)) != plain:
        plain = shorter
    return plain
