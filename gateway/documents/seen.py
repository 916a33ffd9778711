"""A page of a PDF as a picture for a screen, drawn by a process with limits."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE

from gateway.documents.errors import BadDocumentError

CPU_SECONDS = 10
WALL_SECONDS = 30.0
# Enough to read a fax by; broader pages are made smaller.
WIDTH = 1100
PNG = b"\x89PNG\r\n\x1a\n"
_COMMAND = (sys.executable, "-P", "-m", "gateway.documents.seen_worker")


async def page_as_png(pdf: bytes, number: int) -> bytes:
    """The page with this number, from 1; BadDocumentError when it cannot be drawn."""
    process = await asyncio.create_subprocess_exec(*_COMMAND, str(number), stdin=PIPE, stdout=PIPE)
    try:
        async with asyncio.timeout(WALL_SECONDS):
            drawn, _ = await process.communicate(pdf)
    except TimeoutError as error:
        raise BadDocumentError("the page takes too long to be drawn") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if not drawn.startswith(PNG):
        raise BadDocumentError("the page cannot be drawn")
    return drawn
