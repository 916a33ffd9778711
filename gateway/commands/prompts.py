"""`ringwell prompts …`: own-voice recordings, their versions, and who is asked to record them."""

from __future__ import annotations

import getpass
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.commands.shared import (
    MOST,
    ConfigOption,
    JsonOption,
    load,
    local,
    out,
    print_json,
    ready_store,
    run,
    table_of,
)
from gateway.settings import Settings
from gateway.studio import telephone
from gateway.studio.shelf import Shelf, Uploaded
from store import prompts as rows
from store.engine import Store
from store.prompts import PromptEntry, Version
from voices.findings import Finding

app = typer.Typer(help="Own-voice prompts: recordings, versions, requests.", no_args_is_help=True)

PromptArgument = Annotated[str, typer.Argument(help="The prompt's name or number.")]
LanguageOption = Annotated[str, typer.Option("--language", help="Two letters; the clinic's when left out.")]
VersionOption = Annotated[
    int | None, typer.Option("--version", min=1, max=MOST, help="The version's number.")
]

ADVICE = {
    Finding.CLIPPED: "it is distorted: record it again, less loud",
    Finding.TOO_QUIET: "it was recorded very quietly: lifting it lifts its noise too",
    Finding.TOO_SHORT: "it is very short",
    Finding.MOSTLY_SILENCE: "most of it is silence",
    Finding.CUT_OFF: "it ended when the call did",
}


@asynccontextmanager
async def _shelf(config: Path | None) -> AsyncIterator[tuple[Settings, Store, Shelf]]:
    settings = load(config)
    async with ready_store(settings) as store:
        yield settings, store, Shelf(store, settings)


