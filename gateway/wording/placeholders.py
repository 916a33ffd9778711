"""What was meant as a placeholder and is written as none: it would be sent as it stands. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

TOKEN = re.compile(r"<(\w+)>|\[prompt:([\w-]+)\]")

# In turn: `< Client.Name >` and `<<ClientName>>`; `<ClientName` that is never closed; `{ClientName}`;
# `[ClientName]`; `< ClientName` and `ClientName>`. Tokens are found as well.
_PIECE = re.compile(
    r"<[\s</]*(?P<closed>[^\W\d][^<>]{0,60})>+"
    r"|</?(?P<open>[^\W\d_][\w.-]*)"
    r"|\{+\s*(?P<braces>[^\W\d_][^{}<>\n]{0,60})\}+"
    r"|\[+\s*(?P<brackets>[^\W\d_][^\[\]<>\n]{0,60})\]+"
    r"|<\s+(?P<apart>[^\W\d_][\w.-]*)"
    r"|(?P<unopened>[^\W\d_][\w.-]*)>"
)
# `<desk@clinic.example>` and `<https://clinic.example>` are how addresses are written.
_ADDRESS = re.compile(r"@|:/|<www\.")
LIKE_PROMPT = re.compile(r"prompt\b", re.IGNORECASE)
# What may well be typed so: it is meant as a placeholder only where it is like one.
_TYPED_TOO = ("brackets", "apart", "unopened")
_SHORTEST_PART = 4


class Meant(NamedTuple):
    """A piece of a text, and the name in it."""

    piece: str
    name: str


def meant(text: str, names: Collection[str]) -> Iterator[Meant]:
    """What a text says like a placeholder or a recording, and is neither."""
    for match in _PIECE.finditer(text):
        kind = match.lastgroup or ""
        if TOKEN.fullmatch(match[0]) or _ADDRESS.search(_word_from(text, match.start())):
            continue
        name = match[kind].strip()
        if kind not in _TYPED_TOO or LIKE_PROMPT.match(name) or near(name, names):
            yield Meant(match[0], name)


def _word_from(text: str, start: int) -> str:
    return text[start:].split(maxsplit=1)[0]


def near(name: str, names: Collection[str]) -> str | None:
    """The one of these that was probably meant: spelt a little differently, or more than what is said."""
    plain = {one.casefold(): one for one in names}
    said = re.sub(r"[\W_]", "", name).casefold()
    close = difflib.get_close_matches(said, plain, 1, 0.7)
    longer = [one for one in plain if said in one] if len(said) >= _SHORTEST_PART else []
    return next((plain[one] for one in (*close, *longer)), None)
