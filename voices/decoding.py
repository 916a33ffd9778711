"""Recordings that somebody made (WAV, MP3, OGG, FLAC) as telephone-rate sound, within limits. Workers only.

Headers are not believed: sound is read in pieces and counted, so that a small file that plays for hours is
refused before it fills anything.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from voices.audio import Samples
from voices.errors import RecordingError
from voices.wav import TELEPHONE_RATE

# libsndfile reads many more; each is a parser that strangers could reach.
FORMATS = {"WAV": "wav", "WAVEX": "wav", "RF64": "wav", "MP3": "mp3", "OGG": "ogg", "FLAC": "flac"}
_RATES = range(4000, 192_001)
_MOST_CHANNELS = 8
_PIECE_SECONDS = 1
# Full scale, less what the coarse top of telephone coding (G.711) takes away.
_FULL = 0.975
_SAME = 1 / 32768


@dataclass(frozen=True, slots=True)
class Recording:
    """Decoded: one channel at telephone rate; `flat_tops` counts places where the wave was cut off."""

    samples: Samples
    seconds: float
    form: str
    flat_tops: int


def decode(path: Path, longest: float) -> Recording:
    """The sound of a file that plays at most `longest` seconds; RecordingError says what is wrong with it."""
    try:
        with soundfile.SoundFile(path) as file:
            form = FORMATS.get(file.format)
            if form is None:
                raise RecordingError(f"is {file.format}: save it as WAV, MP3, OGG or FLAC")
            if file.samplerate not in _RATES or file.channels > _MOST_CHANNELS:
                raise RecordingError(
                    f"has {file.channels} channels at {file.samplerate} Hz: save it as plain WAV"
                )
            return _decoded(file, form, longest)
    except soundfile.LibsndfileError as error:
        raise RecordingError("cannot be read as sound: save it as WAV, MP3, OGG or FLAC") from error


def _decoded(file: soundfile.SoundFile, form: str, longest: float) -> Recording:
    rate = file.samplerate
    stream = soxr.ResampleStream(rate, TELEPHONE_RATE, 1, dtype="float32", quality="HQ")
    pieces: list[Samples] = []
    count = flat_tops = 0
    for piece in _pieces(file):
        count += len(piece)
        if count > longest * rate:
            raise RecordingError(f"plays longer than the {longest:g} s allowed: cut it")
        flat_tops += _flat_tops(piece, rate)
        pieces.append(stream.resample_chunk(_one_channel(piece)))
    if not count:
        raise RecordingError("holds no sound")
    pieces.append(stream.resample_chunk(np.zeros(0, np.float32), last=True))
    return Recording(np.concatenate(pieces), count / rate, form, flat_tops)


def _pieces(file: soundfile.SoundFile) -> Iterator[Samples]:
    while True:
        piece = file.read(file.samplerate * _PIECE_SECONDS, dtype="float32", always_2d=True)
        if not len(piece):
            return
        # Files of floating point numbers may hold anything.
        yield np.clip(np.nan_to_num(piece), -1, 1)


def _one_channel(piece: Samples) -> Samples:
    one: Samples = piece.mean(axis=1, dtype=np.float32)
    return one


def _flat_tops(piece: Samples, rate: int) -> int:
    """How often the wave stands still at full scale for longer than a wave that fits would."""
    shortest = max(3, rate // 12_000)
    count = 0
    for channel in piece.T:
        still = (np.abs(channel[1:]) >= _FULL) & (np.abs(np.diff(channel)) <= _SAME)
        edges = np.flatnonzero(np.diff(np.concatenate(([0], still.astype(np.int8), [0]))))
        count += int(np.count_nonzero(edges[1::2] - edges[::2] >= shortest - 1))
    return count
