"""Clients are found by the beginning of a name, id or mailbox, or by the end of a number."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, bindparam, exists, select, tuple_

from gateway.domain import RecipientKind
from store.batch import among
from store.clients_tables import client_word
from store.schema import contact, recipient

NAME, WORD, NUMBER = "name", "word", "number"
# Beyond every character that a word has.
_END = "\U0010ffff"
_LONGEST = 80
# Fewer digits end too many numbers to be looked for as one.
_FEWEST_DIGITS = 3
# More words than anybody's name has find nobody.
_MOST_WORDS = 6

_w, _r, _k = client_word.c, recipient.c, contact.c


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of clients ended: which of the questions was being answered, and the last word of it."""

    question: int
    word: str
    recipient: int


def folded(text: str) -> str:
    """A text as it is compared: without accents, in small letters, with single spaces."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    kept = (c for c in plain if not unicodedata.combining(c) and c.isprintable())
    return " ".join("".join(kept).split())


def refresh(conn: Connection, clinic: int, people: Collection[int]) -> None:
    """Make the words of these recipients what their names and contacts are; who is gone has none."""
    if not people:
        return
    of_these = {"c": clinic, "people": list(people)}
    wanted = _wanted(conn, of_these)
    there = {tuple(row) for row in conn.execute(_THERE, of_these)}
    if gone := there - wanted:
        conn.execute(_DROP, [{"c": clinic, "k": kind, "w": word, "r": who} for kind, word, who in gone])
    if fresh := wanted - there:
        names = ("kind", "word", "recipient")
        rows = [{"clinic": clinic, **dict(zip(names, one, strict=True))} for one in sorted(fresh)]
        conn.execute(client_word.insert(), rows)


_THERE = select(_w.kind, _w.word, _w.recipient).where(
    _w.clinic == bindparam("c"), among(_w.recipient, "people")
)
_DROP = client_word.delete().where(
    _w.clinic == bindparam("c"),
    _w.kind == bindparam("k"),
    _w.word == bindparam("w"),
    _w.recipient == bindparam("r"),
)
_CLIENTS = select(_r.id, _r.external_id, _r.given_name, _r.family_name).where(
    _r.clinic == bindparam("c"), _r.kind == RecipientKind.CLIENT.value, among(_r.id, "people")
)
_ADDRESSES = select(_k.recipient, _k.address).where(
    _k.clinic == bindparam("c"), among(_k.recipient, "people")
)


def _wanted(conn: Connection, of_these: dict[str, Any]) -> set[tuple[str, str, int]]:
    found: set[tuple[str, str, int]] = set()
    clients = set()
    for number, external_id, given, family in conn.execute(_CLIENTS, of_these):
        clients.add(number)
        found |= {(kind, word, number) for kind, word in words_of(external_id, given, family)}
    for number, address in conn.execute(_ADDRESSES, of_these):
        if number in clients:
            found.add((*word_of_address(address), number))
    return found


def words_of(external_id: str, given: str, family: str) -> Iterator[tuple[str, str]]:
    """(kind, word) of whoever has this id and name."""
    yield NAME, folded(f"{family} {given}")[:_LONGEST]
    for word in {*folded(f"{family} {given}").replace("-", " ").split(), folded(external_id)}:
        yield WORD, word[:_LONGEST]


def word_of_address(address: str) -> tuple[str, str]:
    """(kind, word) of whoever has this mailbox or number."""
    if "@" in address:
        return WORD, folded(address)[:_LONGEST]
    return NUMBER, _digits(address)[::-1]


def _digits(text: str) -> str:
    return "".join(c for c in text if c.isascii() and c.isdigit())


# --- looking ---


def look(
    conn: Connection, clinic: int, text: str, most: int, after: Place | None = None
) -> tuple[list[int], Place | None]:
    """The numbers of clients who are meant by a text, all for none, and where to go on: None at the end."""
    found: list[int] = []
    last = None
    for question, (kind, begin, others) in enumerate(_questions(text)):
        if after is not None and question < after.question:
            continue
        here = after if after is not None and question == after.question else None
        rows = _answers(conn, clinic, (kind, begin, others), most + 1 - len(found), here)
        for word, number in rows:
            if len(found) == most:
                return found, last
            found.append(number)
            last = Place(question, word, number)
    return found, None


def _questions(text: str) -> list[tuple[str, str, list[str]]]:
    """(kind, the beginning of a word, of further words) of everything that a text may mean."""
    words = folded(text)[:200].replace(",", " ").split()
    if not words:
        return [(NAME, "", [])]
    digits = _digits(text)
    is_number = len(digits) >= _FEWEST_DIGITS and not any(c.isalpha() for c in text)
    asked = [(NUMBER, digits[::-1], list[str]())] if is_number else []
    if "@" not in text:
        words = " ".join(words).replace("-", " ").split() or words
    # The longest word is in the fewest names.
    first, *others = sorted(words[:_MOST_WORDS], key=len, reverse=True)
    whole = folded(text)
    # An id may have hyphens, by which names are taken apart.
    asked += [(WORD, whole, [])] if "-" in whole and " " not in whole else []
    return [*asked, (WORD, first, others)]


def _answers(
    conn: Connection, clinic: int, question: tuple[str, str, Iterable[str]], most: int, after: Place | None
) -> list[tuple[str, int]]:
    kind, begin, others = question
    query = select(_w.word, _w.recipient).where(_w.clinic == clinic, *_begins(_w, kind, begin))
    # Somebody with two such words is found by the first of them.
    other = client_word.alias()
    earlier = other.c.clinic == clinic, other.c.recipient == _w.recipient, other.c.word < _w.word
    query = query.where(~exists().where(*earlier, *_begins(other.c, kind, begin)))
    for word in others:
        more = client_word.alias()
        theirs = more.c.clinic == clinic, more.c.recipient == _w.recipient
        query = query.where(exists().where(*theirs, *_begins(more.c, WORD, word)))
    if after is not None:
        query = query.where(tuple_(_w.word, _w.recipient) > (after.word, after.recipient))
    rows = conn.execute(query.order_by(_w.word, _w.recipient).limit(most))
    return [(row.word, row.recipient) for row in rows]


def _begins(words: Any, kind: str, begin: str) -> tuple[Any, ...]:
    return words.kind == kind, words.word >= begin, words.word < begin + _END
