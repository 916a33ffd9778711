"""Own-voice prompts: what they are called, their versions, who recorded them, what staff are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, select, update

from store import ids
from store.schema import prompt, prompt_task, prompt_version, recipient
from store.upsert import insert_into

_p, _v, _t, _r = prompt.c, prompt_version.c, prompt_task.c, recipient.c

DRAFT, KEPT = "draft", "kept"
PHONE, UPLOAD = "phone", "upload"


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """A prompt: `id` is the number that staff enter, `wording` what should be said ("" leaves it open)."""

    id: int
    name: str
    title: str
    wording: str


@dataclass(frozen=True, slots=True)
class Take:
    """A recording that was made into a prompt; `audio` and `original` name its files."""

    source: str
    staff: int | None
    author: str
    seconds: float
    recorded_loudness: float
    loudness: float
    findings: tuple[str, ...]
    audio: str
    original: str


@dataclass(frozen=True, slots=True)
class Version:
    """One recording of a prompt in a language; at most one of each is active."""

    id: int
    prompt: int
    language: str
    label: str
    state: str
    active: bool
    at: datetime
    kept_at: datetime | None
    take: Take


@dataclass(frozen=True, slots=True)
class Task:
    """A member of staff is asked to record a prompt."""

    id: int
    prompt: PromptEntry
    language: str
    staff: int
    asked_at: datetime


_ENTRY = select(_p.id, _p.name, _p.title, _p.wording)
_VERSION = select(prompt_version)
_TASK = select(
    _t.id, _t.language, _t.staff, _t.asked_at, _p.id.label("number"), _p.name, _p.title, _p.wording
)


def define(conn: Connection, clinic: int, name: str, title: str, wording: str, now: datetime) -> int:
    """The number of the prompt with this name, made if it is new; empty title and wording change nothing."""
    changed = {key: value for key, value in (("title", title), ("wording", wording)) if value}
    known = named(conn, clinic, name)
    if known is None:
        new = {"clinic": clinic, "id": ids.take(conn, clinic, "prompt"), "name": name, "created_at": now}
        made = insert_into(conn, prompt).values(new | {"title": title or name, "wording": wording})
        conn.execute(made.on_conflict_do_nothing(index_elements=[_p.clinic, _p.name]))
    elif changed:
        conn.execute(update(prompt).where(_p.clinic == clinic, _p.name == name).values(changed))
    return int(conn.execute(select(_p.id).where(_p.clinic == clinic, _p.name == name)).scalar_one())


def named(conn: Connection, clinic: int, name: str) -> PromptEntry | None:
    """The prompt with this name."""
    return _entry(conn, _p.clinic == clinic, _p.name == name)


def numbered(conn: Connection, clinic: int, number: int) -> PromptEntry | None:
    """The prompt with this number."""
    return _entry(conn, _p.clinic == clinic, _p.id == number)


def _entry(conn: Connection, *where: ColumnElement[bool]) -> PromptEntry | None:
    row = conn.execute(_ENTRY.where(*where)).first()
    return PromptEntry(*row) if row else None


def catalogue(conn: Connection, clinic: int) -> list[PromptEntry]:
    """Every prompt, by number."""
    return [PromptEntry(*row) for row in conn.execute(_ENTRY.where(_p.clinic == clinic).order_by(_p.id))]


# --- versions ---


def versions(conn: Connection, clinic: int, number: int | None = None) -> list[Version]:
    """Every version, of one prompt or of all, newest first."""
    query = _VERSION.where(_v.clinic == clinic).order_by(_v.id.desc())
    return _versions(conn, query if number is None else query.where(_v.prompt == number))


def version(conn: Connection, clinic: int, number: int) -> Version | None:
    """One version."""
    return next(iter(_versions(conn, _VERSION.where(_v.clinic == clinic, _v.id == number))), None)


def drafts_of(conn: Connection, clinic: int, staff: int) -> list[Version]:
    """What a member of staff recorded and neither kept nor cancelled, newest first."""
    mine = _VERSION.where(_v.clinic == clinic, _v.staff == staff, _v.state == DRAFT)
    return _versions(conn, mine.order_by(_v.id.desc()))


def _versions(conn: Connection, query: Any) -> list[Version]:
    return [_version(row) for row in conn.execute(query)]


def _version(row: Row[Any]) -> Version:
    take = Take(
        source=row.source,
        staff=row.staff,
        author=row.author,
        seconds=row.seconds,
        recorded_loudness=row.recorded_loudness,
        loudness=row.loudness,
        findings=tuple(row.findings),
        audio=row.audio,
        original=row.original,
    )
    times = (row.at, row.kept_at)
    return Version(row.id, row.prompt, row.language, row.label, row.state, row.active, *times, take)


def add_draft(
    conn: Connection,
    clinic: int,
    number: int,
    language: str,
    take: Take,
    now: datetime,
    instead_of: int | None = None,
) -> int:
    """Write a recording down as a draft, perhaps instead of an earlier one; its number."""
    if instead_of is not None:
        discard(conn, clinic, instead_of)
    made = ids.take(conn, clinic, "prompt_version")
    row = {"clinic": clinic, "id": made, "prompt": number, "language": language, "label": "", "at": now}
    row |= {
        "state": DRAFT,
        "active": False,
        "source": take.source,
        "staff": take.staff,
        "author": take.author,
    }
    row |= {"seconds": take.seconds, "recorded_loudness": take.recorded_loudness, "loudness": take.loudness}
    row |= {"findings": list(take.findings), "audio": take.audio, "original": take.original}
    conn.execute(prompt_version.insert(), row)
    return made


def keep(conn: Connection, clinic: int, number: int, now: datetime) -> bool:
    """A draft becomes what is played, and what its maker was asked for is done; False if it is gone."""
    where = (_v.clinic == clinic, _v.id == number, _v.state == DRAFT)
    kept = update(prompt_version).where(*where).values(state=KEPT, kept_at=now)
    row = conn.execute(kept.returning(_v.prompt, _v.language, _v.staff)).first()
    if row is None:
        return False
    asked = (
        _t.prompt == row.prompt,
        _t.language == row.language,
        _t.staff == row.staff,
        _t.done_at.is_(None),
    )
    conn.execute(update(prompt_task).where(_t.clinic == clinic, *asked).values(done_at=now))
    return activate(conn, clinic, number)


def discard(conn: Connection, clinic: int, number: int) -> bool:
    """A draft goes; False when it is none. What was kept stays for good."""
    where = (_v.clinic == clinic, _v.id == number, _v.state == DRAFT)
    return conn.execute(prompt_version.delete().where(*where)).rowcount > 0


def activate(conn: Connection, clinic: int, number: int) -> bool:
    """A kept version is played from now on, instead of the one before; False when it is not kept."""
    wanted = version(conn, clinic, number)
    if wanted is None or wanted.state != KEPT:
        return False
    # Two who do this at once wait here for each other.
    conn.execute(_ENTRY.where(_p.clinic == clinic, _p.id == wanted.prompt).with_for_update())
    others = (_v.clinic == clinic, _v.prompt == wanted.prompt, _v.language == wanted.language, _v.active)
    conn.execute(update(prompt_version).where(*others).values(active=False))
    conn.execute(update(prompt_version).where(_v.clinic == clinic, _v.id == number).values(active=True))
    return True


def describe(conn: Connection, clinic: int, number: int, label: str) -> bool:
    """Give a version a name of its own; False when there is none."""
    where = (_v.clinic == clinic, _v.id == number)
    return conn.execute(update(prompt_version).where(*where).values(label=label)).rowcount > 0


def active(conn: Connection, clinic: int) -> dict[tuple[str, str], str]:
    """What is played: the audio of each prompt's name and language."""
    joined = prompt_version.join(prompt, (_p.clinic == _v.clinic) & (_p.id == _v.prompt))
    query = select(_p.name, _v.language, _v.audio).select_from(joined).where(_v.clinic == clinic, _v.active)
    return {(row.name, row.language): row.audio for row in conn.execute(query)}


