"""A prompt of a recording: silence trimmed, loudness evened (ITU-R BS.1770), faults found. Workers only."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyloudnorm
from numpy.lib.stride_tricks import sliding_window_view

from voices import audio, wav
from voices.audio import Samples
from voices.decoding import Recording, decode
from voices.errors import RenderError
from voices.findings import Finding, Mastered
from voices.jobs import Job, Master

_RATE = wav.TELEPHONE_RATE
_FRAME = _RATE // 100
_BLOCK = _RATE * 2 // 5
# Below the first nobody spoke (-50 dBFS); quieter than the second and lifting it lifts the room's noise too.
_NOTHING = 0.003
QUIET_LUFS = -40.0
SHORT_SECONDS = 0.4
# Speech with its pauses is voiced for about half of the time.
VOICED_SHARE = 0.2
_FLAT_TOPS = 3
# Breath before the first word and the fall of the last one stay.
_BEFORE, _AFTER = 10, 20
# A click of the handset is shorter than this many frames.
_WORD = 4
_LOOK_AHEAD = _RATE // 200


class Mastering:
    """The craft of a process that makes prompts of recordings."""

    def prepare(self, job: Job) -> None:
        """Nothing to load."""

    def do(self, job: Job) -> dict[str, Any]:
        """Write the prompt and tell what was found; a VoiceError says why there is none."""
        if not isinstance(job, Master):
            raise RenderError(f"this process does not do {type(job).__name__}")
        samples, told = mastered(decode(Path(job.source), job.longest), job.target)
        wav.write(Path(job.output), audio.pcm(samples))
        return asdict(told)


def mastered(recording: Recording, target: float) -> tuple[Samples, Mastered]:
    """The prompt, and what was found in the recording."""
    whole = recording.samples - recording.samples.mean()
    voiced = _voiced(whole)
    if not voiced.any():
        return audio.silence(0), Mastered(
            0.0, _short(recording.seconds), -70.0, -70.0, recording.form, (Finding.SILENT,)
        )
    words = _trimmed(whole, voiced)
    before = loudness(words)
    prompt = levelled(words, target)
    return prompt, Mastered(
        seconds=_short(len(prompt) / _RATE),
        recorded_seconds=_short(recording.seconds),
        recorded_loudness=_short(before),
        loudness=_short(loudness(prompt)),
        form=recording.form,
        findings=tuple(_findings(recording, voiced, before)),
    )


def _findings(recording: Recording, voiced: Any, loud: float) -> list[Finding]:
    seconds = float(np.count_nonzero(voiced)) / 100
    quiet = loud < QUIET_LUFS
    judged = {
        Finding.CLIPPED: recording.flat_tops >= _FLAT_TOPS,
        Finding.TOO_QUIET: quiet,
        # Where words are lost in the quiet, their length says nothing.
        Finding.TOO_SHORT: seconds < SHORT_SECONDS and not quiet,
        Finding.MOSTLY_SILENCE: seconds < VOICED_SHARE * recording.seconds and not quiet,
    }
    return [finding for finding, found in judged.items() if found]


def _voiced(samples: Samples) -> Any:
    """For each 10 ms, whether somebody speaks: louder than the room by far, and not a mere click."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loud = np.sqrt((frames**2).mean(axis=1))
    if not len(loud) or loud.max() < _NOTHING:
        return np.zeros(len(loud), bool)
    room = float(np.percentile(loud, 10))
    # Somebody who never pauses leaves no frame to hear the room in: hence the ceiling.
    least = max(_NOTHING, loud.max() * 0.01, min(room * 3, loud.max() * 0.1))
    voiced = loud > least
    if len(voiced) >= _WORD:
        runs = sliding_window_view(np.pad(voiced, _WORD - 1), _WORD).all(axis=1)
        voiced = sliding_window_view(runs, _WORD).any(axis=1)
    return voiced


def _trimmed(samples: Samples, voiced: Any) -> Samples:
    found = np.flatnonzero(voiced)
    first = max(0, int(found[0]) - _BEFORE) * _FRAME
    last = (int(found[-1]) + 1 + _AFTER) * _FRAME
    return audio.softened(samples[first:last].copy())


def loudness(samples: Samples) -> float:
    """Integrated loudness in LUFS; what is shorter than the standard's block is heard again and again."""
    if len(samples) < _BLOCK:
        samples = np.tile(samples, _BLOCK // max(1, len(samples)) + 1)
    # Silence has a logarithm of nothing: the meter says -inf, JSON cannot.
    with np.errstate(divide="ignore"):
        measured = float(pyloudnorm.Meter(_RATE).integrated_loudness(samples.astype(np.float64)))
    return max(measured, -70.0)


def levelled(samples: Samples, target: float) -> Samples:
    """At this loudness; peaks beyond what telephone lines carry are rounded off."""
    once = limited(samples * np.float32(10 ** ((target - loudness(samples)) / 20)))
    # Rounding peaks off takes a little loudness with them.
    return limited(once * np.float32(10 ** ((target - loudness(once)) / 20)))


def limited(samples: Samples) -> Samples:
    """With no sample above the peak: the gain falls and rises within milliseconds, so no wave is cut."""
    over = np.maximum(np.abs(samples) / audio.PEAK, 1)
    if over.max(initial=1) <= 1:
        return samples
    gain = 1 / over
    width = 2 * _LOOK_AHEAD + 1
    lowest = sliding_window_view(np.pad(gain, 2 * _LOOK_AHEAD, constant_values=1), width).min(axis=1)
    window = np.hanning(width + 2)[1:-1]
    smooth = np.convolve(lowest, window / window.sum(), mode="valid")
    result: Samples = (samples * smooth).astype(np.float32)
    return result


def _short(number: float) -> float:
    return round(number, 2)
