"""Tones in every kind of WAV file, and what a telephone-rate file holds; standard library alone."""

from __future__ import annotations

import array
import math
import struct
import wave
from itertools import pairwise
from pathlib import Path


def tone(path: Path, rate: int, bits: int, channels: int, coding: int = 1, extensible: bool = False) -> Path:
    """Half a second of 440 Hz at half of full scale."""
    frames = b"".join(
        _sample(0.5 * math.sin(2 * math.pi * 440 * n / rate), bits, coding) * channels
        for n in range(rate // 2)
    )
    head, block = 0xFFFE if extensible else coding, channels * bits // 8
    plain = struct.pack("<HHIIHH", head, channels, rate, rate * block, block, bits)
    if extensible:
        plain += struct.pack("<HHIH14s", 22, bits, 0, coding, b"\0" * 14)
    chunks = b"LIST" + struct.pack("<I", 3) + b"abc\0"
    chunks += b"fmt " + struct.pack("<I", len(plain)) + plain + b"data" + struct.pack("<I", len(frames))
    path.write_bytes(b"RIFF" + struct.pack("<I", 4 + len(chunks) + len(frames)) + b"WAVE" + chunks + frames)
    return path


def _sample(value: float, bits: int, coding: int) -> bytes:
    if coding == 3:
        return struct.pack("<f", value)
    if bits == 8:
        return struct.pack("<B", round(128 + value * 127))
    return round(value * (2 ** (bits - 1) - 1)).to_bytes(bits // 8, "little", signed=True)


def samples(path: Path) -> array.array[int]:
    """The samples of a telephone-rate file; fails for any other."""
    with wave.open(str(path)) as file:
        assert file.getparams()[:3] == (1, 2, 8000), file.getparams()
        return array.array("h", file.readframes(file.getnframes()))


def frequency(sound: array.array[int]) -> float:
    """The pitch of a pure tone, by its zero crossings."""
    crossings = sum(1 for one, two in pairwise(sound) if one < 0 <= two)
    return crossings * 8000 / len(sound)


def loudness(sound: array.array[int]) -> list[float]:
    """The level of each 10 ms, 1 being full scale."""
    frames = [sound[start : start + 80] for start in range(0, len(sound) - 79, 80)]
    return [math.sqrt(sum(value * value for value in frame) / 80) / 32768 for frame in frames]