@app.command("list")
def list_prompts(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every prompt with what is played and what waits."""
    found = run(_overview(config))
    if as_json:
        print_json(found)
        return
    table = table_of("Number", "Name", "Title", "Played", "Drafts", "Asked for", box=None)
    for row in found:
        played = ", ".join(f"{one['language']} {one['seconds']:.1f} s" for one in row["played"])
        waiting = [str(len(row[key])) for key in ("drafts", "tasks")]
        table.add_row(str(row["number"]), row["name"], row["title"], played or "-", *waiting)
    out.print(table)


async def _overview(config: Path | None) -> list[dict[str, Any]]:
    async with _shelf(config) as (settings, store, _):
        clinic = settings.clinic.id
        every = await store.read(rows.versions, clinic)
        tasks = await store.read(rows.tasks_of, clinic)
        return [
            _entry(entry)
            | {
                "played": [_flat(one) for one in every if one.prompt == entry.id and one.active],
                "drafts": [one.id for one in every if one.prompt == entry.id and one.state == rows.DRAFT],
                "tasks": [task.id for task in tasks if task.prompt.id == entry.id],
            }
            for entry in await store.read(rows.catalogue, clinic)
        ]


def _entry(entry: PromptEntry) -> dict[str, Any]:
    return {"number": entry.id, "name": entry.name, "title": entry.title, "wording": entry.wording}


def _flat(version: Version) -> dict[str, Any]:
    plain = asdict(version)
    take: dict[str, Any] = plain.pop("take")
    return plain | take


@app.command()
def new(
    name: Annotated[str, typer.Argument(help="What templates call it: [prompt:NAME].")],
    title: Annotated[str, typer.Option(help="What staff hear; the name when left out.")] = "",
    wording: Annotated[str, typer.Option(help="What should be said.")] = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a prompt that can be recorded, or change its title and wording."""
    entry = run(_new(config, name, title, wording))
    print_json(_entry(entry)) if as_json else out.print(f"prompt {entry.id}: {entry.name}")


async def _new(config: Path | None, name: str, title: str, wording: str) -> PromptEntry:
    async with _shelf(config) as (_, _store, shelf):
        await shelf.define(name, title, wording)
        return await shelf.prompt(name)


@app.command()
def show(prompt: PromptArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show one prompt: its wording and what is played in each language."""
    entry, found = run(_versions(config, prompt))
    active = [version for version in found if version["active"]]
    if as_json:
        print_json(_entry(entry) | {"played": active})
        return
    out.print(f"{entry.id}  {entry.name}  {entry.title}")
    if entry.wording:
        out.print(entry.wording)
    _print_versions(active, load(config))


@app.command()
def versions(prompt: PromptArgument, config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Show every version: who recorded it, when, how long and how loud."""
    _, found = run(_versions(config, prompt))
    print_json(found) if as_json else _print_versions(found, load(config))


async def _versions(config: Path | None, prompt: str) -> tuple[PromptEntry, list[dict[str, Any]]]:
    async with _shelf(config) as (settings, store, shelf):
        entry = await shelf.prompt(prompt)
        found = await store.read(rows.versions, settings.clinic.id, entry.id)
        who = {one.take.staff for one in found if one.take.staff is not None}
        names = await store.read(rows.names_of, settings.clinic.id, who)
        return entry, [
            _flat(one) | {"by": names.get(one.take.staff or 0, one.take.author), "file": _file(settings, one)}
            for one in found
        ]


def _file(settings: Settings, version: Version) -> str:
    return str(settings.recordings / f"{version.take.audio}.wav")


def _print_versions(found: Sequence[dict[str, Any]], settings: Settings) -> None:
    table = table_of(
        "Version", "Language", "State", "Seconds", "LUFS", "By", "When", "Name", "Findings", box=None
    )
    for one in found:
        table.add_row(
            str(one["id"]),
            one["language"],
            "played" if one["active"] else one["state"],
            f"{one['seconds']:.1f}",
            f"{one['recorded_loudness']:.1f} to {one['loudness']:.1f}",
            f"{one['by']} ({one['source']})",
            local(one["at"], settings),
            one["label"],
            ", ".join(one["findings"]),
        )
    out.print(table)


@app.command()
def add(
    file: Annotated[Path, typer.Argument(help="A recording: WAV, MP3, OGG or FLAC.")],
    name: Annotated[str, typer.Option(help="The prompt's name; the file's when left out.")] = "",
    language: LanguageOption = "",
    label: Annotated[str, typer.Option(help="A name for this version.")] = "",
    draft: Annotated[bool, typer.Option("--draft", help="Do not play it yet.")] = False,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version of a recording: silence trimmed, loudness evened, the original kept.

    One with something wrong is not played before you keep it.
    """
    done = run(_add(config, file, name or file.stem, language, label, not draft))
    told = done.mastered
    if as_json:
        print_json({"prompt": done.prompt, "version": done.version, "kept": done.kept} | asdict(told))
        return
    loud = f"{told.recorded_loudness:.1f} to {told.loudness:.1f} LUFS"
    out.print(f"prompt {done.prompt}, version {done.version}: {told.seconds:.1f} s, {loud}")
    _warn(told.findings)
    if not done.kept:
        out.print(f"It is a draft: 'ringwell prompts keep {name or file.stem} {done.version}' plays it.")


def _warn(findings: Sequence[str]) -> None:
    for finding in findings:
        out.print(ADVICE[Finding(finding)], style="yellow")


async def _add(
    config: Path | None, file: Path, name: str, language: str, label: str, instead: bool
) -> Uploaded:
    async with _shelf(config) as (settings, _, shelf):
        tongue = language or settings.clinic.language
        return await shelf.upload(file, name, tongue, getpass.getuser(), label, instead)


@app.command()
def keep(
    prompt: PromptArgument,
    version: Annotated[int, typer.Argument(min=1, max=MOST, help="The draft's number.")],
    config: ConfigOption = None,
) -> None:
    """Play a draft from now on; what is wrong with it is said."""
    run(_keep(config, prompt, version))
    out.print(f"version {version} is played from now on")


async def _keep(config: Path | None, prompt: str, version: int) -> None:
    async with _shelf(config) as (_, _store, shelf):
        draft = await shelf.draft(await shelf.prompt(prompt), version)
        _warn(draft.take.findings)
        await shelf.keep(draft)


@app.command()
def rollback(
    prompt: PromptArgument,
    version: VersionOption = None,
    language: LanguageOption = "",
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Play an earlier version again: the one before, or the one you name."""
    found = run(_roll_back(config, prompt, version, language))
    print_json(_flat(found)) if as_json else out.print(f"version {found.id} is played from now on")


async def _roll_back(config: Path | None, prompt: str, version: int | None, language: str) -> Version:
    async with _shelf(config) as (settings, _, shelf):
        return await shelf.roll_back(
            await shelf.prompt(prompt), language or settings.clinic.language, version
        )


@app.command()
def name(
    version: Annotated[int, typer.Argument(min=1, max=MOST, help="The version's number.")],
    label: Annotated[str, typer.Argument(help="What to call it, such as 'winter hours'.")],
    config: ConfigOption = None,
) -> None:
    """Give a version a name."""
    run(_name(config, version, label))
    out.print(f"version {version} is called {label}")


async def _name(config: Path | None, version: int, label: str) -> None:
    async with _shelf(config) as (_, _store, shelf):
        await shelf.label(version, label)


@app.command()
def ask(
    user: Annotated[str, typer.Argument(help="User number, or the id of the practice system.")],
    prompt: PromptArgument,
    language: Annotated[str, typer.Option(help="Two letters; the person's own when left out.")] = "",
    config: ConfigOption = None,
) -> None:
    """Ask a member of staff to record a prompt: they hear it the next time they dial the studio."""
    who, extension = run(_ask(config, user, prompt, language))
    out.print(f"{who} is asked for it when they dial {extension}")


async def _ask(config: Path | None, user: str, prompt: str, language: str) -> tuple[str, str]:
    async with _shelf(config) as (settings, _, shelf):
        row = await shelf.ask(user, await shelf.prompt(prompt), language)
        return row.name, settings.studio.extension


@app.command()
def play(
    prompt: PromptArgument,
    extension: Annotated[str, typer.Argument(help="A telephone of the clinic, such as 201.")],
    version: VersionOption = None,
    language: LanguageOption = "",
    config: ConfigOption = None,
) -> None:
    """Call me and play it: rings a telephone of the clinic and plays a version."""
    seconds = run(_play(config, prompt, extension, version, language))
    out.print(f"played {seconds:.1f} s to {extension}")


async def _play(
    config: Path | None, prompt: str, extension: str, version: int | None, language: str
) -> float:
    async with _shelf(config) as (settings, _, shelf):
        if version is not None:
            found = await shelf.version(version)
        else:
            entry = await shelf.prompt(prompt)
            found = await shelf.played(entry, language or settings.clinic.language)
    await telephone.play(settings, extension, found)
    return found.take.seconds
