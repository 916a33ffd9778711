"""Faxes over T.38: one TIFF-F with cover and body, a header line on each page, the far end's own report."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from gateway import domain
from gateway.asterisk import variables
from gateway.asterisk.ami import Ami
from gateway.asterisk.results import CallResult
from gateway.channels.errors import ContentError
from gateway.channels.fax_causes import outcome
from gateway.channels.pace import Pace, Share, trunk_pace
from gateway.channels.telephone import Dial, TelephoneChannel, readable
from gateway.domain import Attempt, Content, FaxImage, FaxLetter, Outcome
from gateway.settings import FaxSettings, Trunk

Render = Callable[[FaxLetter], Awaitable[FaxImage]]

# T.38 is offered at once, with audio where the far end has no T.38.
OPTIONS = "zf"
# The slowest fax that is still believed in: training, then pages.
TRAINING_SECONDS = 120
PAGE_SECONDS = 120


class FaxChannel(TelephoneChannel):
    """`render` turns a letter into one TIFF-F that the exchange can read."""

    name = domain.Channel.FAX

    def __init__(
        self, ami: Ami, trunk: Trunk, fax: FaxSettings, render: Render, pace: Pace | None = None
    ) -> None:
        """`pace`: that of the trunk, when calls go over it as well."""
        pace = pace or trunk_pace(trunk)
        super().__init__(ami, Share(pace, trunk.max_faxes), trunk.caller_id, trunk.ring_seconds)
        self._render = render
        self._max_pages = fax.max_pages
        self._fixed = {
            variables.FAX_HEADER: fax.header,
            variables.FAX_STATION: fax.station_id,
            variables.FAX_OPTIONS: OPTIONS,
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

    def _dial(self, attempt: Attempt) -> Dial:
        image = attempt.content
        if not isinstance(image, FaxImage):
            raise ContentError(f"a fax cannot carry {type(image).__name__}")
        seconds = TRAINING_SECONDS + PAGE_SECONDS * image.pages
        named = {variables.FAX_FILE: readable(image.tiff), variables.FAX_SECONDS: str(seconds)}
        return Dial(variables.FAX_CONTEXT, self._fixed | named, self._ring_seconds + seconds + 30.0)

    def _outcome(self, result: CallResult, attempt: Attempt | None) -> Outcome:
        image = attempt.content if attempt else None
        return outcome(result, image.pages if isinstance(image, FaxImage) else None)