def recordings(conn: Connection) -> set[str]:
    """The names of all files that some version needs."""
    rows = conn.execute(select(_v.audio, _v.original)).all()
    return {row.audio for row in rows} | {row.original for row in rows}


# --- what staff are asked for ---


def ask(conn: Connection, clinic: int, number: int, language: str, staff: int, now: datetime) -> int:
    """Ask a member of staff to record a prompt; asked again it stays one task."""
    same = (_t.prompt == number, _t.language == language, _t.staff == staff, _t.done_at.is_(None))
    known = conn.execute(select(_t.id).where(_t.clinic == clinic, *same)).scalar()
    if known is not None:
        return int(known)
    made = ids.take(conn, clinic, "prompt_task")
    row = {"clinic": clinic, "id": made, "prompt": number, "language": language}
    conn.execute(prompt_task.insert(), row | {"staff": staff, "asked_at": now, "done_at": None})
    return made


def tasks_of(conn: Connection, clinic: int, staff: int | None = None) -> Sequence[Task]:
    """What is still asked of one member of staff or of all, oldest first."""
    joined = prompt_task.join(prompt, (_p.clinic == _t.clinic) & (_p.id == _t.prompt))
    query = _TASK.select_from(joined).where(_t.clinic == clinic, _t.done_at.is_(None)).order_by(_t.id)
    rows = conn.execute(query if staff is None else query.where(_t.staff == staff))
    return [
        Task(row.id, PromptEntry(row.number, row.name, row.title, row.wording), row.language, *row[2:4])
        for row in rows
    ]


def names_of(conn: Connection, clinic: int, staff: set[int]) -> dict[int, str]:
    """Who these members of staff are."""
    query = select(_r.id, _r.given_name, _r.family_name).where(_r.clinic == clinic, _r.id.in_(staff))
    return {row.id: f"{row.given_name} {row.family_name}".strip() for row in conn.execute(query)}
