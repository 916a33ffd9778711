"""A recording for demonstrations, where nobody is at hand to record one."""

from __future__ import annotations

from pathlib import Path

from voices.installed import installed_voices, voice_for
from voices.jobs import Sample
from voices.phrasing import cleaned
from voices.workers import do_once


def make_sample_prompt(text: str, path: Path, language: str = "en") -> None:
    """Write what a studio would deliver: 44.1 kHz, stereo, another voice than the one for texts. Blocks."""
    voice = voice_for(language, installed_voices())
    do_once(Sample(str(voice.model), cleaned(text, 1000), str(path.absolute())))
