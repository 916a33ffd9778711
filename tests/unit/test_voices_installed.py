"""Which voice speaks, and what is said when there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from voices.errors import VoiceMissingError
from voices.installed import fingerprint, installed_voices, voice_for


def put(folder: Path, name: str, config: object) -> None:
    (folder / f"{name}.onnx").write_bytes(b"model")
    (folder / f"{name}.onnx.json").write_text(json.dumps(config))


def test_english_needs_no_download():
    voice = voice_for("en", installed_voices())
    assert voice.name == "en_US-joe-medium"
    assert voice.model.is_file()
    assert voice.config.is_file()


def test_downloaded_voices_come_first_and_by_language(tmp_path):
    put(tmp_path, "en_GB-alba-medium", {"language": {"family": "en"}})
    put(tmp_path, "mine", {"espeak": {"voice": "es-419"}})
    voices = installed_voices(tmp_path)
    assert voice_for("en", voices).name == "en_GB-alba-medium"
    assert voice_for("es-MX", voices).name == "mine"


def test_a_language_without_a_voice_is_named_with_the_way_to_get_one(tmp_path):
    with pytest.raises(VoiceMissingError, match=r"'es'.*piper\.download_voices --download-dir") as raised:
        voice_for("es", installed_voices(tmp_path), tmp_path)
    assert str(tmp_path) in str(raised.value)


def test_a_broken_voice_is_left_out_and_said(tmp_path, caplog):
    put(tmp_path, "xx_XX-broken-low", {})
    put(tmp_path, "xx_XX-wrong-low", [1])
    assert {voice.name for voice in installed_voices(tmp_path)} == {"en_US-joe-medium"}
    assert "xx_XX-broken-low" in caplog.text


def test_another_model_under_the_same_name_is_another_version(tmp_path):
    put(tmp_path, "es_ES-a-low", {"language": {"family": "es"}})
    voice = voice_for("es", installed_voices(tmp_path))
    before = fingerprint(voice)
    assert fingerprint(voice) == before
    voice.model.write_bytes(b"other")
    assert fingerprint(voice) != before
    shutil.rmtree(tmp_path)
    with pytest.raises(VoiceMissingError, match="es_ES-a-low cannot be read"):
        fingerprint(voice)
