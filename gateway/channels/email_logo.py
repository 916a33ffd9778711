"""The clinic's logo, which travels within each mail: nothing is fetched when it is read."""

from __future__ import annotations

from base64 import encodebytes
from pathlib import Path

from gateway.domain import LOGO
from gateway.settings import SettingsError

LONGEST = 100_000
_KINDS = {b"\x89PNG\r\n\x1a\n": "png", b"\xff\xd8\xff": "jpeg", b"GIF8": "gif"}


def logo_part(file: str) -> bytes:
    """The body part, with its headers; empty without a file. SettingsError for one that cannot be used."""
    if not file:
        return b""
    try:
        octets = Path(file).expanduser().read_bytes()
    except OSError as error:
        raise SettingsError(f"setting clinic.logo: cannot read {file}: {error.strerror}") from error
    kind = next((kind for mark, kind in _KINDS.items() if octets.startswith(mark)), "")
    if not kind:
        raise SettingsError(f"setting clinic.logo: {file} is no PNG, JPEG or GIF")
    if len(octets) > LONGEST:
        raise SettingsError(
            f"setting clinic.logo: {file} has {len(octets)} bytes; each mail carries it: {LONGEST} at most"
        )
    head = (
        f"Content-Type: image/{kind}\r\nContent-Transfer-Encoding: base64\r\nContent-ID: <{LOGO}>\r\n"
        f'Content-Disposition: inline; filename="logo.{kind}"\r\n\r\n'
    )
    return head.encode() + encodebytes(octets).replace(b"\n", b"\r\n")
