"""WAV files: their format, their length, and telephone-rate ones written whole or not at all."""

from __future__ import annotations

import os
import secrets
import struct
import wave
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

TELEPHONE_RATE = 8000
_PCM, _FLOAT, _EXTENSIBLE = 1, 3, 0xFFFE


class WavError(ValueError):
    """The file is not a WAV file that can be played; the message says why."""


@dataclass(frozen=True, slots=True)
class Format:
    """What a WAV file holds: `start` and `size` of its sound are in bytes."""

    coding: int
    extensible: bool
    channels: int
    rate: int
    bits: int
    start: int
    size: int

    @property
    def is_float(self) -> bool:
        """Samples are floating point numbers."""
        return self.coding == _FLOAT

    @property
    def is_telephone(self) -> bool:
        """The exchange plays it as it is: 8 kHz, one channel, 16 bits, a plain header."""
        plain = self.coding == _PCM and not self.extensible
        return plain and (self.rate, self.channels, self.bits) == (TELEPHONE_RATE, 1, 16)

    @property
    def seconds(self) -> float:
        """How long it plays."""
        return self.size / (self.rate * self.channels * self.bits // 8)


def read_format(file: BinaryIO) -> Format:
    """The format of an open WAV file, or WavError."""
    riff = file.read(12)
    if len(riff) < 12 or riff[:4] != b"RIFF" or riff[8:] != b"WAVE":
        raise WavError("is not a WAV file")
    fields: tuple[int, bool, int, int, int] | None = None
    while len(head := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", head)
        if name == b"data":
            if fields is None:
                break
            start = file.tell()
            # Recorders that were cut off leave a size of 0 or of more than there is.
            there = file.seek(0, os.SEEK_END) - start
            return Format(*fields, start, min(size or there, there))
        if name == b"fmt ":
            fields = _fields(file.read(size))
            file.seek(size % 2, os.SEEK_CUR)
        else:
            file.seek(size + size % 2, os.SEEK_CUR)
    raise WavError("holds no sound")


def _fields(chunk: bytes) -> tuple[int, bool, int, int, int]:
    if len(chunk) < 16:
        raise WavError("has a broken header")
    coding, channels, rate, _, _, bits = struct.unpack("<HHIIHH", chunk[:16])
    extensible = coding == _EXTENSIBLE
    if extensible and len(chunk) >= 26:
        coding = struct.unpack("<H", chunk[24:26])[0]
    widths = {_PCM: (8, 16, 24, 32), _FLOAT: (32, 64)}.get(coding, ())
    if bits not in widths:
        raise WavError("is not plain PCM: save it as WAV, 16-bit PCM")
    if not 1 <= channels <= 8 or not 4000 <= rate <= 192_000:
        raise WavError(f"has {channels} channels at {rate} Hz: save it as WAV, 16-bit PCM, one channel")
    return coding, extensible, channels, rate, bits


def seconds(path: Path) -> float:
    """How long a WAV file plays."""
    with path.open("rb") as file:
        return read_format(file).seconds


def write(path: Path, samples: bytes, rate: int = TELEPHONE_RATE, channels: int = 1) -> None:
    """16-bit samples as a WAV file that is there whole or not at all.

    No fsync: after a power loss the worst is a file to be rendered again.
    """
    part = path.with_name(f".{path.stem}.{secrets.token_hex(4)}.part")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with wave.open(str(part), "wb") as file:
            file.setparams((channels, 2, rate, 0, "NONE", ""))
            file.writeframes(samples)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


def join(sources: Sequence[Path], path: Path) -> None:
    """Telephone-rate files one after another as one; where it is there already, its time is now."""
    try:
        os.utime(path)
    except FileNotFoundError:
        write(path, b"".join(_sound(source) for source in sources))


def _sound(path: Path) -> bytes:
    with path.open("rb") as file:
        form = read_format(file)
        if not form.is_telephone:
            raise WavError(f"is not at telephone rate ({path})")
        file.seek(form.start)
        return file.read(form.size)


def mend(path: Path) -> None:
    """Give a 16-bit recording that was cut off the sizes that its recorder had no time to write down."""
    with path.open("rb") as file:
        form = read_format(file)
        file.seek(max(0, form.start - 4))
        (told,) = struct.unpack("<I", file.read(4))
        if form.is_telephone and told != form.size:
            file.seek(form.start)
            write(path, file.read(form.size))
