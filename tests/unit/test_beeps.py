"""A beep of any pitch is heard at its end, and nothing else is taken for one."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from gateway.asterisk.beeps import FRAME, RATE, BeepEar, Ready
from gateway.town import sounds

SILENCE_SECONDS = 2.5


def tone(hertz: float, seconds: float, level: float = 0.4) -> np.ndarray:
    return sounds.tones([(hertz, seconds, level)])


def silence(seconds: float) -> np.ndarray:
    return np.zeros(int(RATE * seconds))


def heard(*parts: np.ndarray, noise: float = 0.002) -> tuple[Ready | None, float]:
    """What the ear says of these sounds and when, in seconds from their beginning."""
    sound = np.concatenate(parts)
    sound = sound + noise * np.random.default_rng(1).standard_normal(len(sound))
    samples = (np.clip(sound, -1, 1) * 32767).astype(np.int16)
    ear = BeepEar(SILENCE_SECONDS)
    for start in range(0, len(samples) - FRAME, FRAME):
        if ready := ear.hear(samples[start : start + FRAME]):
            return ready, (start + FRAME) / RATE
    return None, 0.0


@pytest.fixture(scope="module")
def speech() -> np.ndarray:
    return _sound("greeting")


def _sound(name: str) -> np.ndarray:
    samples, _ = soundfile.read(sounds.prepare() / f"{name}.wav")
    return np.asarray(samples)


@pytest.mark.parametrize("hertz", [350, 440, 620, 850, 1000, 1400, 2000, 2600])
@pytest.mark.parametrize("seconds", [0.12, 0.5, 2.0])
def test_a_beep_is_heard_soon_after_its_end(speech: np.ndarray, hertz: float, seconds: float) -> None:
    before = np.concatenate([speech, silence(0.4), tone(hertz, seconds)])
    ready, when = heard(before, silence(3))
    assert ready is Ready.BEEP
    assert 0.25 <= when - len(before) / RATE <= 0.45


def test_a_quiet_beep_in_a_noisy_line_is_heard(speech: np.ndarray) -> None:
    before = np.concatenate([speech, tone(1400, 0.4, 0.04)])
    ready, when = heard(before, silence(3), noise=0.004)
    assert ready is Ready.BEEP
    assert when - len(before) / RATE <= 0.5


def test_a_double_beep_is_heard_at_its_second_end(speech: np.ndarray) -> None:
    before = np.concatenate([speech, tone(950, 0.2), silence(0.15), tone(950, 0.2)])
    ready, when = heard(before, silence(3))
    assert ready is Ready.BEEP
    assert when >= len(before) / RATE


def test_no_word_of_a_greeting_is_taken_for_a_beep() -> None:
    long = np.concatenate([_sound("long-greeting"), _sound("greeting"), _sound("short-greeting")])
    assert heard(long) == (None, 0.0)


def test_a_tone_within_a_greeting_is_not_its_end() -> None:
    before = np.concatenate([_sound("beeping-greeting"), tone(850, 0.15)])
    ready, when = heard(before, silence(3))
    assert ready is Ready.BEEP
    assert when >= len(before) / RATE


def test_without_a_beep_a_long_silence_will_do(speech: np.ndarray) -> None:
    ready, when = heard(speech, silence(4))
    assert ready is Ready.SILENCE
    assert when - len(speech) / RATE <= SILENCE_SECONDS + 0.2
