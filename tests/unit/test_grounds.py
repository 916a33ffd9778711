"""What verdicts rest on is told in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from gateway.console.grounds import HOW, LEARNT, ground_told, line_told
from gateway.domain import Source
from gateway.settings import Settings
from store.verdicts import Judged
from store.why import Line

NEW_YORK = ZoneInfo("America/New_York")
# In New York it is the third of May still.
AT = datetime(2026, 5, 4, 2, 0, tzinfo=UTC)
WITHDRAWN = Line(57, False, Source.TEXT, AT, None, "messaging", None, "", None, False)


@pytest.mark.parametrize("source", Source)
def test_every_source_of_the_ledger_has_words(source: Source) -> None:
    assert (source in HOW) != (source in LEARNT)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        (WITHDRAWN, "consent withdrawn by text on 3 May 2026, entry 57"),
        (replace(WITHDRAWN, given=True, source=Source.STAFF, by="Ana"), "given by staff on 3 May 2026 (Ana)"),
        (replace(WITHDRAWN, channel="fax"), "consent for faxes withdrawn"),
        (replace(WITHDRAWN, purpose="marketing", given=True), "consent to marketing given"),
        (replace(WITHDRAWN, party="contact"), "consent of the messaging contact withdrawn"),
        (replace(WITHDRAWN, source=Source.INVALID, everyone=True), "the number does not exist, on 3 May"),
        (replace(WITHDRAWN, given=True, source=Source.FORM, document=4), "with a signed document"),
    ],
)
def test_an_entry_is_told_in_a_sentence(line: Line, told: str) -> None:
    assert told in line_told(line, NEW_YORK)


@pytest.mark.parametrize(
    ("basis", "facts", "told"),
    [
        ("entry:57", "", "consent withdrawn by text on 3 May 2026, entry 57"),
        ("entry:9", "", "entry 9 of the consent ledger"),
        ("setting:policy.sms.opens", "", "texts may be sent from 08:00 to 21:00, setting policy.sms.opens"),
        ("setting:policy.caps.a_day", "", "setting policy.caps.a_day is 3"),
        ("setting:no.such", "", "setting no.such"),
        ("appointment:7", "v1777917600.booked", "appointment 7 on 4 May 2026 at 14:00, booked"),
        ("appointment:7", "", "appointment 7"),
        ("attempts", "n3", "3 calls and texts in the last eight days"),
        ("stop:4", "", "stop 4"),
        ("rule:4", "", "rule 4, which was added after that time"),
        ("address", "", "the address on record"),
        ("", "", ""),
    ],
)
def test_a_ground_is_told_with_what_it_was(basis: str, facts: str, told: str) -> None:
    judged = Judged("refuse", AT, basis=basis, facts=facts)
    found = ground_told(judged, {57: WITHDRAWN}, Settings(), NEW_YORK)
    assert found.startswith(told) if told else found == ""
