"""Files that go with a broadcast's mails: looked at before anybody gets them, and kept with the gateway."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from gateway.channels.email_files import FileRefusedError, check, safe_name
from gateway.documents.kept_files import keep
from gateway.domain import Broadcast, Channel
from gateway.settings import Settings
from gateway.wording import FILES


def with_files(settings: Settings, wanted: Broadcast, files: Sequence[Path]) -> Broadcast:
    """The broadcast with these files beside its mails. Raises FileRefusedError, and then keeps none."""
    if not files:
        return wanted
    ways = {wanted.channel, *(step.channel for step in wanted.cascade)}
    if Channel.EMAIL not in ways and not wanted.only_preference:
        raise FileRefusedError("only mails carry files: use --channel email, or --only-preference")
    read = _read(files, settings.mail.attachments_mb)
    named = {name: str(_kept(settings.folder / "documents", name, octets)) for name, octets in read.items()}
    return replace(wanted, templates={**wanted.templates, FILES: named})


def _read(files: Sequence[Path], most_mb: int) -> dict[str, bytes]:
    """The content of each by its name in the mail."""
    try:
        total = sum(file.stat().st_size for file in files)
        if total > most_mb << 20:
            raise FileRefusedError(
                f"the files have {total / (1 << 20):.1f} MB, a mail carries {most_mb} (mail.attachments_mb): "
                "make them smaller, or tell where they can be read"
            )
        found = {safe_name(file.name): file.read_bytes() for file in files}
    except OSError as error:
        raise FileRefusedError(f"cannot read {error.filename}: {error.strerror}") from error
    if len(found) < len(files):
        raise FileRefusedError("two files have the same name: rename one")
    for name, octets in found.items():
        check(name, octets)
    return found


def _kept(folder: Path, name: str, octets: bytes) -> Path:
    try:
        return keep(folder, octets)[0]
    except OSError as error:
        raise FileRefusedError(f"cannot keep {name}: {error.strerror}") from error
