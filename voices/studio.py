"""Where speech is made: Piper's models and what is done to their sound. Workers only."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from pathlib import Path
from typing import Any

import onnxruntime  # type: ignore[import-untyped]
from piper.config import PiperConfig, SynthesisConfig
from piper.voice import PiperVoice

from voices import audio, wav
from voices.errors import PromptError, RenderError, SpeechError, VoiceMissingError
from voices.jobs import Convert, Job, Sample, Speak
from voices.phrasing import phrase

# What one job may ask of the model, in the model's own units (about 50 a second of speech): some texts of
# legal length are read out as something much longer. Memory grows with the sentence.
LONGEST_SENTENCE = 1000
LONGEST_TEXT = 5000
SENTENCE_GAP = 250

SAMPLE_RATE, SAMPLE_CHANNELS = 44_100, 2
# A sample prompt is higher and slower than the voice that it is made of.
_SAMPLE_PITCH, _SAMPLE_PACE = 1.09, 1.2


class Studio:
    """The models that this process has loaded."""

    def __init__(self) -> None:
        # Piper logs what it speaks at DEBUG.
        logging.getLogger("piper").setLevel(logging.ERROR)
        self._voices: dict[str, PiperVoice] = {}

    def load(self, model: str) -> None:
        """Have a model ready; one thread each, so that N processes take N cores."""
        if model in self._voices:
            return
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        try:
            config = PiperConfig.from_dict(json.loads(Path(model + ".json").read_text(encoding="utf-8")))
            session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            name = Path(model).stem
            raise VoiceMissingError(
                f"voice {name} cannot be loaded ({type(error).__name__}): install it again"
            ) from error
        self._voices[model] = PiperVoice(session=session, config=config)

    def prepare(self, job: Job) -> None:
        """Have ready what a job needs."""
        if isinstance(job, Speak | Sample):
            self.load(job.model)

    def do(self, job: Job) -> dict[str, Any]:
        """Do it; a VoiceError says why not."""
        match job:
            case Speak():
                self._speak(job)
            case Sample():
                self._sample(job)
            case Convert():
                convert(job)
            case _:
                raise RenderError(f"this process does not do {type(job).__name__}")
        return {}

    def _speak(self, job: Speak) -> None:
        said = phrase(job.text)
        rate = self._voices[job.model].config.sample_rate
        pieces = [audio.trimmed(audio.at_rate(one, rate)) for one in self._sentences(job.model, said.words)]
        speech = audio.levelled(audio.joined(pieces, SENTENCE_GAP))
        if not len(speech):
            raise SpeechError(f"voice {Path(job.model).stem} finds nothing to say in a text")
        sound = audio.joined([audio.silence(said.before), speech, audio.silence(said.after)], 0)
        wav.write(Path(job.output), audio.pcm(sound))

    def _sentences(self, model: str, text: str, pace: float = 1.0) -> list[audio.Samples]:
        voice = self._voices[model]
        ids = [voice.phonemes_to_ids(phonemes) for phonemes in voice.phonemize(text) if phonemes]
        if max(map(len, ids), default=0) > LONGEST_SENTENCE:
            raise SpeechError("a spoken sentence is too long to voice: put full stops in it")
        if sum(map(len, ids)) > LONGEST_TEXT:
            raise SpeechError("a spoken text takes too long to say: split it up, or record it")
        settings = SynthesisConfig(length_scale=voice.config.length_scale * pace)
        return [_heard(voice, one, settings) for one in ids]

    def _sample(self, job: Sample) -> None:
        source = int(self._voices[job.model].config.sample_rate * _SAMPLE_PITCH)
        spoken = self._sentences(job.model, job.text, pace=_SAMPLE_PACE)
        telephone = [audio.trimmed(audio.at_rate(one, source)) for one in spoken]
        speech = audio.levelled(audio.joined(telephone, SENTENCE_GAP))
        if not len(speech):
            raise SpeechError("a sample prompt needs something to say")
        wide = audio.unclipped(audio.at_rate(speech, wav.TELEPHONE_RATE, SAMPLE_RATE))
        wav.write(Path(job.output), audio.pcm(wide.repeat(SAMPLE_CHANNELS)), SAMPLE_RATE, SAMPLE_CHANNELS)


def _heard(voice: PiperVoice, ids: list[int], settings: SynthesisConfig) -> audio.Samples:
    sound = voice.phoneme_ids_to_audio(ids, settings)
    assert not isinstance(sound, tuple), "no alignments were asked for"
    return sound.reshape(-1)


def convert(job: Convert) -> None:
    """A recording at telephone rate: as loud as it is, unclipped, nothing cut."""
    try:
        data = Path(job.source).read_bytes()
        form = wav.read_format(io.BytesIO(data))
    except OSError as error:
        raise PromptError(f"prompt {Path(job.source).stem} cannot be read: {error.strerror}") from error
    except wav.WavError as error:
        raise PromptError(f"prompt {Path(job.source).stem} ({job.source}) {error}") from error
    if hashlib.sha256(data).hexdigest() != job.digest:
        raise RenderError(f"prompt {Path(job.source).stem} was being replaced")
    sound = audio.decoded(data[form.start : form.start + form.size], form)
    wav.write(Path(job.output), audio.pcm(audio.unclipped(audio.at_rate(sound, form.rate))))
