"""Files that go with a mail: which kinds may, under what names, and how they are read when it leaves."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

from gateway.domain import Attachment, ContentError, File, RingwellError

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LONGEST_NAME = 80
# Windows opens a device by these names, whatever follows the dot.
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)", re.IGNORECASE)


class FileRefusedError(RingwellError):
    """A file cannot go with a mail; the message says why, and what can."""


def _begins(*marks: bytes) -> Callable[[bytes], bool]:
    return lambda octets: octets.startswith(marks)


def _is_text(octets: bytes) -> bool:
    try:
        return not _CONTROL.search(octets.decode())
    except UnicodeDecodeError:
        return False


_JPEG = ("image/jpeg", _begins(b"\xff\xd8\xff"))
# By the end of the name: the type that is told, and how the content shows that it is true.
KINDS: Mapping[str, tuple[str, Callable[[bytes], bool]]] = {
    ".pdf": ("application/pdf", _begins(b"%PDF-")),
    ".png": ("image/png", _begins(b"\x89PNG\r\n\x1a\n")),
    ".jpg": _JPEG,
    ".jpeg": _JPEG,
    ".gif": ("image/gif", _begins(b"GIF87a", b"GIF89a")),
    ".txt": ("text/plain; charset=utf-8", _is_text),
}


def check(name: str, octets: bytes) -> None:
    """Raise FileRefusedError for a kind that mails do not carry, or a content that is not of this kind."""
    end = Path(name).suffix.lower()
    if end not in KINDS:
        raise FileRefusedError(f"{name}: mails carry files that end in {', '.join(KINDS)}")
    if not octets or not KINDS[end][1](octets):
        raise FileRefusedError(f"{name}: its content is not what {end} says: save it anew")


def safe_name(name: str) -> str:
    """A name that every mail program shows as what it is, with one end and nothing hidden in it."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/").rsplit("/", 1)[-1])
    stem, end = plain.rpartition(".")[0], Path(plain).suffix.lower()
    # Letters, digits and marks alone: no quotes, no second end, nothing that turns the reading direction.
    kept = "".join(c if c in "-_ " or unicodedata.category(c)[0] in "LNM" else "_" for c in stem)
    stem = re.sub(r"[_ ]{2,}", "_", kept).strip(" _-")[:_LONGEST_NAME] or "document"
    return f"{'_' if _DEVICES.fullmatch(stem) else ''}{stem}{end}"


@lru_cache(maxsize=4)
def read(file: File) -> Attachment:
    """The file as it travels; blocks. ContentError when it is gone: the mail can never be sent whole."""
    try:
        octets = file.path.read_bytes()
    except FileNotFoundError as error:
        # Unnamed: it may be called after somebody.
        raise ContentError("a file of its broadcast is gone: create the broadcast anew") from error
    return Attachment(file.name, KINDS[Path(file.name).suffix.lower()][0], octets)
