"""When an answering machine begins to record: the end of its beep, or a long silence; pure.

A beep has no standard: any one frequency, a tenth of a second to two seconds long. What tells it from speech
is that nearly all of its power sits at one frequency that does not move, and that silence follows it.
"""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

RATE = 8000
FRAME = 160
FRAME_SECONDS = FRAME / RATE
# 32 ms: bins of 31 Hz, fine enough to tell a tone from a voice and short enough for a beep of 100 ms.
_WINDOW = 256
_HANN = np.hanning(_WINDOW)
_LOWEST, _HIGHEST = 300.0, 2800.0
# Of all power, in the highest bin and its neighbours; speech stays below but for a moment.
_PURITY = 0.85
_STEADY_HERTZ = 40.0
_BEEP_SECONDS = 0.08
# Root mean square of 16-bit samples: about -42 dBFS, and what a beep has at least.
_SILENCE, _LOUD = 256.0, 500.0
# A click at the end of a beep is no word.
_RAGGED_END = 0.06
# The pause between the two halves of a double beep is shorter.
_AFTER_BEEP = 0.3


class Ready(StrEnum):
    """Why a message may begin now."""

    BEEP = "beep"
    SILENCE = "silence"


class BeepEar:
    """Hears 16-bit samples at 8 kHz in frames of 20 ms; `silence_seconds` without a beep will do as well."""

    def __init__(self, silence_seconds: float) -> None:
        self._silence_seconds = silence_seconds
        self._window: NDArray[np.float64] = np.zeros(_WINDOW)
        self._pitch = 0.0
        self._tone = 0.0
        self._voice = 0.0
        self._quiet = 0.0

    def hear(self, frame: NDArray[np.int16]) -> Ready | None:
        """Listen to one frame; whether the message may begin."""
        self._window = np.concatenate((self._window[len(frame) :], frame.astype(np.float64)))
        if _loudness(self._window[-FRAME:]) < _SILENCE:
            return self._hear_silence()
        self._quiet = 0.0
        self._hear_sound(self._pitch_of_tone())
        return None

    def _hear_sound(self, pitch: float) -> None:
        if pitch:
            steady = abs(pitch - self._pitch) <= _STEADY_HERTZ
            self._tone = FRAME_SECONDS + (self._tone if steady else 0.0)
            self._pitch, self._voice = pitch, 0.0
        else:
            self._voice += FRAME_SECONDS
            if self._voice > _RAGGED_END:
                self._tone = 0.0

    def _hear_silence(self) -> Ready | None:
        self._quiet += FRAME_SECONDS
        if self._tone >= _BEEP_SECONDS and self._quiet >= _AFTER_BEEP:
            return Ready.BEEP
        return Ready.SILENCE if self._quiet >= self._silence_seconds else None

    def _pitch_of_tone(self) -> float:
        """The frequency that holds nearly all power; 0 when none does."""
        if _loudness(self._window) < _LOUD:
            return 0.0
        power = np.abs(np.fft.rfft(self._window * _HANN)) ** 2
        peak = int(np.argmax(power))
        hertz = peak * RATE / _WINDOW
        if not _LOWEST <= hertz <= _HIGHEST:
            return 0.0
        pure = power[max(0, peak - 2) : peak + 3].sum() / power.sum()
        return hertz if pure >= _PURITY else 0.0


def _loudness(samples: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(samples**2)))
