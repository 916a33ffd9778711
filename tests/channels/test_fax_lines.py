"""Fax machines with troubles: the ladder is climbed and remembered, and only missing pages are sent again.

All numbers are called at once, so that the whole takes as long as its longest fax.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image

from gateway.asterisk.ami import Ami
from gateway.asterisk.live import calls_in_progress
from gateway.channels.fax import FaxChannel
from gateway.channels.fax_ladder import Known
from gateway.channels.trunks import trunk_lines
from gateway.documents.fax import FaxRenderer, Sender
from gateway.documents.header import header_line, with_header
from gateway.domain import Attempt, Delivered, FaxImage, FaxLetter, Outcome, RingwellError
from gateway.settings import FaxSettings, Trunk
from gateway.town.households import FAX_AREA, number
from gateway.town.ledger import Entry, read_ledger
from gateway.town.town import Town
from tests.exchange import CALLER, ami_of, clinic_exchange, running

pytestmark = pytest.mark.asyncio(loop_scope="module")

TRUNK = Trunk(max_calls=40, max_faxes=10, calls_per_second=100, ring_seconds=15, caller_id=CALLER)
AUDIO, CUT_EARLY, CUT_LATE, BUSY = (number(voice, 0, voice, FAX_AREA) for voice in range(4))
PERSON = number(2, 0, 60)
# The first page after the cover is short, the second takes longer than the line holds.
LETTER = FaxLetter("Dr. Roe", "Referral", "See below.\f" + "A line of a long report. " * 60)


class Remembered:
    """What the store keeps for the product: lines, and the pages that attempts brought."""

    def __init__(self) -> None:
        self.known: dict[str, Known] = {}
        self.pages: dict[int, int] = {}

    async def recall(self, address: str, message: int) -> Known:
        found = self.known.get(address, Known())
        return Known(found.rung, found.voices, self.pages.get(message, 0))

    async def learn(self, address: str, rung: int, voices: int) -> None:
        self.known[address] = Known(rung, voices)


class Case:
    """Every number tried until it is settled, and what was seen meanwhile."""

    def __init__(self, town: Town, memory: Remembered, image: FaxImage) -> None:
        self.town, self.memory, self.image = town, memory, image
        self.outcomes: dict[str, list[Outcome]] = {}
        self.stages: set[str] = set()

    def entries(self, address: str) -> list[Entry]:
        return [entry for entry in read_ledger(self.town.ledger) if entry.address == address]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def case(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder: Path = tmp_path_factory.mktemp("faxes")
    town_folder, clinic = folder / "town", folder / "clinic"
    async with (
        Town(town_folder, seed=1, pace=0.4) as town,
        clinic_exchange(clinic, town.address.sip) as exchange,
    ):
        ami = ami_of(exchange)
        renderer = FaxRenderer(folder / "cache", Sender("Clinic", CALLER, CALLER), date.today)
        memory = Remembered()
        lines = trunk_lines({"town": TRUNK})
        channel = FaxChannel(ami, lines, FaxSettings(station_id=CALLER), renderer.render, memory)
        async with running(ami.run):
            await ami.up()
            image = await channel.prepare(LETTER)
            assert isinstance(image, FaxImage)
            found = Case(town, memory, image)

            async def tried(message: int, address: str, attempts: int) -> None:
                ended: list[Outcome] = []
                for attempt in range(1, attempts + 1):
                    outcome = await channel.send(Attempt(1, message, attempt, address, image))
                    ended.append(outcome)
                    if outcome.cause == "pages-missing":
                        memory.pages[message] = int(str(outcome.evidence["pages"])) - 1
                    if isinstance(outcome, Delivered):
                        break
                found.outcomes[address] = ended

            async def watched() -> None:
                while True:
                    found.stages |= {call.stage for call in await calls_in_progress(ami)}
                    await asyncio.sleep(0.5)

            async with running(watched):
                cases = enumerate((AUDIO, CUT_EARLY, CUT_LATE, BUSY, PERSON), 1)
                await asyncio.gather(*(tried(message, address, 2) for message, address in cases))
    return found


def _causes(outcomes: Mapping[str, Sequence[Outcome]], address: str) -> list[str]:
    return [outcome.cause for outcome in outcomes[address]]


async def test_a_machine_without_t38_gets_the_fax_in_audio(case: Case) -> None:
    (outcome,) = case.outcomes[AUDIO]
    assert outcome.cause == "delivered"
    assert outcome.evidence["mode"] == "audio"
    assert [entry.pages for entry in case.entries(AUDIO)] == [case.image.pages]


async def test_a_line_that_drops_gets_the_next_way_which_is_remembered(case: Case) -> None:
    assert _causes(case.outcomes, CUT_EARLY) == ["fax-error", "delivered"]
    assert [outcome.evidence["mode"] for outcome in case.outcomes[CUT_EARLY]] == ["T38", "audio"]
    assert case.memory.known[CUT_EARLY] == Known(1, 0)
    assert [entry.pages for entry in case.entries(CUT_EARLY)] == [0, case.image.pages]


async def test_after_a_drop_in_mid_page_only_the_missing_pages_are_sent_under_a_fresh_cover(
    case: Case,
) -> None:
    first, second = case.outcomes[CUT_LATE]
    assert (first.cause, first.evidence["pages"]) == ("pages-missing", 2)
    assert isinstance(second, Delivered)
    entries = case.entries(CUT_LATE)
    assert entries[-1].pages == second.evidence["pages"] == 2, "cover and the page that was missing"
    with Image.open(entries[-1].file) as arrived, Image.open(case.image.tiff) as whole:
        arrived.seek(1)
        whole.seek(2)
        # The far end prints a header line and counts blank lines anew; the ink is the page's.
        assert abs(_ink(arrived) - _ink(whole)) < 0.1 * _ink(whole)


def _ink(page: Image.Image) -> float:
    levels = page.convert("L").histogram()
    return levels[0] / (page.width * page.height)


async def test_a_busy_machine_is_tried_again_and_its_line_is_not_blamed(case: Case) -> None:
    assert _causes(case.outcomes, BUSY) == ["busy", "delivered"]
    assert BUSY not in case.memory.known


async def test_a_preview_shows_the_pages_that_arrive_with_their_header_line(case: Case) -> None:
    with Image.open(case.entries(BUSY)[-1].file) as arrived, Image.open(case.image.tiff) as sent:
        for number in range(case.image.pages):
            arrived.seek(number)
            sent.seek(number)
            words = header_line(FaxSettings().header_line, CALLER, datetime.now().astimezone(), number + 1)
            shown, seen = with_header(sent.convert("1"), words, fine=True), arrived.convert("1")
            assert shown.size == seen.size
            rows = shown.height - sent.height
            assert _cells(shown, rows) == _cells(seen, rows), "letters in the same places"
            below = (0, rows, shown.width, shown.height)
            assert shown.crop(below).tobytes() == seen.crop(below).tobytes()


def _cells(page: Image.Image, rows: int) -> list[bool]:
    """In which squares of the header line there is ink."""
    places = range(0, page.width, 16)
    return [page.crop((left, 0, left + 16, rows)).getextrema()[0] == 0 for left in places]


async def test_a_number_where_people_answer_twice_is_given_up(case: Case) -> None:
    first, second = case.outcomes[PERSON]
    assert first.cause == "voice-answered", (first, case.entries(PERSON))
    assert second.cause == "voice-answered-again"
    assert getattr(second, "bad_address", False)


async def test_the_live_view_tells_the_page(case: Case) -> None:
    assert any("page" in stage for stage in case.stages), case.stages


async def test_a_fax_waits_while_nobody_knows_what_was_sent_already(case: Case) -> None:
    class Away(Remembered):
        async def recall(self, address: str, message: int) -> Known:
            raise RingwellError("the database is away")

    async def never(letter: FaxLetter) -> FaxImage:
        raise AssertionError("it is rendered already")

    ami = Ami("127.0.0.1", 1, "nobody", "nothing")
    channel = FaxChannel(ami, [], FaxSettings(), never, Away())
    outcome = await channel.send(Attempt(1, 1, 1, AUDIO, case.image))
    assert (outcome.cause, getattr(outcome, "charged", True)) == ("preparation-failed", False)
