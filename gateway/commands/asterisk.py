"""`ringwell asterisk provision|start|stop|status`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from gateway import settings
from gateway.asterisk import provision as provisioning
from gateway.asterisk.instance import Instance
from gateway.asterisk.runtime import Runtime, is_tested
from gateway.commands.shared import ConfigOption, JsonOption, console, load, out, print_json, run
from gateway.exchange import configured_instance
from gateway.include import FOLDER, included_files, write_files

app = typer.Typer(help="The embedded Asterisk: provision, start, stop, look.", no_args_is_help=True)

PLAIN_SECONDS = 10.0


@app.command()
def provision(as_json: JsonOption = False) -> None:
    """Unpack Debian unstable's Asterisk into the user's cache; does nothing when it is there."""
    cache = settings.cache_folder()
    runtime = provisioning.installed(cache) or _provision_with_progress()
    version = runtime.version()
    if as_json:
        print_json({"version": version, "tested": is_tested(version), "folder": runtime.root})
        return
    out.print(f"Asterisk {version} is ready")
    if not is_tested(version):
        out.print("this release was not tested with Ringwell; 22.x was", style="yellow")


def _provision_with_progress() -> Runtime:
    cache = settings.cache_folder()
    if not console.is_terminal:
        return provisioning.provision(cache, _plain_progress())
    columns = (SpinnerColumn(), TextColumn("Asterisk: {task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task("starting")

        def show(step: str, count: int) -> None:
            bar.update(task, description=f"{step.lower()} package {count}")

        return provisioning.provision(cache, show)


def _plain_progress() -> provisioning.Progress:
    console.print("Asterisk: unpacking Debian unstable's package, a minute or so")
    last = time.monotonic()

    def show(step: str, count: int) -> None:
        nonlocal last
        if time.monotonic() - last >= PLAIN_SECONDS:
            last = time.monotonic()
            console.print(f"Asterisk: {step.lower()} package {count}")

    return show


@app.command()
def include(
    output: Annotated[Path, typer.Option("--output", help="Where to write a folder 'ringwell'.")],
    config: ConfigOption = None,
) -> None:
    """Write what an Asterisk that is there already has to include; docs/external-asterisk.md says where."""
    files = included_files(load(config))
    write_files(files, output)
    out.print(f"{len(files)} files are in {output / FOLDER}. Add to the exchange's own configuration:")
    for name in ("extensions.conf", "manager.conf", "pjsip.conf"):
        out.print(f"  {name}:  #include {FOLDER}/{name}")


@app.command()
def start(config: ConfigOption = None) -> None:
    """Start the embedded Asterisk of this installation; does nothing when it runs."""
    started = run(_start(configured_instance(load(config))))
    out.print("Asterisk started" if started else "Asterisk runs already")


async def _start(instance: Instance) -> bool:
    return await instance.start()


@app.command()
def stop(config: ConfigOption = None) -> None:
    """Stop the embedded Asterisk; calls that are up end."""
    stopped = run(_stop(Instance(load(config).folder / "asterisk")))
    out.print("Asterisk stopped" if stopped else "Asterisk did not run")


async def _stop(instance: Instance) -> bool:
    return await instance.stop()


@app.command()
def status(config: ConfigOption = None, as_json: JsonOption = False) -> None:
    """Say whether the embedded Asterisk runs. Exit code 1 when it does not."""
    instance = Instance(load(config).folder / "asterisk")
    pid = instance.pid()
    runtime = provisioning.installed(settings.cache_folder())
    version = runtime.version() if runtime else None
    if as_json:
        print_json({"running": pid is not None, "pid": pid, "version": version})
    elif pid is None:
        out.print("not running" if runtime else "not provisioned: run 'ringwell asterisk provision'")
    else:
        out.print(f"running (process {pid}), version {version}")
    if pid is None:
        raise typer.Exit(1)
