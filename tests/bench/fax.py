"""Faxes: a scanned document made into pages, and thirty faxes at once over T.38.

The document is a PDF of ten pages scanned at 300 dpi; a process with limits renders it, as in production,
and nothing of it is kept from an earlier turn. The thirty go from the queue to fax machines of the town
through both exchanges; what the town wrote down decides. Only those count that arrived whole, by T.38, at the
first attempt: one that needed a second one, or went as sound, misses the bar.
"""

from __future__ import annotations

import asyncio
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path

from sqlalchemy import Connection, select

from gateway.asterisk.instance import Instance
from gateway.channels.fax import FaxChannel
from gateway.channels.trunks import trunk_lines
from gateway.documents.fax import Sender, render_fax
from gateway.domain import Channel, FaxImage, FaxLetter
from gateway.settings import FaxSettings, Trunk
from gateway.town.ledger import Entry, read_ledger
from store.schema import attempt
from tests.bench.measure import report
from tests.bench.voice import town
from tests.exchange import ami_of, clinic_exchange
from tests.line import fill, serving, settings_of

PAGES = 10
TURNS = 3
BAR_SECONDS, BAR_MEGABYTES = 2.0, 200
FAXES = 30
SENDER = Sender("Example Clinic", "+12025550100", "+12025550100")


# --- the document ---


def scan(file: Path) -> None:
    """A letter of ten pages as a scanner makes it: 300 dpi, grey, a little dirt."""
    # Not in this process: what it needs would count as the renderer's.
    subprocess.run([sys.executable, "-m", "tests.bench.fax", str(file)], check=True)


def draw(file: Path) -> None:
    """Draw the pages of the scan."""
    from PIL import Image, ImageDraw, ImageFont

    chance = random.Random(7)
    font = ImageFont.load_default(46)
    for number in range(PAGES):
        page = Image.new("L", (2550, 3300), 250)
        pen = ImageDraw.Draw(page)
        for line in range(46):
            words = " ".join("".join(chance.choices("aeinorstlmd", k=6)) for _ in range(12))
            pen.text((250, 250 + 60 * line), f"{number + 1}.{line} {words}", 20, font)
        for _ in range(400):
            pen.point((chance.randrange(2550), chance.randrange(3300)), chance.randrange(256))
        # One after the other: ten at once would take more memory than the renderer does.
        page.save(file, "PDF", resolution=300.0, append=number > 0)


async def rendered(document: Path, cache: Path) -> tuple[float, FaxImage]:
    """Seconds from a letter to its TIFF-F."""
    letter = FaxLetter("Dr. Roe", "Referral", document=document, to_number="+12125558000")
    begin = time.perf_counter()
    image = await render_fax(letter, sender=SENDER, sent_on=date(2026, 1, 15), cache=cache)
    return time.perf_counter() - begin, image


async def measure_rendering(folder: Path) -> None:
    """Print the median of seconds, and the memory of the largest process."""
    document = folder / "scan.pdf"
    await asyncio.to_thread(scan, document)
    before = _children_megabytes()
    turns = [await rendered(document, folder / f"turn-{turn}") for turn in range(TURNS)]
    seconds = sorted(seconds for seconds, _ in turns)[TURNS // 2]
    image = turns[0][1]
    more = {"at_most": True, "pages": image.pages, "tiff_kb": image.tiff.stat().st_size // 1000}
    more["document_kb"] = document.stat().st_size // 1000
    report("fax-seconds", seconds, BAR_SECONDS, **more)
    peak = _children_megabytes()
    # A smaller process than one before it leaves no mark; then this is an upper limit.
    report("fax-memory", peak, BAR_MEGABYTES, at_most=True, before=round(before))


def _children_megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


# --- thirty at once ---


async def send_at_once(exchange: Instance, folder: Path, ledger: Path) -> None:
    """Print which part of the faxes arrived whole by T.38 at the first attempt."""
    letter = FaxLetter("Dr. Roe", "Referral", "Please see this patient.\n" * 12, to_number="+12125558000")
    image = await render_fax(letter, sender=SENDER, sent_on=date(2026, 1, 15), cache=folder / "faxes")

    async def render(_: FaxLetter) -> FaxImage:
        return image

    url = f"sqlite:///{folder / 'fax.db'}"
    await fill(url, Channel.FAX, FAXES)
    trunk = Trunk(max_calls=FAXES, max_faxes=FAXES, calls_per_second=FAXES)
    settings = FaxSettings(header="Example Clinic", station_id="+12025550100")
    channel = FaxChannel(ami_of(exchange), trunk_lines({"town": trunk}), settings, render)
    async with serving(url, channel, settings_of(folder)) as line:
        delivered, seconds = await line.turn(FAXES)
        told = await line.store.read(_evidence)
    arrived = await asyncio.to_thread(read_ledger, ledger)
    whole = sum(entry.pages == image.pages and not entry.error for entry in arrived)
    by_t38 = sum(one.get("mode") == "T38" for one in told)
    report(
        "fax-at-once",
        reached(min(delivered, whole, by_t38), len(told)),
        1.0,
        delivered=delivered,
        attempts=len(told),
        whole=whole,
        by_t38=by_t38,
        at_once=_most_at_once(arrived),
        pages=image.pages,
        seconds=round(seconds, 1),
        longest_call=max((one.get("seconds", 0) for one in told), default=0),
        errors=sorted({str(one.get("error", "")) for one in told} - {""}),
        town_errors=sorted({entry.error for entry in arrived} - {""}),
    )


def reached(good: int, attempts: int) -> float:
    """Which part of the thirty went as they should; each attempt too many counts as one that did not."""
    return (min(good, FAXES) - max(0, attempts - FAXES)) / FAXES


def _evidence(conn: Connection) -> Sequence[dict[str, object]]:
    return list(conn.execute(select(attempt.c.evidence)).scalars())


def _most_at_once(entries: Sequence[Entry]) -> int:
    """How many calls were up at the same time."""
    turns = [(entry.answered, 1) for entry in entries if entry.answered]
    turns += [(entry.ended, -1) for entry in entries if entry.answered and entry.ended]
    most = up = 0
    for _, step in sorted(turns, key=lambda turn: (turn[0], turn[1])):
        up += step
        most = max(most, up)
    return most


async def _all() -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ringwell-bench-")))
        await measure_rendering(folder)
        sip = await stack.enter_async_context(town(folder / "town"))
        exchange = await stack.enter_async_context(clinic_exchange(folder / "clinic", sip))
        await send_at_once(exchange, folder, folder / "town" / "ledger.jsonl")


def main() -> None:
    """Run the bench in a folder of its own; with a file named, draw its document there."""
    if len(sys.argv) > 1:
        draw(Path(sys.argv[1]))
    else:
        asyncio.run(_all())


if __name__ == "__main__":
    main()
