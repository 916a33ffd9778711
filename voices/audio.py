"""Sound as arrays of numbers between -1 and 1: to telephone rate, trimmed, levelled. Workers only."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from voices.wav import TELEPHONE_RATE, Format

Samples = NDArray[np.float32]

# Speech at -20 dBFS while it speaks, peaks at most -1 dBFS: what telephone networks expect, unclipped.
SPEECH_LEVEL = 0.1
PEAK = 0.89
_FRAME = TELEPHONE_RATE // 100
# A frame this much below the loudest one (-40 dB) is silence.
_SILENCE = 0.01
_MARGIN_BEFORE, _MARGIN_AFTER = 2, 4


def decoded(data: bytes, form: Format) -> Samples:
    """The sound of a WAV file in one channel at its own rate."""
    frame = form.channels * form.bits // 8
    data = data[: len(data) - len(data) % frame]
    if form.is_float:
        numbers = np.nan_to_num(np.frombuffer(data, f"<f{form.bits // 8}"))
    elif form.bits == 8:
        numbers = np.frombuffer(data, np.uint8) / 128 - 1
    elif form.bits == 24:
        numbers = _from_24_bits(data)
    else:
        numbers = np.frombuffer(data, f"<i{form.bits // 8}") / 2 ** (form.bits - 1)
    one: Samples = numbers.reshape(-1, form.channels).mean(axis=1, dtype=np.float32)
    return one


def _from_24_bits(data: bytes) -> NDArray[np.float64]:
    thirds = np.frombuffer(data, np.uint8).reshape(-1, 3)
    wide = np.zeros((len(thirds), 4), np.uint8)
    wide[:, 1:] = thirds
    return wide.view("<i4").ravel() / 2**31


def at_rate(samples: Samples, source: int, target: int = TELEPHONE_RATE) -> Samples:
    """The same sound at another rate."""
    changed: Samples = soxr.resample(samples, source, target, quality="HQ")
    return changed


def _loudness(samples: Samples) -> Samples:
    whole = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud: Samples = np.sqrt((whole**2).mean(axis=1))
    return loud


def trimmed(samples: Samples) -> Samples:
    """Without the silence at both ends, with soft edges; telephone rate."""
    loud = _loudness(samples)
    voiced = np.flatnonzero(loud > loud.max(initial=0) * _SILENCE)
    if not len(voiced):
        return samples[:0]
    first = max(0, int(voiced[0]) - _MARGIN_BEFORE) * _FRAME
    last = (int(voiced[-1]) + 1 + _MARGIN_AFTER) * _FRAME
    return softened(samples[first:last].copy())


def softened(samples: Samples) -> Samples:
    """With soft edges, changed in place; telephone rate."""
    edge = min(_FRAME // 2, len(samples) // 2)
    ramp = np.linspace(0, 1, edge, dtype=np.float32)
    samples[:edge] *= ramp
    samples[len(samples) - edge :] *= ramp[::-1]
    return samples


def levelled(samples: Samples) -> Samples:
    """At the level of telephone speech."""
    loud = _loudness(samples)
    speaking = loud[loud > loud.max(initial=0) * 0.1]
    if not len(speaking):
        return samples
    gain = SPEECH_LEVEL / float(np.sqrt((speaking**2).mean()))
    return unclipped(samples * np.float32(gain))


def unclipped(samples: Samples) -> Samples:
    """Quieter as a whole where its peaks would be cut off."""
    peak = float(np.abs(samples).max(initial=0))
    return samples * np.float32(PEAK / peak) if peak > PEAK else samples


def silence(milliseconds: int) -> Samples:
    """Nothing, for a while; telephone rate."""
    return np.zeros(TELEPHONE_RATE * milliseconds // 1000, np.float32)


def joined(pieces: Sequence[Samples], gap: int) -> Samples:
    """Pieces one after another with `gap` milliseconds between them."""
    parts: list[Samples] = []
    for piece in pieces:
        parts += [silence(gap), piece] if parts else [piece]
    return np.concatenate(parts) if parts else silence(0)


def pcm(samples: Samples) -> bytes:
    """16-bit samples as they stand in a WAV file."""
    return np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2").tobytes()
