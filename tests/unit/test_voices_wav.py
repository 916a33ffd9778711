"""WAV headers as recorders write them, and files that are there whole or not at all."""

from __future__ import annotations

import io
import struct
import wave

import pytest

from tests.unit.voices_tones import tone
from voices import wav


@pytest.mark.parametrize(
    ("rate", "bits", "channels", "coding", "extensible", "telephone"),
    [
        (8000, 16, 1, 1, False, True),
        (8000, 16, 1, 1, True, False),
        (8000, 16, 2, 1, False, False),
        (44100, 24, 2, 1, True, False),
        (48000, 32, 1, 3, False, False),
        (16000, 8, 1, 1, False, False),
    ],
)
def test_a_header_tells_the_length_and_whether_the_exchange_plays_it(
    tmp_path, rate, bits, channels, coding, extensible, telephone
):
    file = tone(tmp_path / "a.wav", rate, bits, channels, coding, extensible)
    assert wav.seconds(file) == pytest.approx(0.5)
    with file.open("rb") as opened:
        assert wav.read_format(opened).is_telephone is telephone


def test_a_recording_that_was_cut_off_plays_as_far_as_it_goes(tmp_path):
    file = tone(tmp_path / "a.wav", 8000, 16, 1)
    file.write_bytes(file.read_bytes()[:-4000])
    assert wav.seconds(file) == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"", "not a WAV"),
        (b"ID3\x03 an mp3 by the look of it", "not a WAV"),
        (b"RIFF\0\0\0\0WAVE", "no sound"),
        (b"RIFF\0\0\0\0WAVEfmt \x04\0\0\0abcd", "broken header"),
        (
            b"RIFF\0\0\0\0WAVEfmt \xff\xff\xff\xff" + b"\x07\0\x01\0\x40\x1f\0\0\x40\x1f\0\0\x01\0\x08\0",
            "PCM",
        ),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\x10\0", "0 channels"),
        (b"RIFF\0\0\0\0WAVEdata\x04\0\0\0abcd", "no sound"),
    ],
)
def test_what_is_no_wav_file_is_refused_with_a_reason(data, complaint):
    with pytest.raises(wav.WavError, match=complaint):
        wav.read_format(io.BytesIO(data))


def test_writing_leaves_the_whole_file_and_nothing_else(tmp_path):
    file = tmp_path / "a.wav"
    wav.write(file, b"\0\1" * 8000)
    wav.write(file, b"\0\1" * 4000)
    assert wav.seconds(file) == 0.5
    assert list(tmp_path.iterdir()) == [file]


def _samples(file):
    with wave.open(str(file)) as opened:
        return opened.readframes(opened.getnframes())


def test_files_are_joined_into_one_that_plays_them_in_order(tmp_path):
    pieces = []
    for number in range(3):
        pieces.append(tmp_path / f"{number}.wav")
        wav.write(pieces[-1], bytes([number, 0]) * 800)
    wav.join(pieces, tmp_path / "said" / "all.wav")
    assert _samples(tmp_path / "said" / "all.wav") == b"".join(map(_samples, pieces))
    pieces[0].unlink()
    wav.join(pieces, tmp_path / "said" / "all.wav")


def test_only_telephone_files_are_joined(tmp_path):
    wide = tone(tmp_path / "wide.wav", 16000, 16, 1)
    with pytest.raises(wav.WavError, match="telephone rate"):
        wav.join([wide], tmp_path / "all.wav")
    assert not (tmp_path / "all.wav").exists()


@pytest.mark.parametrize("told", [0, 0xFFFFFFFF])
def test_a_recording_that_was_cut_off_gets_its_sizes(tmp_path, told):
    file = tmp_path / "cut.wav"
    wav.write(file, b"\1\2" * 4000)
    whole = file.read_bytes()
    file.write_bytes(whole[:4] + bytes(4) + whole[8:40] + struct.pack("<I", told) + whole[44:])
    wav.mend(file)
    assert file.read_bytes() == whole


def test_a_whole_recording_is_left_as_it_is(tmp_path):
    file = tmp_path / "whole.wav"
    wav.write(file, b"\1\2" * 4000)
    before = file.stat()
    wav.mend(file)
    assert file.stat() == before
