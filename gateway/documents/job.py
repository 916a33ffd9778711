"""What a rendering process is given on stdin; the letter's words never travel in arguments."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Cover:
    """What the cover page says; nothing about health (rules 6.6)."""

    to_name: str
    to_number: str
    clinic: str
    callback: str
    station: str
    sent_on: str


@dataclass(frozen=True, slots=True)
class Job:
    """One fax: `document` (a PDF or a picture) and its SHA-256, or `text` under `subject`.

    There is no cover page when `cover` is None.
    """

    cover: Cover | None
    subject: str
    text: str
    document: str
    digest: str
    fine: bool
    max_pages: int
    cpu_seconds: int
    output: str

    def encode(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self)).encode()


def decode(data: bytes) -> Job:
    """The job that was encoded."""
    fields = json.loads(data)
    cover = fields.pop("cover")
    return Job(cover=Cover(**cover) if cover else None, **fields)
