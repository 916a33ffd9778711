"""A recording as a drawing of its loudness."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from voices import outline, wav


def test_each_column_has_its_loudest_sample(tmp_path: Path) -> None:
    file = tmp_path / "s.wav"
    wav.write(file, struct.pack("<8h", 0, 0, 16384, -100, 0, -32768, 0, 0))
    assert outline.peaks(file, 4) == [0.0, 0.5, 1.0, 0.0]


def test_what_is_no_telephone_sound_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "s.wav"
    file.write_bytes(b"no sound")
    with pytest.raises(wav.WavError):
        outline.peaks(file)


def test_the_drawing_is_as_high_as_there_is_room_and_silence_is_flat() -> None:
    assert 'd="M0.5 1.0V47.0"' in outline.svg([0.2], "#000")
    assert 'd="M0.5 23.5V24.5"' in outline.svg([0.0], "#000")
