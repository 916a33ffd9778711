"""Scripts rendered by Piper itself: telephone rate, each part once, prompts as they are."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio

from gateway.domain import ContentError, Prompt, Speech
from gateway.rendering import speech
from tests.unit.voices_tones import frequency, loudness, samples, tone
from voices import wav
from voices.errors import PromptAwayError, PromptError, RenderError, SpeechError, VoiceMissingError
from voices.library import VoiceLibrary
from voices.prompts import KeptPrompts
from voices.sample import make_sample_prompt

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    made = tmp_path_factory.mktemp("voices")
    (made / "prompts").mkdir()
    return made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def library(folder) -> AsyncIterator[VoiceLibrary]:
    async with VoiceLibrary(folder / "cache", folder / "prompts", workers=2) as made:
        yield made


async def test_words_become_telephone_sound_at_an_even_level_without_dead_air(library):
    texts = ("Rosa Costa", "9:30 AM", "Press 1 to confirm. Press 9 to stop these calls.")
    for file in await library.render(tuple(map(Speech, texts))):
        sound = samples(file)
        levels = loudness(sound)
        speaking = [level for level in levels if level > max(levels) / 10]
        voiced = [place for place, level in enumerate(levels) if level > max(levels) / 50]
        average = (sum(level**2 for level in speaking) / len(speaking)) ** 0.5
        assert 0.06 < average < 0.14
        assert max(map(abs, sound)) < 0.95 * 32767
        assert voiced[0] <= 10, "dead air before"
        assert len(levels) - voiced[-1] <= 50, "dead air after"


async def test_marks_are_heard_as_pauses(library):
    plain, marked = await library.render((Speech("good morning"), Speech(". good morning")))
    quiet = next(place for place, level in enumerate(loudness(samples(marked))) if level > 0.01)
    assert quiet >= 30
    assert next(place for place, level in enumerate(loudness(samples(plain))) if level > 0.01) < 15


async def test_a_file_name_and_a_process_tell_nothing_of_the_text(library):
    task = asyncio.create_task(library.render((Speech("Zebediah Quux"),)))
    shown: list[str] = []
    while not task.done():
        await asyncio.sleep(0.01)
        shown += [word for pid in library.worker_pids for word in psutil.Process(pid).cmdline()]
    (file,) = await task
    assert "voices.worker" in shown
    assert not any(word in str(file).lower() for word in ("zebediah", "quux"))
    assert not any("uux" in word for word in shown)


async def test_the_same_text_asked_for_at_once_is_rendered_once(folder):
    async with VoiceLibrary(folder / "once", workers=2) as alone:
        asked = [asyncio.create_task(alone.render((Speech("one and the same"),))) for _ in range(5)]
        files = set(await asyncio.gather(*asked))
        assert len(files) == 1
        assert len(alone.worker_pids) == 1, "another worker was asked as well"


async def test_a_caller_that_gives_up_does_not_take_the_sound_from_the_others(library):
    part = (Speech("This text is wanted by two callers, and one of them goes away."),)
    leaving = asyncio.create_task(library.render(part))
    staying = asyncio.create_task(library.render(part))
    await asyncio.sleep(0)
    leaving.cancel()
    (file,) = await staying
    assert wav.seconds(file) > 1
    assert leaving.cancelled()


async def test_what_is_rendered_is_kept_and_made_again_when_it_was_removed(library, folder):
    (file,) = await library.render((Speech("kept"),))
    inode = file.stat().st_ino
    async with VoiceLibrary(folder / "cache") as later:
        assert await later.render((Speech("kept"),)) == (file,)
        assert not later.worker_pids
    assert file.stat().st_ino == inode
    file.unlink()
    assert await library.render((Speech("kept"),)) == (file,)
    assert wav.seconds(file) > 0.1


async def test_a_cached_script_costs_far_less_than_a_millisecond(library):
    parts = tuple(map(Speech, ("This is the clinic.", "Rosa Costa", "Tuesday", "9 AM", "Goodbye.")))
    await library.render(parts)
    begin = time.process_time()
    for _ in range(500):
        await library.render(parts)
    assert (time.process_time() - begin) / 500 < 0.001


async def test_the_event_loop_goes_on_while_speech_is_made(library):
    task = asyncio.create_task(library.render((Speech("A long text, said slowly. " * 8),)))
    # The thread's own time: what blocks the loop is our work, not a busy machine.
    turns, longest, last = 0, 0.0, time.thread_time()
    while not task.done():
        await asyncio.sleep(0.005)
        turns, now = turns + 1, time.thread_time()
        longest, last = max(longest, now - last), now
    await task
    assert turns > 20
    assert longest < 0.5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "nothing to say"),
        ("a\0b", "control character"),
        ("x" * 1001, "longer than 1000"),
        ("9 " * 400, "put full stops in it"),
        ("😀 " * 20 + "a. " + ("9 " * 80 + ". ") * 5, "takes too long to say"),
    ],
)
async def test_texts_that_would_take_the_machine_away_are_refused(library, text, complaint):
    with pytest.raises(SpeechError, match=complaint):
        await library.render((Speech("fine"), Speech(text)))


async def test_a_language_without_a_voice_is_named(library):
    with pytest.raises(VoiceMissingError, match=r"'tlh'.*download_voices"):
        await library.render((Speech("nuqneH", "tlh"),))


async def test_a_telephone_rate_prompt_is_played_as_it_is(library, folder):
    file = tone(folder / "prompts" / "plain.wav", 8000, 16, 1)
    assert await library.render((Prompt("plain"),)) == (file,)


@pytest.mark.parametrize(
    ("rate", "bits", "channels", "coding", "extensible"),
    [
        (44100, 16, 2, 1, False),
        (48000, 24, 1, 1, True),
        (22050, 8, 1, 1, False),
        (16000, 32, 2, 1, False),
        (48000, 32, 6, 3, True),
    ],
)
async def test_any_other_prompt_is_brought_to_telephone_rate(
    library, folder, rate, bits, channels, coding, extensible
):
    name = f"tone-{rate}-{bits}-{channels}"
    tone(folder / "prompts" / f"{name}.wav", rate, bits, channels, coding, extensible)
    (file,) = await library.render((Prompt(name),))
    sound = samples(file)
    assert len(sound) == pytest.approx(4000, abs=8)
    assert frequency(sound) == pytest.approx(440, abs=4)
    assert max(sound) == pytest.approx(16384, rel=0.05)
    assert await library.render((Prompt(name),)) == (file,)


async def test_a_prompt_recorded_anew_is_noticed(library, folder):
    file = tone(folder / "prompts" / "changing.wav", 16000, 16, 1)
    (before,) = await library.render((Prompt("changing"),))
    tone(file, 22050, 16, 2)
    (after,) = await library.render((Prompt("changing"),))
    assert before != after
    tone(file, 8000, 16, 1)
    assert await library.render((Prompt("changing"),)) == (file,)


@pytest.mark.parametrize(
    "name", ["../secret", "a/b", "/etc/passwd", "..", "", "a.wav", "a\0", "a\nb", "x" * 65, "a&b"]
)
async def test_a_prompt_name_leads_nowhere_else(library, folder, name):
    tone(folder / "secret.wav", 8000, 16, 1)
    with pytest.raises(PromptError, match="no name of a prompt"):
        await library.render((Prompt(name),))


async def test_a_prompt_that_cannot_be_played_is_named_with_what_to_do(library, folder):
    prompts = folder / "prompts"
    (prompts / "mp3.wav").write_bytes(b"ID3 not a wav at all")
    (prompts / "folder.wav").mkdir()
    os.mkfifo(prompts / "pipe.wav")
    for name, complaint in {
        "absent": r"prompt absent is missing: record it as .*absent\.wav",
        "mp3": r"prompt mp3 .*is not a WAV file",
        "folder": "prompt folder cannot be read",
        "pipe": "prompt pipe cannot be read",
    }.items():
        with pytest.raises(PromptError, match=complaint):
            await library.render((Prompt(name),))


async def test_a_recording_that_was_there_is_away_and_may_come_back(library, folder):
    prompts, file = folder / "prompts", folder / "prompts" / "greeting.wav"
    tone(file, 8000, 16, 1)
    await library.render((Prompt("greeting"),))
    file.rename(aside := folder / "aside.wav")
    tone(prompts / "other.wav", 8000, 16, 1)
    with pytest.raises(PromptAwayError, match=r"greeting cannot be read: .* is not there now"):
        await library.render((Prompt("greeting"),))
    aside.rename(file)
    assert await library.render((Prompt("greeting"),)) == (file,)


@pytest.mark.parametrize("mounted", [True, False])
async def test_a_folder_of_recordings_that_is_empty_or_gone_is_away(folder, mounted):
    share = folder / f"share-{mounted}"
    if mounted:
        share.mkdir()
    async with VoiceLibrary(folder / "cache", share) as library:
        render = speech(library)
        with pytest.raises(PromptAwayError):
            await render((Prompt("greeting"),))
        share.mkdir(exist_ok=True)
        tone(share / "other.wav", 8000, 16, 1)
        with pytest.raises(ContentError, match="greeting is missing: record it as"):
            await render((Prompt("greeting"),))


async def test_prompts_without_a_folder_name_the_setting(folder):
    async with VoiceLibrary(folder / "cache") as bare:
        with pytest.raises(PromptError, match=r"voice\.prompts"):
            await bare.render((Prompt("greeting"),))


async def test_what_the_studio_kept_goes_before_the_folder_in_its_own_language(folder):
    plain = tone(folder / "prompts" / "greeting.wav", 8000, 16, 1)
    english, spanish = (tone(folder / f"{name}.wav", 8000, 16, 1) for name in ("1", "2"))
    kept = KeptPrompts({("greeting", "en"): english, ("closing", "es"): spanish})
    async with VoiceLibrary(folder / "cache", folder / "prompts", kept=kept) as library:
        wanted = (Prompt("greeting", "en"), Prompt("greeting"), Prompt("greeting", "es"), Prompt("closing"))
        assert await library.render(wanted) == (english, english, plain, spanish)
        with pytest.raises(PromptError, match="closing is missing"):
            await library.render((Prompt("closing", "en"),))
        kept.replace({("greeting", "en"): spanish})
        assert await library.render((Prompt("greeting", "en"),)) == (spanish,)
        spanish.unlink()
        with pytest.raises(PromptAwayError, match="the recording of prompt greeting is missing"):
            await library.render((Prompt("greeting", "en"),))


async def test_a_sample_prompt_is_a_studio_recording_that_can_be_played(library, folder):
    file = folder / "prompts" / "greeting.wav"
    await asyncio.to_thread(make_sample_prompt, "Hello, this is Harbor Street Clinic.", file)
    with file.open("rb") as opened:
        form = wav.read_format(opened)
    assert (form.rate, form.channels, form.bits) == (44100, 2, 16)
    (played,) = await library.render((Prompt("greeting"),))
    assert 1 < wav.seconds(played) < 5
    assert max(loudness(samples(played))) > 0.1


async def test_a_cache_that_cannot_be_used_is_said_and_works_again_later(library):
    (file,) = await library.render((Speech("before"),))
    file.parent.rename(file.parent.with_name("aside"))
    file.parent.write_text("in the way")
    with pytest.raises(RenderError, match="cannot be used: Not a directory"):
        await library.render((Speech("meanwhile"),))
    file.parent.unlink()
    assert wav.seconds((await library.render((Speech("before"),)))[0]) > 0.1


async def test_a_file_that_a_power_cut_emptied_is_rendered_again(library):
    (file,) = await library.render((Speech("emptied"),))
    file.write_bytes(b"")
    await library.render((Speech("emptied"),))
    assert wav.seconds(file) > 0.1


async def test_a_cache_without_room_for_writing_is_said(folder):
    async with VoiceLibrary(folder / "closed") as library:
        await library.render((Speech("open"),))
        (folder / "closed").rename(folder / "moved")
        # The name leads into a folder that nobody can make.
        (folder / "closed").symlink_to("/proc/nowhere")
        with pytest.raises(RenderError, match="cannot be written"):
            await library.render((Speech("shut"),))
