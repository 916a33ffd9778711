"""The cover page of a fax in words: a template for each language, filled; pure.

It says who sends what to whom and what to do when it went astray, and has no placeholder that could tell
anything about health (rules 6.6).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from babel.dates import format_date

from gateway.settings import FaxCover
from gateway.wording.composing import fill
from gateway.wording.templates import TemplateError, tokens

ON_COVERS = ("ClientName", "FaxNumber", "Practice", "CallBack", "FaxLine", "Date", "Pages")
# Of the note on the cover of a fax that goes on where an earlier call broke off.
ON_NOTES = ("First", "Last")
# What fits on the page with the letterhead above.
MOST_DETAILS, LONGEST_NOTICE, LONGEST_LINE = 10, 1200, 100

Covers = Mapping[str, FaxCover]

SHIPPED: Covers = {
    "en": FaxCover(
        heading="Fax",
        details="To: <ClientName>\nFax: <FaxNumber>\nFrom: <Practice>\nPhone: <CallBack>\nFax: <FaxLine>\n"
        "Date: <Date>\nPages: <Pages> (this one included)",
        notice_heading="Confidential",
        notice="The pages that follow may hold health information that the law protects. They are meant only "
        "for the person named above.\n\nIf this fax reached you by mistake, please do not read, copy or pass "
        "it on. Call <CallBack> at once so that it does not happen again, and destroy every page.",
        continued="CONTINUED: pages <First> to <Last>. The pages before were received.",
    ),
    "es": FaxCover(
        heading="Fax",
        details="Para: <ClientName>\nFax: <FaxNumber>\nDe: <Practice>\nTeléfono: <CallBack>\nFax: <FaxLine>\n"
        "Fecha: <Date>\nPáginas: <Pages> (incluida esta)",
        notice_heading="Confidencial",
        notice="Las páginas que siguen pueden contener información de salud protegida por la ley. Están "
        "destinadas únicamente a la persona indicada arriba.\n\nSi ha recibido este fax por error, por favor "
        "no lo lea, copie ni reenvíe. Llame enseguida al <CallBack> para que no vuelva a ocurrir, y destruya "
        "todas las páginas.",
        continued="SIGUE: hojas <First> a <Last>. Las anteriores ya se recibieron.",
    ),
}


@dataclass(frozen=True, slots=True)
class CoverWords:
    """A cover page that is filled in: rows of a name and a value, paragraphs of the notice."""

    heading: str
    rows: tuple[tuple[str, str], ...]
    notice_heading: str
    notice: tuple[str, ...]


def covers(own: Covers) -> Covers:
    """The clinic's own words over those that ship; TemplateError names what cannot be used."""
    found = dict(SHIPPED)
    for language, words in own.items():
        base = found.get(language, SHIPPED["en"])
        chosen = {name: text for name, text in words.model_dump().items() if text.strip()}
        found[language] = base.model_copy(update=chosen)
        _check(f"fax.covers.{language}", found[language])
    return found


def cover_in(found: Covers, language: str, usual: str) -> tuple[str, FaxCover]:
    """The cover in a language, else in the clinic's, else in English; with the language it has."""
    chosen = next(one for one in (language, usual, "en") if one in found)
    return chosen, found[chosen]


def cover_words(cover: FaxCover, values: Mapping[str, str]) -> CoverWords:
    """The page; a detail that nothing is known of is left out."""
    # A telephone number stays on one line.
    kept = dict(values) | {"CallBack": values.get("CallBack", "").replace(" ", "\u00a0")}
    rows = tuple(_rows(cover.details, values))
    notice = tuple(_filled(part, kept) for part in cover.notice.split("\n\n"))
    return CoverWords(_filled(cover.heading, values), rows, _filled(cover.notice_heading, values), notice)


def long_date(day: date, language: str) -> str:
    """`November 24, 2026`; `24 de noviembre de 2026`."""
    return format_date(day, "long", locale=language)


def _rows(details: str, values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for line in details.splitlines():
        if all(values.get(name) for name, _ in tokens(line)):
            label, _, value = line.partition(":")
            yield label.strip(), _filled(value.strip(), values)


def _filled(text: str, values: Mapping[str, str]) -> str:
    known = {name: value for name, value in values.items() if value}
    return fill(" ".join(text.split()), known)


def _check(place: str, cover: FaxCover) -> None:
    for field, text in cover.model_dump().items():
        known = ON_NOTES if field == "continued" else ON_COVERS
        for name, prompt in tokens(text):
            if prompt or name not in known:
                said = ", ".join(f"<{one}>" for one in known)
                wrong = f"[prompt:{prompt}]" if prompt else f"<{name}>"
                raise TemplateError(f"setting {place}.{field}: {wrong} is not one of {said}")
    _require(f"{place}.details", cover.details, ("ClientName", "Practice", "CallBack", "Pages"))
    _require(f"{place}.notice", cover.notice, ("CallBack",))
    lines = cover.details.splitlines()
    if len(lines) > MOST_DETAILS or any(":" not in line for line in lines):
        raise TemplateError(f"setting {place}.details: write 'name: value', {MOST_DETAILS} lines at most")
    if len(cover.notice) > LONGEST_NOTICE:
        raise TemplateError(f"setting {place}.notice: has more than {LONGEST_NOTICE} characters: shorten it")
    for field, text in (("heading", cover.heading), ("notice_heading", cover.notice_heading)):
        if len(text) > LONGEST_LINE:
            raise TemplateError(f"setting {place}.{field}: has more than {LONGEST_LINE} characters")


def _require(place: str, text: str, names: tuple[str, ...]) -> None:
    found = {name for name, _ in tokens(text)}
    for name in names:
        if name not in found:
            raise TemplateError(f"setting {place}: must say <{name}>")
