"""A recording becomes a prompt: trimmed, as loud as all others, its faults found; others are refused."""

from __future__ import annotations

import wave

import numpy as np
import pytest
import soundfile

from voices import audio, mastering, wav
from voices.decoding import decode
from voices.errors import RecordingError, RenderError
from voices.findings import Finding, read_mastered
from voices.jobs import Master
from voices.workers import RECORDINGS, Workers

TARGET = -23.0
LONGEST = 60.0
RATE = 8000
ROOM = 0.0005


def speech(seconds: float, rate: int = RATE, level: float = 0.3) -> np.ndarray:
    """Three syllables a second of a voice-like tone over the noise of a room."""
    times = np.arange(int(seconds * rate)) / rate
    voice = sum(np.sin(2 * np.pi * 140 * n * times) / n for n in range(1, 12))
    syllables = np.clip(np.sin(2 * np.pi * 3 * times) + 0.5, 0, 1)
    return level * 0.5 * voice * syllables + room(seconds, rate)


def room(seconds: float, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(7).normal(0, ROOM, int(seconds * rate))


@pytest.fixture
def master(tmp_path):
    def mastered(sound, rate=RATE, form="WAV", subtype=None, longest=LONGEST):
        file = tmp_path / f"recording.{form.lower()}"
        soundfile.write(file, sound, rate, format=form, subtype=subtype)
        return mastering.mastered(decode(file, longest), TARGET)

    return mastered


@pytest.mark.parametrize(
    ("form", "subtype", "rate", "channels"),
    [
        ("WAV", "PCM_16", 8000, 1),
        ("WAV", "ULAW", 8000, 1),
        ("WAV", "PCM_24", 44_100, 2),
        ("WAV", "FLOAT", 192_000, 1),
        ("FLAC", "PCM_16", 48_000, 2),
        ("OGG", "VORBIS", 44_100, 1),
        ("OGG", "OPUS", 48_000, 2),
        ("MP3", "MPEG_LAYER_III", 44_100, 2),
    ],
)
def test_every_format_gives_the_same_prompt(master, form, subtype, rate, channels):
    sound = np.repeat(speech(3, rate)[:, None], channels, axis=1)
    samples, told = master(sound, rate, form, subtype)
    assert told.form == form.lower()
    assert told.findings == ()
    assert told.recorded_seconds == pytest.approx(3, abs=0.1)
    assert len(samples) / RATE == pytest.approx(3, abs=0.3)
    assert told.loudness == pytest.approx(TARGET, abs=0.2)


def test_silence_before_and_after_is_taken_away_and_pauses_stay(master):
    sound = np.concatenate([room(2), speech(2), room(0.8), speech(2), room(4)])
    samples, told = master(sound)
    assert told.recorded_seconds == pytest.approx(10.8, abs=0.01)
    assert len(samples) / RATE == pytest.approx(4.8, abs=0.4)
    assert told.findings == ()


def test_a_click_of_the_handset_is_no_word(master):
    click = np.zeros(RATE)
    click[100:140] = 0.9
    samples, _ = master(np.concatenate([click, speech(2), click]))
    assert len(samples) / RATE < 2.4


@pytest.mark.parametrize("level", [0.01, 0.05, 0.3, 0.9])
def test_all_prompts_are_equally_loud(master, level):
    samples, told = master(np.clip(speech(3, level=level), -1, 1))
    assert told.loudness == pytest.approx(TARGET, abs=0.2)
    assert mastering.loudness(samples) == pytest.approx(TARGET, abs=0.2)


def test_the_meter_reads_what_the_standard_says():
    """ITU-R BS.1770: a full-scale tone of 997 Hz in one channel reads -3.01 LUFS, give or take."""
    tone = np.sin(2 * np.pi * 997 * np.arange(5 * RATE) / RATE)
    assert mastering.loudness(tone) == pytest.approx(-3.01, abs=0.25)
    assert mastering.loudness(tone / 10) == pytest.approx(-23.01, abs=0.25)


def test_lifting_a_recording_never_cuts_its_peaks_off():
    swelling = (speech(3) * np.linspace(0.2, 3, 3 * RATE)).astype(np.float32)
    samples = mastering.levelled(swelling, -12.0)
    peaks = np.abs(samples) > 0.8
    assert 0.85 < np.abs(samples).max() <= audio.PEAK + 1e-3
    assert np.count_nonzero(peaks[1:] & (np.diff(samples) == 0)) == 0


CASES = {
    "well": (lambda: speech(3), ()),
    "normalised to full scale": (lambda: speech(3) / np.abs(speech(3)).max(), ()),
    "clipped": (lambda: np.clip(speech(3) * 8, -1, 1), (Finding.CLIPPED,)),
    "too quiet": (lambda: speech(3, level=0.01), (Finding.TOO_QUIET,)),
    "too short": (lambda: np.concatenate([room(0.3), speech(3)[:1600], room(0.3)]), (Finding.TOO_SHORT,)),
    "mostly silence": (lambda: np.concatenate([speech(2), room(30)]), (Finding.MOSTLY_SILENCE,)),
    "only the room": (lambda: room(5), (Finding.SILENT,)),
    "digital silence": (lambda: np.zeros(RATE * 5), (Finding.SILENT,)),
    "a blink": (lambda: np.zeros(3), (Finding.SILENT,)),
}


@pytest.mark.parametrize("case", CASES)
def test_faults_are_found_and_only_where_they_are(master, case):
    make, findings = CASES[case]
    samples, told = master(make())
    assert told.findings == findings
    assert told.usable == (Finding.SILENT not in findings)
    assert bool(len(samples)) == told.usable


@pytest.mark.parametrize("subtype", ["ULAW", "ALAW"])
def test_a_telephone_that_was_shouted_into_is_told_from_a_loud_one(master, subtype):
    loud = speech(3) / np.abs(speech(3)).max() * 0.95
    assert master(loud, subtype=subtype)[1].findings == ()
    assert master(np.clip(loud * 6, -1, 1), subtype=subtype)[1].findings == (Finding.CLIPPED,)


def test_a_file_that_plays_for_hours_is_refused_before_it_is_all_read(tmp_path):
    file = tmp_path / "hours.flac"
    with soundfile.SoundFile(file, "w", RATE, 1) as writing:
        for _ in range(720):
            writing.write(np.zeros(RATE * 10))
    assert file.stat().st_size < 1_000_000
    with pytest.raises(RecordingError, match="longer than the 60 s allowed"):
        decode(file, LONGEST)


@pytest.mark.parametrize(
    ("octets", "complaint"),
    [
        (b"", "cannot be read as sound"),
        (b"%PDF-1.7 not a sound", "cannot be read as sound"),
        (b"RIFF\x00\x00\x00\x00WAVE", "cannot be read as sound"),
        (b"fLaC" + b"\xff" * 500, "cannot be read as sound"),
        (b"OggS" + b"\x00" * 500, "cannot be read as sound"),
    ],
)
def test_what_is_no_recording_is_refused_in_plain_words(tmp_path, octets, complaint):
    file = tmp_path / "upload"
    file.write_bytes(octets)
    with pytest.raises(RecordingError, match=complaint):
        decode(file, LONGEST)


def test_a_kind_of_file_that_is_not_offered_is_named(tmp_path):
    soundfile.write(tmp_path / "x.aiff", speech(1), RATE, format="AIFF")
    with pytest.raises(RecordingError, match="is AIFF: save it as WAV, MP3, OGG or FLAC"):
        decode(tmp_path / "x.aiff", LONGEST)


def test_a_file_without_a_single_sample_is_refused(tmp_path):
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), RATE)
    with pytest.raises(RecordingError, match="holds no sound"):
        decode(tmp_path / "empty.wav", LONGEST)


