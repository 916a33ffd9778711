"""What a rendering process is given on stdin; the letter's words never travel in arguments."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

# Only who renders knows how many there are. No name holds it: it is no letter of any script.
PAGES = "\ue000"


@dataclass(frozen=True, slots=True)
class Cover:
    """What the cover page says; nothing about health (rules 6.6).

    `letterhead`: the clinic's name, then other lines; `logo`: a PNG in base64. `PAGES` becomes their count.
    """

    heading: str
    rows: Sequence[tuple[str, str]]
    notice_heading: str
    notice: Sequence[str]
    letterhead: Sequence[str]
    logo: str = ""


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
