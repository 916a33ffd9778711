"""Signed documents: looked at by a process with limits before they are kept."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

from gateway.documents.errors import BadDocumentError, RenderingError

CPU_SECONDS = 20
WALL_SECONDS = 60.0
MOST_PAGES = 500
_COMMAND = (sys.executable, "-P", "-m", "gateway.documents.signed_worker")


def read_capped(file: Path, largest: int) -> bytes:
    """The file's bytes; raises BadDocumentError when there are too many, OSError."""
    # Before a byte is read: it may have gigabytes.
    size = file.stat().st_size
    if size > largest:
        raise BadDocumentError(
            f"the document has {size / 1e6:.1f} MB, {largest / 1e6:.1f} are allowed: scan it at 200 dpi, "
            "or raise largest_document in [policy.consent]"
        )
    return file.read_bytes()


async def media_type(octets: bytes) -> str:
    """What the document is; BadDocumentError unless it is a sound PDF, PNG, JPEG or TIFF."""
    process = await asyncio.create_subprocess_exec(*_COMMAND, stdin=PIPE, stdout=PIPE)
    try:
        async with asyncio.timeout(WALL_SECONDS):
            told, _ = await process.communicate(octets)
    except TimeoutError as error:
        raise BadDocumentError("the document takes too long to be read: scan it again") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        answer = json.loads(told)
    except ValueError as error:
        # Killed by one of its limits.
        raise BadDocumentError("the document takes too much to be read: scan it again") from error
    if "why" in answer:
        kind = BadDocumentError if answer["bad"] else RenderingError
        raise kind(answer["why"])
    return str(answer["media_type"])