def test_numbers_that_are_none_are_silence(master):
    sound = speech(2)
    sound[100:120] = np.nan
    sound[200:220] = np.inf
    samples, _ = master(sound, subtype="FLOAT")
    assert np.isfinite(samples).all()


async def test_a_process_of_its_own_makes_the_prompt_and_tells_of_it(tmp_path):
    soundfile.write(tmp_path / "in.ogg", speech(2), RATE, format="OGG")
    workers = Workers(1, 30, RECORDINGS)
    try:
        told = await workers.do(Master(str(tmp_path / "in.ogg"), str(tmp_path / "out.wav"), TARGET, LONGEST))
        (tmp_path / "bad").write_bytes(b"nothing to hear")
        with pytest.raises(RecordingError, match="cannot be read"):
            await workers.do(Master(str(tmp_path / "bad"), str(tmp_path / "no.wav"), TARGET, LONGEST))
    finally:
        await workers.close()
    assert read_mastered(told).usable
    with wave.open(str(tmp_path / "out.wav")) as made:
        assert (made.getframerate(), made.getnchannels(), made.getsampwidth()) == (8000, 1, 2)
    assert wav.seconds(tmp_path / "out.wav") == pytest.approx(read_mastered(told).seconds, abs=0.01)
    assert not (tmp_path / "no.wav").exists()


async def test_a_process_for_recordings_speaks_no_text(tmp_path):
    from voices.jobs import Speak

    workers = Workers(1, 30, RECORDINGS)
    try:
        with pytest.raises(RenderError, match="does not do Speak"):
            await workers.do(Speak("model", "hello", str(tmp_path / "x.wav")))
    finally:
        await workers.close()
