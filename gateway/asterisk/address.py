"""Where the exchange finds a service of ours on loopback, and the secret by which we know the exchange."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from gateway.asterisk.instance import free_port


@dataclass(frozen=True, slots=True)
class Address:
    """A port of loopback, and what the exchange says to it first."""

    port: int
    secret: str


def _token() -> str:
    return secrets.token_urlsafe(24)


def own_address(folder: Path, service: str, port: int = 0, new_secret: Callable[[], str] = _token) -> Address:
    """The address of this instance's service, chosen at the first call and then kept."""
    file = folder / f"{service}.json"
    try:
        known = Address(**json.loads(file.read_text()))
    except (FileNotFoundError, ValueError, TypeError):
        known = None
    if known is not None and port in (0, known.port):
        return known
    chosen = Address(port or free_port(), new_secret())
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = folder / f".{service}.{secrets.token_hex(4)}"
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        json.dump(asdict(chosen), opened)
    draft.replace(file)
    return chosen
