"""What a rendering process is asked to do; one line of JSON each, one answer each.

Answers: `{"ready": true}` once the voice is loaded, then `{"done": …}` with what was found out, or
`{"error": kind, "why": …}` with the name of a class of voices.errors. Texts travel here only, never in
arguments or logs.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from voices import errors


@dataclass(frozen=True, slots=True)
class Speak:
    """Voice a cleaned text into a telephone-rate file."""

    model: str
    text: str
    output: str


@dataclass(frozen=True, slots=True)
class Convert:
    """Bring a recording to telephone rate; `digest` is the SHA-256 it had when it was addressed."""

    source: str
    digest: str
    output: str


@dataclass(frozen=True, slots=True)
class Sample:
    """Voice a text as a studio recording of somebody else might sound."""

    model: str
    text: str
    output: str


@dataclass(frozen=True, slots=True)
class Master:
    """Make a prompt of a recording that somebody made; `target` is its loudness in LUFS (BS.1770)."""

    source: str
    output: str
    target: float
    longest: float


Job = Speak | Convert | Sample | Master
_KINDS: dict[str, type[Job]] = {kind.__name__: kind for kind in (Speak, Convert, Sample, Master)}


def encode(job: Job) -> bytes:
    """A job as a line."""
    return json.dumps({"job": type(job).__name__} | asdict(job)).encode() + b"\n"


def decode(line: bytes) -> Job:
    """The job of a line."""
    fields = json.loads(line)
    return _KINDS[fields.pop("job")](**fields)


def result(answer: bytes) -> dict[str, Any]:
    """What a job found out; raises what the answer reports."""
    told = json.loads(answer)
    if "error" in told:
        kind = getattr(errors, told["error"], errors.RenderError)
        raise kind(told["why"])
    found: dict[str, Any] = told["done"]
    return found
