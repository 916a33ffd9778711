"""Faxes over T.38 or audio: one TIFF-F with cover and body, a header line on each page."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from gateway import domain
from gateway.asterisk import variables
from gateway.asterisk.ami import Ami
from gateway.asterisk.results import CallResult
from gateway.channels.fax_causes import PAGES_MISSING, VOICE, VOICE_AGAIN, is_of_the_line, outcome
from gateway.channels.fax_ladder import LADDER, VOICES, Forgetful, Known, Memory, way_of
from gateway.channels.telephone import Dial, TelephoneChannel, readable
from gateway.channels.trunks import TrunkLine, Ways
from gateway.channels.voice_causes import with_evidence
from gateway.documents.continued import rest_of
from gateway.documents.proof import keep_picture
from gateway.domain import (
    Attempt,
    Content,
    ContentError,
    Delivered,
    FaxImage,
    FaxLetter,
    Outcome,
    Retry,
    RetryKind,
    RingwellError,
)
from gateway.settings import FaxSettings, Trunk

log = logging.getLogger(__name__)

Render = Callable[[FaxLetter], Awaitable[FaxImage]]
# The slowest fax that is still believed in: training, then pages.
TRAINING_SECONDS = 120
PAGE_SECONDS = 120
# The handler's report and a slow exchange.
MARGIN_SECONDS = 30.0


class FaxChannel(TelephoneChannel):
    """`render` turns a letter into one TIFF-F that the exchange can read."""

    name = domain.Channel.FAX

    def __init__(
        self,
        ami: Ami,
        lines: Sequence[TrunkLine],
        fax: FaxSettings,
        render: Render,
        memory: Memory | None = None,
    ) -> None:
        super().__init__(ami, Ways(lines, lambda trunk: trunk.max_faxes))
        self._render = render
        self._memory: Memory = memory or Forgetful()
        self._known: dict[str, Known] = {}
        self._max_pages = fax.max_pages
        self._fixed = {
            variables.FAX_HEADER: fax.header_line,
            variables.FAX_STATION: fax.station_id,
        }

    async def prepare(self, content: Content) -> Content:
        """A FaxLetter becomes a FaxImage."""
        if not isinstance(content, FaxLetter):
            raise ContentError(f"a fax cannot carry {type(content).__name__}")
        image = await self._render(content)
        if image.pages > self._max_pages:
            raise ContentError(f"a fax of {image.pages} pages is longer than {self._max_pages}")
        readable(image.tiff)
        return image

    async def send(self, attempt: Attempt) -> Outcome:
        """Call once, the way that this number takes faxes, with the pages that it does not have yet."""
        try:
            known = await self._memory.recall(attempt.address, attempt.message)
            attempt = await self._what_is_missing(attempt, known)
        except RingwellError as error:
            log.error("attempt %s: %s; tried again later", attempt.id, error)
            return Retry(RetryKind.LINE_DOWN, "preparation-failed", charged=False)
        self._known[attempt.id] = known
        try:
            found = await super().send(attempt)
        finally:
            del self._known[attempt.id]
        if isinstance(found, Delivered) and isinstance(attempt.content, FaxImage):
            await self._picture(attempt, attempt.content)
        return await self._learnt(attempt, known, found)

    async def _picture(self, attempt: Attempt, image: FaxImage) -> None:
        """What the proof of delivery shows; without it the fax is delivered all the same."""
        try:
            await asyncio.to_thread(keep_picture, image.tiff)
        except RingwellError as error:
            log.warning("attempt %s: %s", attempt.id, error)

    async def _what_is_missing(self, attempt: Attempt, known: Known) -> Attempt:
        image = attempt.content
        if not known.pages or not isinstance(image, FaxImage):
            return attempt
        return replace(attempt, content=await asyncio.to_thread(rest_of, image, known.pages))

    async def _learnt(self, attempt: Attempt, known: Known, found: Outcome) -> Outcome:
        rung, voices = known.rung, known.voices
        if found.cause == VOICE:
            voices += 1
            if voices >= VOICES:
                found = with_evidence(VOICE_AGAIN, found.evidence)
        elif isinstance(found, Delivered) or found.cause == PAGES_MISSING:
            voices = 0
        if is_of_the_line(found):
            rung = min(rung + 1, len(LADDER) - 1)
        if (rung, voices) != (known.rung, known.voices):
            try:
                await self._memory.learn(attempt.address, rung, voices)
            except RingwellError as error:
                log.warning("what attempt %s showed of its line is forgotten: %s", attempt.id, error)
        return found

    def _dial(self, attempt: Attempt, trunk: Trunk) -> Dial:
        image = attempt.content
        if not isinstance(image, FaxImage):
            raise ContentError(f"a fax cannot carry {type(image).__name__}")
        seconds = TRAINING_SECONDS + PAGE_SECONDS * image.pages
        way = way_of(self._known.get(attempt.id, Known()).rung, t38=trunk.t38)
        named = {
            variables.FAX_FILE: readable(image.tiff),
            variables.FAX_SECONDS: str(seconds),
            variables.FAX_PAGES: str(image.pages),
            variables.FAX_OPTIONS: way.options,
            variables.FAX_RATE: str(way.rate),
            variables.FAX_CORRECTION: "yes" if way.correction else "no",
        }
        return Dial(variables.FAX_CONTEXT, self._fixed | named, seconds + MARGIN_SECONDS)

    def _outcome(self, result: CallResult, attempt: Attempt | None) -> Outcome:
        image = attempt.content if attempt else None
        if not isinstance(image, FaxImage):
            return outcome(result, None)
        found = outcome(result, image.pages)
        # What the proof of delivery shows; the name says nothing of whom it is for.
        return with_evidence(found, {**found.evidence, "document": image.tiff.name, "of_pages": image.pages})
